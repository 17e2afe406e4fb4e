"""`haemsa show` and `haemsa report`: a search read back from its run directory; and a search as a study of Optuna.

Read `show` first, then `record` and `page`. `importance` says which genes matter.
"""
