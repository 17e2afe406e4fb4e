"""`haemsa train`, `evaluate` and `predict`: the model that a person keeps.

Read `train` first, then `recipe` (what is trained), `trainer` and `calibrate`. `load` reads a saved model, `evaluate`
and `predictions` use it, and `record` registers it in MLflow.
"""
