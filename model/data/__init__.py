"""Data: one `Dataset`, and what is done to it.

Read `dataset`, `modality` and `task` first. `sources` loads data by name or path, and `clips` what is to be encoded
first. `readers` has a reader for each layout, `store` is an HDF5 file, `builtin` has data that comes with
haemsa. `cleaning`, `normalisation` and `folds` prepare data for training, `summary` describes it.
"""
