"""`haemsa compare` and `ablate`: the best of a search next to the models that people use, and without each idea.

Read `compare` first. `contenders` and `classical_trials` tune the other models, `finals` trains them all and predicts
the test split, and `report` and `figure` show how sure the differences are. `calls` does all this from beginning to
end.
"""
