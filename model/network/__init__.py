"""One tensor program for a whole cohort of networks: each parameter has a leading axis of P networks.

Read it in the order in which data flows: `batch`, `encoders`, `tokens`, `levels` (with `experts` and `gates`), `heads`;
`cohort_network` puts them together, and `cohort` says which parts networks share. Used through `CohortNetwork`.
"""
