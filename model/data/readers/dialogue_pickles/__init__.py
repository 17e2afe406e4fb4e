"""Pickles with a dictionary for each dialogue: DialogueRNN, MMGCN, COSMIC. Used through `read`."""
