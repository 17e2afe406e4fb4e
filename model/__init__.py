"""Networks as tensors. Nothing here knows about a search, and training needs only torch and numpy.

Read `spec` (a genome as data), `network` (one tensor program for a whole cohort), `training`, then `predictor`.
`data` has the samples, `metrics` the scores, `cost` the parameters and FLOPs. `baselines` are
other models, to compare with.
"""
