"""A trained model: networks, with all they need to predict from raw features.

Statistics of folds are baked into the weights (`baking`): the networks read normalised features and answer in the units
of the labels. Axes: `K` members, `N` samples, `T` time steps, `D` features, `C` outputs.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from haemsa.model.data.normalisation import Normalisation
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.predictor.answers import prediction_table
from haemsa.model.predictor.baking import bake
from haemsa.model.predictor.clips import ClipEncoders, recorded_of
from haemsa.model.predictor.inputs import Data, Inputs, count_samples, fitting, inputs_of, normalised
from haemsa.model.predictor.joined import joined, probabilities
from haemsa.model.predictor.networks import SavedNetworks
from haemsa.model.predictor.own_features import OwnFeatures
from haemsa.model.schema import Schema
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainedRow

if TYPE_CHECKING:
    import pandas as pd


class Predictor(SavedNetworks):
    """One or several trained networks (seeds, folds, or an ensemble) that predict together.

    `Predictor.load(folder)` reads a model that `haemsa train` saved. `Predictor.of` makes one of trained networks.

    Args:
        schema: The modalities that it reads, and the tasks that it predicts.
        normalisation: The statistics of training that normalise raw features.
        members: The genome of each network, and its baked weights.
        info: Anything worth keeping: the data's fingerprint, versions, scores.
        shares: The part of each member in the mean. They sum to 1. Without shares, all members count the same.
        calibration: Intervals or a temperature by task, for the tasks that have them.

    Raises:
        ValueError: The number of shares is not that of the members, or they do not sum to 1.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> from haemsa.model.data.folds import holdout
        >>> from haemsa.model.network.cohort import CohortRow
        >>> from haemsa.model.spec.genome import Genome
        >>> from haemsa.model.spec.network import EncoderSpec, ExpertSpec, LevelSpec, NetworkSpec
        >>> from haemsa.model.spec.training import TrainingGenes
        >>> from haemsa.model.training.train import train
        >>> data = planted(sizes=(60, 20, 20))
        >>> level = LevelSpec((ExpertSpec(("text",), width=4),))
        >>> genome = Genome(NetworkSpec(8, (EncoderSpec("text", "mean"),), (level,)), TrainingGenes(epochs=1))
        >>> normalisation, folds = Normalisation.fit(data), holdout(data.pool())
        >>> pool = Pool.of(normalisation.apply(data.pool()))
        >>> trained = train([CohortRow(genome, seed=0)], pool, folds)
        >>> predictor = Predictor.of(trained, FoldStatistics.fit(pool, folds), Schema.of(data), normalisation, info={})
        >>> {task: values.shape for task, values in predictor.predict(predictor.inputs(data.part("test"))).items()}
        {'sentiment': (20,), 'emotion': (20, 6)}
    """

    @classmethod
    def of(
        cls,
        trained: Sequence[TrainedRow],
        statistics: FoldStatistics,
        schema: Schema,
        normalisation: Normalisation,
        info: Mapping[str, Any],
        shares: Sequence[float] = (),
    ) -> Predictor:
        """A model of trained networks.

        Args:
            trained: The networks.
            statistics: The statistics of folds that they were trained with, which are baked into their weights.
            schema: The modalities and tasks of the data.
            normalisation: What normalised the data before training.
            info: Anything worth keeping.
            shares: The part of each network in the mean, if they do not count the same.
        """
        members = tuple((item.row.genome, bake(item.row, item.weights, statistics)) for item in trained)
        return cls(schema, normalisation, members, info, tuple(shares))

    def inputs(self, dataset: Data) -> Inputs:
        """The raw features that the model reads of data. Raises ValueError as `fitting` and `OwnFeatures.check`."""
        OwnFeatures.of_model(self.info).check(dataset)
        return inputs_of(fitting(dataset, self.schema), self.modalities)

    def predict(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Predict samples. Modalities can be missing.

        Args:
            inputs: Raw features and lengths by modality.

        Returns:
            By task, the mean of the members by their shares: values [N] within the bounds for regression, otherwise
            probabilities [N, C], calibrated if the model has a temperature.

        Raises:
            ValueError: A modality is unknown, has another number of features or samples, or there is none.
        """
        every = {name: self.prediction(name, outputs) for name, outputs in self.predict_members(inputs).items()}
        return {name: p[:, 0] if self.tasks[name].kind == "regression" else p for name, p in every.items()}

    @cached_property
    def clip_encoders(self) -> ClipEncoders:
        """The encoders of the streams that its networks read. They are loaded once. Raises as `ClipEncoders`."""
        return ClipEncoders(self.read, recorded_of(self.info))

    def predict_clips(self, clips: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Predict clips, which are encoded as those of training were.

        Args:
            clips: For each clip, `text` (its transcript), `media` (the path of its file), `start` and `end` (seconds in
                the file), and `id` (its name; otherwise it is numbered). What is not said is missing.

        Returns:
            A table with a row for each clip (`prediction_table`). A clip whose file cannot be read is predicted without
            it, and a warning says so.

        Raises:
            ValueError: The model was not trained on encoded clips, an encoder is another one now, or a clip has an
                unknown key or a wrong value. The message is one sentence.

        Example:
            >>> model = Predictor.load("models/clips")  # doctest: +SKIP
            >>> table = model.predict_clips([{"text": "a good film", "media": "one.mp4"}])  # doctest: +SKIP
        """
        import pandas as pd

        from haemsa.model.predictor.new_samples.clips import Encoding, clips_said

        encoding = Encoding(clips_said(clips), self.clip_encoders)
        tables = [
            prediction_table(self, block, self.predict_members(self.inputs(block))) for block in encoding.blocks()
        ]
        for note in encoding.notes():
            warnings.warn(note, stacklevel=2)
        return pd.concat(tables, ignore_index=True)

    def predict_members(
        self,
        inputs: Inputs,
        batch_size: int = 256,
        watch: Callable[[CohortNetwork], object] | None = None,
        device: str = "cpu",
    ) -> dict[str, NDArray[np.float32]]:
        """Predict samples with each member.

        Args:
            inputs: Raw features and lengths by modality.
            batch_size: Samples that are predicted at a time.
            watch: Gets the network before it predicts, and can add hooks to it (`insight`).
            device: Where it predicts.

        Returns:
            By task, values or probabilities [K, N, C]. These are neither clipped nor calibrated.

        Raises ValueError as `predict`.
        """
        count = count_samples(inputs, self.modalities)
        network, order = joined(self.members, self.schema)
        network = network.to(device)
        if watch is not None:
            watch(network)
        parts = []
        with torch.inference_mode():
            for samples in np.array_split(np.arange(count), max(1, math.ceil(count / batch_size))):
                modalities = normalised(inputs, samples, self.modalities, self.read.modalities, self.normalisation)
                pool = Pool.of_modalities(modalities, self.schema, device)
                parts.append(network(pool.batch(np.arange(len(samples)), reads=network.reads)).outputs)
        back = np.argsort(order)
        return {
            name: probabilities(task, torch.cat([part[name] for part in parts], 1)).cpu().numpy()[back]
            for name, task in self.tasks.items()
        }
