"""`haemsa search`: an evolution, workers and records put together.

Read `launch` (how a search starts), `driver` (ask, submit, collect, tell, record) and `finish` (how it ends), in that
order; then `problem` (data and objectives), `warm_start` (what it starts from), `work` (what goes to workers) and
`budget` (when it ends).
"""
