"""MLflow: a view on a search, and the model registry. The run directory stays the truth.

Read `records` first (what a tracker is told), then `tracker` (who is told), `outbox` (what waits on disk) and
`mlflow_sink` (how MLflow gets it, by the room `runs`). `registry`, `pyfunc` and `served` are about models; `fetch` and
`genome_sources` read models and genomes back; `sync` and `ui` belong to the commands of these names.
"""
