"""`haemsa compare` and `ablate`: the best of a search next to the models that people use, and without each idea.

Read `compare` first. `tuning` tunes the other models (`contenders`: by searches, `classical_trials`: by trials) at the
same time (`together`). `finals` trains them all and predicts the test split. `report` and `figure` show how sure the
differences are. `calls` does all this from beginning to end.
"""
