"""Who trains: this process, or Ray actors. They know no search, only jobs.

Read `evaluator` first (the protocol, and this process), then `job`, `cohort_trainer` (a job's training) and
`ray_evaluator` (the same on Ray); `factory` makes the one that the settings ask for.
"""
