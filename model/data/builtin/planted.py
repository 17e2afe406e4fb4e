"""Generated data in the shapes of CMU-MOSI. Its structure is known, and so is the best error that a network can reach.

Each sample has hidden numbers: `plain`, `hedge` and `energy` are in the text, `tone` (+1 or -1) is in the audio. Its
sentiment is plain + tone * hedge, plus noise. So text says something without the other modalities. Audio says something
only together with text: the tone without the text changes neither the distribution of sentiment nor that of emotion.
Vision says nothing. The steps that carry the signal show it exactly. So the noise of the labels is the least error, and
a network that finds the structure reaches it. Axes: `N` samples, `T` time steps, `D` features, `S` hidden numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality, clean
from haemsa.model.data.dataset import SPLITS, Dataset, Task, step_mask

SIZES: Final = (1284, 229, 686)
EMOTIONS: Final = ("sadness", "anger", "disgust", "fear", "happiness", "surprise")
_VIDEO_SIZE: Final = 24
_PLAIN, _HEDGE, _NOISE = 1.2, 1.0, 0.45  # standard deviations of the parts of sentiment
_LOUD: Final = 3.0  # amplitude of the signal, relative to the noise
_MISTAKEN: Final = 0.12  # share of emotion labels that are drawn at random
_SHAPES: Final = {"text": (20, 64), "audio": (24, 24), "vision": (24, 20)}  # T, D
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlantedTruth:
    """The best that a predictor can reach on the test split.

    Attributes:
        mae: The least mean absolute error of sentiment, from all features. Only the noise of the labels is left.
        accuracy: The best accuracy of emotion, from all features.
        single_mae: As `mae`, from the best single modality.
        single_accuracy: As `accuracy`, from the best single modality.
        constant_mae: As `mae`, of the best constant, fitted on training.
        constant_accuracy: As `accuracy`, of the best constant, fitted on training.
        single: The best single modality.
        useful: The modalities that a good network reads.
        decoy: The modality that says nothing.
    """

    mae: float
    accuracy: float
    single_mae: float
    single_accuracy: float
    constant_mae: float
    constant_accuracy: float
    single: str = "text"
    useful: tuple[str, ...] = ("text", "audio")
    decoy: str = "vision"


@dataclass(frozen=True, eq=False)
class _Hidden:
    plain: Floats
    hedge: Floats
    tone: Floats
    energy: Floats
    video: NDArray[np.int64]

    def sentiment(self, tone: Floats | float) -> Floats:
        return self.plain + tone * self.hedge

    def emotion(self, tone: Floats | float) -> NDArray[np.int64]:
        band = np.digitize(self.sentiment(tone), (-0.7, 0.7))
        return (2 * band + (self.energy > 0)).astype(np.int64)


def planted(seed: int = 0, sizes: tuple[int, int, int] = SIZES) -> Dataset:
    """Generated data whose best possible error is known (`planted_floor`).

    The modalities are sequences: text [N, 20, 64], audio [N, 24, 24] and vision [N, 24, 20]. The tasks are sentiment,
    in [-3, 3], and emotion, of six classes. The groups are videos of about 24 samples, which lie within one split.

    Args:
        seed: Draws all of it.
        sizes: The samples in train, valid and test.

    Raises:
        ValueError: A split would have no sample.

    Example:
        >>> data = planted(seed=0, sizes=(20, 10, 10))
        >>> len(data), data.modalities["text"].features.shape, data.tasks["emotion"].labels[:2]
        (40, (40, 20, 64), ('sadness', 'anger'))
    """
    rng = _generator(seed, "features")
    hidden, (sentiment, emotion) = _hidden(seed, sizes), _labels(seed, sizes)
    signals = {
        "text": np.stack([hidden.plain / _PLAIN, hidden.hedge / _HEDGE, hidden.energy], axis=1),
        "audio": hidden.tone[:, None],
        "vision": np.zeros((len(sentiment), 0)),
    }
    raw = {name: _sequences(signal, hidden.video, _SHAPES[name], rng) for name, signal in signals.items()}
    splits = _splits(sizes)
    modalities, notes = clean(raw, splits["train"])
    clip = [int((hidden.video[:index] == video).sum()) for index, video in enumerate(hidden.video)]
    return Dataset(
        name="planted",
        modalities=modalities,
        tasks={
            "sentiment": Task("regression", sentiment.astype(np.float32), bounds=(-3.0, 3.0)),
            "emotion": Task("classes", emotion, EMOTIONS),
        },
        splits=splits,
        ids=tuple(f"video{video:03d}$_${number}" for video, number in zip(hidden.video, clip, strict=True)),
        groups=hidden.video,
        notes=("made so that text informs alone, audio only together with text, vision not at all", *notes),
    )


def planted_floor(seed: int = 0, sizes: tuple[int, int, int] = SIZES) -> PlantedTruth:
    """The best that a predictor of `planted(seed, sizes)` can reach, computed from its hidden numbers.

    The noise of labels is symmetric, and clipping and rounding keep order. So the sentiment without noise is the
    median, which minimises the absolute error. Without the tone (+1 or -1, equally likely) that median is `plain`, and
    the emotions of the two tones are equally likely.

    Example:
        >>> truth = planted_floor()
        >>> truth.mae < truth.single_mae < truth.constant_mae
        True
    """
    hidden, (sentiment, emotion) = _hidden(seed, sizes), _labels(seed, sizes)
    splits = _splits(sizes)
    train, test = splits["train"], splits["test"]

    def error(prediction: Floats | float) -> float:
        return float(np.abs(_on_scale(prediction) - sentiment)[test].mean())

    def right(prediction: NDArray[np.int64] | int) -> float:
        return float(np.equal(prediction, emotion)[test].mean())

    return PlantedTruth(
        mae=error(hidden.sentiment(hidden.tone)),
        accuracy=right(hidden.emotion(hidden.tone)),
        single_mae=error(hidden.plain),
        single_accuracy=(right(hidden.emotion(1.0)) + right(hidden.emotion(-1.0))) / 2,
        constant_mae=error(float(np.median(sentiment[train]))),
        constant_accuracy=right(int(np.bincount(emotion[train]).argmax())),
    )


def _generator(seed: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng([seed, *purpose.encode()])


def _splits(sizes: tuple[int, int, int]) -> dict[str, NDArray[np.int64]]:
    ends = np.cumsum((0, *sizes))
    return {split: np.arange(ends[i], ends[i + 1], dtype=np.int64) for i, split in enumerate(SPLITS)}


def _hidden(seed: int, sizes: tuple[int, int, int]) -> _Hidden:
    """The hidden numbers. Videos differ in mean sentiment: a network that memorises them is good in training only."""
    rng = _generator(seed, "hidden")
    if min(sizes) < 1:
        raise ValueError(f"planted sizes are {sizes}, expected at least 1 sample in each split")
    videos: list[NDArray[np.int64]] = []
    for size in sizes:
        first = 0 if not videos else int(videos[-1].max()) + 1
        count = max(1, round(size / _VIDEO_SIZE))
        videos.append(np.sort(rng.integers(first, first + count, size)))
    video, samples = np.concatenate(videos).astype(np.int64), sum(sizes)
    _, video = np.unique(video, return_inverse=True)
    of_video = rng.standard_normal(video.max() + 1)[video]
    return _Hidden(
        plain=_PLAIN * (np.sqrt(0.2) * of_video + np.sqrt(0.8) * rng.standard_normal(samples)),
        hedge=_HEDGE * rng.standard_normal(samples),
        tone=rng.choice([-1.0, 1.0], samples),
        energy=rng.standard_normal(samples),
        video=video.astype(np.int64),
    )


def _labels(seed: int, sizes: tuple[int, int, int]) -> tuple[Floats, NDArray[np.int64]]:
    """Sentiment and emotion with their noise, [N] each."""
    rng, hidden = _generator(seed, "labels"), _hidden(seed, sizes)
    noise = _NOISE * rng.standard_normal(len(hidden.tone))
    mistaken = rng.random(len(noise)) < _MISTAKEN
    guesses = rng.integers(0, len(EMOTIONS), len(noise))
    return _on_scale(hidden.sentiment(hidden.tone) + noise), np.where(mistaken, guesses, hidden.emotion(hidden.tone))


def _on_scale(sentiment: Floats | float) -> Floats:
    """Clipped to [-3, 3] and rounded to fifths, the mean of five raters."""
    return np.round(np.clip(sentiment, -3, 3) * 5) / 5


def _sequences(
    signal: Floats, video: NDArray[np.int64], shape: tuple[int, int], rng: np.random.Generator
) -> RawModality:
    """Sequences [N, T, D] that carry `signal` [N, S] on about three steps in four, which one more direction marks.

    The rest is noise that is correlated over time and within a video. Then the axes are rotated, shifted and scaled,
    because real features have no tidy axes. A mean over time shows most of the signal, attention to the marked steps
    shows all of it.
    """
    (steps, width), (samples, size) = shape, signal.shape
    lengths = np.maximum(rng.binomial(steps, rng.beta(4, 2, samples)), 4).astype(np.int64)
    noise = _correlated(samples, steps, width, rng) * rng.gamma(4, 0.25, (samples, 1, 1))
    noise += 0.7 * rng.standard_normal((video.max() + 1, 1, width))[video]
    noise *= 1 / np.sqrt(1 + np.arange(width) / 2)  # a decaying spectrum
    if size:
        marked = rng.random((samples, steps)) < 3 / 4
        marked[:, 0] = True
        noise[:, :, : size + 1] = 0.6 * _correlated(samples, steps, size + 1, rng) * ~marked[:, :, None]
        noise[:, :, 0] += marked
        noise[:, :, 1 : size + 1] += signal[:, None, :] * marked[:, :, None]
        noise[:, :, : size + 1] *= _LOUD
    rotation, _ = np.linalg.qr(rng.standard_normal((width, width)))
    features = (noise @ rotation + rng.standard_normal(width)) * rng.lognormal(0, 0.7, width)
    features[~step_mask(lengths, steps)] = 0
    return RawModality(features, lengths)


def _correlated(samples: int, steps: int, width: int, rng: np.random.Generator, memory: float = 0.6) -> Floats:
    """Stationary noise of variance 1, [N, T, D]. Steps next to each other correlate by `memory`."""
    noise = rng.standard_normal((samples, steps, width))
    for step in range(1, steps):
        noise[:, step] = memory * noise[:, step - 1] + np.sqrt(1 - memory**2) * noise[:, step]
    return noise
