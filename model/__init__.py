"""Networks as tensors. Nothing here knows a search, or needs more than torch and numpy to train.

Read `spec` (a genome as data), `network` (one tensor program for a whole cohort), `training`, then `predictor`.
`data` holds the samples, `metrics` the scores, `cost` parameters and FLOPs, `inheritance` a child's first weights.
"""
