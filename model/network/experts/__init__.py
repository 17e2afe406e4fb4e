"""The experts of a level, in groups that are computed together.

Read `members` first, then `group`. The first layers of experts are in `joins` and `cross_attention`. Those of
`tensor_fusion` are groups of their own.
"""
