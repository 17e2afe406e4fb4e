"""`haemsa show` and `haemsa report`: a search read back from its run directory.

Read `show` first, then `record` and `page`.
"""
