"""Pickles of arrays, read without running anything in them. Read `unpickle`, then `scan` and `values`."""
