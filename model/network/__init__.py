"""One tensor program for a whole cohort of networks, in which each parameter has a leading axis over networks.

Read `cohort` first (rows, sizes, stacks of parameters). Then follow the data: `batch`, `encoders`, `tokens`, `levels`
(with the room `experts`, and `gates`), `heads`. `cohort_network` puts them together. In the room `operations` is what
they do with gradients of their own. `noise` and `subsets` act only in training, and `weights` moves one network's
weights. Others use `CohortNetwork`.
"""
