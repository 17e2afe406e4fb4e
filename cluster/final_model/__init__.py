"""`haemsa train`, `evaluate`, `predict` and `export`: the model that a person keeps.

Read `train` first, then `recipe` (what is trained), `trainer` and `calibrate`. `load` reads a saved model, `evaluate`
and `predictions` use it, `export` writes it for programs without haemsa, and `record` registers it in MLflow.
"""
