"""Pickles with a dictionary or list for each split: those of MMSA, MulT and MISA.

`mmsa`, `mult` and `misa` each have a `read`, which others call. Then read `splits`. `features`, `sentiment` and
`videos` say what the values mean.
"""
