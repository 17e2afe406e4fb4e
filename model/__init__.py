"""Networks as tensors over a population; `model.spec` needs no torch, nothing here needs more than torch and numpy."""
