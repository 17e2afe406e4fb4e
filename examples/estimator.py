"""Search as an estimator of scikit-learn: ragged text and a table of audio, divided by speaker, with no file at all."""

import pickle

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, cross_val_score

from haemsa import MultimodalSearch, as_rows

rng = np.random.default_rng(0)
mood = rng.normal(size=240)
text = [value + rng.normal(size=(rng.integers(1, 6), 8)) for value in mood]  # 1 to 5 time steps of 8 features
text[7] = None  # a sample without text
audio = pd.DataFrame(mood[:, None] + 2 * rng.normal(size=(240, 3)), columns=["pitch", "rate", "loudness"])
X, y, speakers = {"text": text, "audio": audio}, np.where(mood > 0, "good", "bad"), np.arange(240) // 4

search = MultimodalSearch(
    kind="classes",
    evaluations=6,  # a real search takes hundreds
    confirm=1,
    seeds=2,
    validation="holdout:1",
    settings={"population": 4, "space": {"epochs": [4, 8], "max_levels": 1, "max_experts": 2}},
)
search.fit(X, y, groups=speakers)
print(search.front_[["accuracy", "params"]].to_string(index=False))
print(search.predict({"audio": audio[:2]}), search.predict_proba({"audio": audio[:2]}).round(2).tolist())
again = pickle.loads(pickle.dumps(search))
assert (again.predict(X) == search.predict(X)).all()

scores = cross_val_score(search, as_rows(X), y, cv=GroupKFold(2), groups=speakers, params={"groups": speakers})
print(f"accuracy for new speakers: {scores.mean():.2f}")
