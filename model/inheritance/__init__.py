"""A child's first weights, taken from its parent's.

Read `inherit` first, then `alignment` (which part corresponds to which), `levels` and `experts`.
Used through `Inherited` and `inherit`.
"""
