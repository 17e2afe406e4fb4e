"""Load the model that search_and_train.py saved, and predict with intervals, also without audio."""

import sys
from pathlib import Path

import numpy as np

from haemsa import load_for, load_model, predictions

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/examples")
model = load_model(folder / "model")
data = load_for(model, "planted").part("test")
silent = data.hiding(["audio"], np.zeros((len(data), 1), dtype=bool))  # the audio is shown in no sample

for title, samples in (("all modalities", data), ("without audio", silent)):
    frame = predictions(model, samples)  # pandas: a row for each sample
    print(frame[["id", "sentiment_low", "sentiment", "sentiment_high"]].head(3).to_string(index=False))
    labels = samples.tasks["sentiment"].targets
    error = np.abs(frame["sentiment"] - labels).mean()
    inside = ((frame["sentiment_low"] <= labels) & (labels <= frame["sentiment_high"])).mean()
    print(f"{title}: mean absolute error {error:.3f}, {inside:.0%} of the labels lie in their interval\n")
