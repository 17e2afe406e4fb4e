"""Data: one `Dataset`, and what is done to it.

Read `dataset` and `task` first. `sources` loads data by name or path, `readers` reads every layout, `store` is our own
HDF5 file, `builtin` comes with haemsa. `normalisation`, `cleaning` and `folds` prepare data for training.
"""
