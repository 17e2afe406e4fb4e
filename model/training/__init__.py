"""Trains a cohort.

Read `train` first, then `plan` (from where and until when), `stepper` (one step), `losses` (what is minimised),
`optimizer` and `inference`. `pool` holds the samples on a device. Others use `train`, `Pool` and `FoldStatistics`.
"""
