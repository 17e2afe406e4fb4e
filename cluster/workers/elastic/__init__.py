"""How many workers there are on a cluster that changes, and what they ask for.

Read `needs` (what a worker needs) and `crew` (how many workers, and which). `nodes` and `growth` say what the cluster
has and whether it grows, `room` checks that before the start, and `target` says how many workers to have now. `worker`
is one of them. `start_watch` says what is waited for, and `metrics` tells Ray what a search does.
"""
