"""Pickles with a dictionary for each dialogue, as DialogueRNN, MMGCN, COSMIC and SDT write them.

Read `read` first, whose `read` others call, then `utterances`. `emotions` and `speakers` say what its values mean.
"""
