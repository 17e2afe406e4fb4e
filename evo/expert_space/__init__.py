"""Genomes of expert networks: what they may be, and how they are drawn, changed and repaired.

Read `space` first, then `bounds` and `domain` (the values of each gene), `sampling`, `variation` and `repair`.
`designs` holds the usual designs of the field as genomes. Exported by `haemsa.evo`: `ExpertSpace`, `Bounds`.
"""
