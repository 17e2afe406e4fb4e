"""What a search remembers: all scores and the front, a record of each generation, and who descends from whom.

Read `archive` first, with `loss_table` and `shrinkage` (how noisy scores are compared). `logbook` and `history` are
DEAP's.
"""
