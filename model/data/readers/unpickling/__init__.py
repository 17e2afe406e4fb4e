"""Pickles, read without running anything in them. Used through `unpickle`."""
