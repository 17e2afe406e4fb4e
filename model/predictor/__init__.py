"""A trained model: predict with it, calibrate it, score it, look inside.

Read `predictor` first, whose `Predictor` others use, then `scores`, `calibration` and `ensemble`. `insight` measures
what happens inside. `new_samples` reads data without labels, and `inputs` prepares raw features. `joined` makes one
network of all members, `baking` puts the statistics of folds into weights, `model_files` reads and writes a model, and
`export/` writes it for programs without haemsa.
"""
