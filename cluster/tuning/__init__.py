"""`haemsa tune`: Ray Tune refines how a genome is trained.

Read `tune` first, then `tuner` (how Ray Tune is set up), `trial` (a trial in its worker) and `genes` (what is tuned).
`follower` and `result` hold what was found, `report` and `record` write it. `unfinished` keeps what happened, so that a
tuning that was cut off goes on with the `samples` that are left; `waits` tells when trials wait for nodes. `call` does
all this from beginning to end.
"""
