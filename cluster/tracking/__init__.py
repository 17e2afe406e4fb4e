"""MLflow: the view on a search, and the model registry. The run directory stays the truth.

Read `records` first (what is told), then `tracker` (who is told), `outbox` (what waits) and `mlflow_sink` (how MLflow
gets it). `registry`, `pyfunc` and `served` are about models; `sync` and `ui` are commands.
"""
