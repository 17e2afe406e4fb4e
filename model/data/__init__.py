"""Data: one `Dataset`, where it comes from (`sources`), its statistics (`normalisation`) and its folds (`folds`)."""
