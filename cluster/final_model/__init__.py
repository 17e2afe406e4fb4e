"""`haemsa train`, `evaluate` and `predict`: the model that a person keeps.

Read `train` first, then `recipe` (what is trained), `trainer` and `calibrate`. `evaluate` and `predictions` use a saved
model, and `record` registers it in MLflow.
"""
