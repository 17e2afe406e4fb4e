"""What one search keeps on disk.

Read `run_directory` first, then `journal` (every candidate and its outcome), `weights` (trained weights) and `ranking`
(the front and the best). `tables` and `rows` hold the columns, `manifest` the versions, `snapshot` copies a run.
`plain_models` is what the best must beat. `reserved` makes a new folder for a search that was given none, `lock` lets
only one search write to it, `places` finds its data and its MLflow store again.
"""
