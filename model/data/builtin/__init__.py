"""Data that comes with haemsa: `planted`, whose best answer is known, and scikit-learn's `digits` in three parts."""
