"""Pickles with a dictionary or list for each split: those of MMSA, MulT and MISA. Each has a file with its `read`."""
