"""A child's first weights, taken from its parent's.

Read `inherit` first, then `alignment` (which part continues which), `heritage`, `levels` and `experts`. Others use
`Inherited` and `inherit`.
"""
