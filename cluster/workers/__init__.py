"""Who trains: this process, or Ray actors. They know no search, only jobs.

Read `evaluator` first (the protocol, and this process), then `job` and `cohort_trainer` (the training of jobs). On Ray,
`ray_evaluator` gives cohorts to the actors of `worker_pool`, and `elastic` says how many there are. `factory` makes
what the settings of a search ask for. All work that is no search is done by `tasks`.
"""
