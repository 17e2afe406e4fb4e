"""Trains a cohort.

Read `train` first, then `stepper` (one step), `plan` (from where and until when), `optimizer`, and `losses` (what is
minimised). `pool` holds the samples on a device. Used through `train_cohort`, `Pool` and `FoldStatistics`.
"""
