"""The handwritten digits that come with scikit-learn (1,797 of 8 x 8 pixels), with five views of them as modalities.

Source: the test part of Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI 1998, CC BY 4.0.
Axes: `N` samples.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality, clean
from haemsa.model.data.dataset import Dataset, Task

Floats = NDArray[np.float64]
_SHARES: Final = (0.2, 0.2)  # how much of each class goes to validation and to test
_COMPONENTS: Final = 20
_ANGLES: Final = 8


def digits(seed: int = 0) -> Dataset:
    """Handwritten digits as a small multimodal data set.

    The modalities pixels, fourier, profiles, components and gradients have one time step each. The task `digit` has 10
    classes. Each sample is its own group.

    Args:
        seed: Draws the splits, which have the same share of each class.

    Returns:
        1,797 samples: about 1,080 for training, 359 for validation and 358 for the test.

    Example:
        >>> data = digits()
        >>> len(data), data.modalities["pixels"].width, data.tasks["digit"].outputs
        (1797, 64, 10)
    """
    from sklearn.datasets import load_digits

    bundle = load_digits()
    images = np.asarray(bundle.images, dtype=np.float64) / 16
    targets = np.asarray(bundle.target, dtype=np.int64)
    splits = _stratified(targets, np.random.default_rng(seed))
    views = {
        "pixels": images.reshape(len(images), -1),
        "fourier": _fourier(images),
        "profiles": _profiles(images),
        "components": _components(images.reshape(len(images), -1), splits["train"]),
        "gradients": _gradients(images),
    }
    present = np.ones(len(images), dtype=np.int64)
    raw = {name: RawModality(view[:, None, :], present) for name, view in views.items()}
    modalities, notes = clean(raw, splits["train"])
    return Dataset(
        name="digits",
        modalities=modalities,
        tasks={"digit": Task("classes", targets, tuple(str(digit) for digit in range(10)))},
        splits=splits,
        ids=tuple(f"digit-{number}" for number in range(len(images))),
        groups=np.arange(len(images), dtype=np.int64),
        notes=notes,
    )


def _stratified(targets: NDArray[np.int64], rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    parts: dict[str, list[NDArray[np.int64]]] = {"train": [], "valid": [], "test": []}
    for kind in np.unique(targets):
        members = rng.permutation(np.flatnonzero(targets == kind)).astype(np.int64)
        ends = np.cumsum([round(share * len(members)) for share in _SHARES])
        for split, part in zip(("valid", "test", "train"), np.split(members, ends), strict=True):
            parts[split].append(part)
    return {split: np.sort(np.concatenate(part)) for split, part in parts.items()}


def _fourier(images: Floats) -> Floats:
    """[N, 40], magnitudes of the two-dimensional spectrum. Its other half is the mirror image of this one."""
    return np.asarray(np.abs(np.fft.rfft2(images)).reshape(len(images), -1))


def _profiles(images: Floats) -> Floats:
    """[N, 48], sums of rows and columns, and the distance from each of the four sides to the first ink."""
    ink = images > 0.3
    views = [images.sum(axis=2), images.sum(axis=1)]
    sides = (ink, ink[:, :, ::-1], ink.transpose(0, 2, 1), ink.transpose(0, 2, 1)[:, :, ::-1])
    views += [np.where(side.any(axis=2), side.argmax(axis=2), side.shape[2]) for side in sides]
    return np.concatenate(views, axis=1)


def _components(pixels: Floats, train: NDArray[np.int64]) -> Floats:
    """[N, 20], principal components, fitted on the training split."""
    centred = pixels - pixels[train].mean(axis=0)
    _, _, axes = np.linalg.svd(centred[train], full_matrices=False)
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])  # the same with every LAPACK
    return np.asarray(centred @ (axes * signs[:, None])[:_COMPONENTS].T)


def _gradients(images: Floats) -> Floats:
    """[N, 72], histograms of gradient directions over 3 x 3 overlapping cells of 4 x 4 pixels."""
    down, right = np.gradient(images, axis=(1, 2))
    strength = np.hypot(down, right)
    angle = (np.arctan2(down, right) % (2 * np.pi)) * _ANGLES / (2 * np.pi)
    nearest = np.round(angle).astype(np.int64) % _ANGLES
    maps = strength[..., None] * (nearest[..., None] == np.arange(_ANGLES))
    cells = [maps[:, y : y + 4, x : x + 4].sum(axis=(1, 2)) for y in (0, 2, 4) for x in (0, 2, 4)]
    return np.concatenate(cells, axis=1)
