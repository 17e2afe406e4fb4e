"""Genomes of expert networks: what they may be, and how they are drawn, changed and repaired.

Read `space` first, then `bounds` and `domain` (the values of each gene), `sampling`, `variation` (with
`training_genes`), `legal` and `repair`. `designs` holds the usual designs of the field. `features` shows
genomes as a table of numbers. `haemsa.evo` exports `ExpertSpace` and `Bounds`.
"""
