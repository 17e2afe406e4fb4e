"""A saved model: predict, calibrate, score, look inside.

Read `predictor` first, then `scores`, `calibration` and `ensemble`. `insight` measures what happens inside, `baking`
folds normalisation into weights. Used through `Predictor`.
"""
