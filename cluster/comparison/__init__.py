"""`haemsa compare` and `ablate`: the search's best next to the models that people use, and without each idea.

Read `compare` first, then `contenders` (the other models), `finals` (the test split) and `bootstrap` (how sure).
"""
