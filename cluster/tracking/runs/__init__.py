"""What MLflow shows of a search: a run of its own, a run for each generation, a run and a model for each network.

Read `names` first (how metrics are called), then `search`, `generation` and `networks` (the runs). `model` and
`model_card` are about models. `origin` says who made a run, with what. `note` and `views` lead a reader from one page
to the next.
"""
