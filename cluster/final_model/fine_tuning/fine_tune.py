"""Fine-tuning final networks: on folds first, and for good only if that is better.

The networks of a fold, or all final ones, share the adapters of one encoder. So a model reads one stream of its own,
however many networks it has.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haemsa.cluster.final_model.fine_tuning.verdict import Verdict, verdict
from haemsa.cluster.final_model.fine_tuning.work import (
    ADAPTER_ARRAYS,
    CONTROL,
    MOST,
    PATIENCE,
    TUNED,
    FineTuner,
    FineTuning,
    FineTuningData,
    score_of,
    text_encoder,
)
from haemsa.cluster.final_model.networks import FinalNetwork, Networks
from haemsa.cluster.final_model.trainer import Trained, Trainer
from haemsa.cluster.shared.kept import Arrays, digest
from haemsa.cluster.shared.steps import Tally
from haemsa.cluster.workers.tasks.tasks import Tasks, tasks_on
from haemsa.model.data.dataset import Dataset
from haemsa.model.encoders.opening import ADAPTERS
from haemsa.model.metrics import main_metric
from haemsa.model.predictor.clips import recorded_of
from haemsa.model.predictor.model_files import ADAPTED
from haemsa.model.predictor.own_features import OwnFeatures
from haemsa.model.seeds import SeedPurpose, derived_seed

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor


@dataclass(frozen=True)
class FineTuned:
    """What fine-tuning gave.

    facts: what the folds said, as plain JSON values. trained: the networks, which are other ones only if fine-tuning is
    better. encoders: what makes the streams of the model.
    """

    facts: Mapping[str, Any]
    trained: Trained
    encoders: Mapping[str, Mapping[str, Any]]


def fine_tuned(trainer: Trainer, networks: Networks, trained: Trained, folder: Path) -> FineTuned:
    """Train the encoder of a stream together with networks that are trained, if that is better on held-out folds.

    Args:
        trainer: the recipe, with the data.
        networks: all networks.
        trained: the same, trained, with their raw weights.
        folder: gets the adapters.

    Raises:
        ValueError: the networks diverge, or the encoder is not there.
    """
    stream, lost = trainer.recipe.finetune, sum(one is None for one in trained)
    sound = [one for one in trained if one is not None]
    if lost:
        problem = f"{lost} of {len(trained)} networks diverged in training"
        facts = {"stream": stream, "kept": False, "sentence": f"{stream} was not fine-tuned: {problem}"}
        return FineTuned(facts, trained, trainer.dataset.encoders)
    count, data = len(networks.final), _data(trainer, networks)
    folds = _folds(networks, sound[count:], trainer.recipe.seed)
    most = MOST * sum(int((~networks.folds.held_out[one.rows[0].fold]).sum()) for one in folds)
    tally = Tally(trainer.progress, f"fine-tuning {stream}, samples:", most)
    place = trainer.compute if trainer.elsewhere else trainer.compute.model_copy(update={"backend": "inline"})
    with tasks_on(place, FineTuner, data, trainer.progress, len(folds), tally.reach, trainer.dataset.name) as tasks:
        tally.show()
        run = partial(_run, trainer, tasks, data, tally.show)
        told = run(folds)
        found = _judged(trainer.samples, told, folds, data)
        made = run([_whole(networks, sound[:count], found.epochs, trainer.recipe.seed)])[0] if found.kept else {}
    tally.reach(most)
    if not found.kept:
        return FineTuned(found.facts(stream), trained, trainer.dataset.encoders)
    if not made:
        raise ValueError(f"the networks diverged while {stream} was fine-tuned, expected genomes that train")
    final = [FinalNetwork(_under(f"{number}/", made), one.outputs) for number, one in enumerate(sound[:count])]
    unseen = _unseen(told, folds, found, sound[count:])
    encoders = _encoders(trainer, _under(ADAPTER_ARRAYS, made), folder)
    return FineTuned(found.facts(stream), [*final, *unseen], encoders)


def settled(predictor: Predictor, folder: Path) -> Predictor:
    """The model with its adapters in the folder that it is about to be saved in."""
    encoders = recorded_of(predictor.info)
    streams = OwnFeatures(encoders).streams
    if not streams:
        return predictor
    shutil.rmtree(folder / ADAPTED, ignore_errors=True)
    (folder / ADAPTED).mkdir(parents=True)
    for stream in streams:
        place = folder / ADAPTED / stream
        facts = dict(encoders[stream][ADAPTERS])
        shutil.move(facts["folder"], place)
        encoders[stream] = {**encoders[stream], ADAPTERS: {**facts, "folder": str(place.resolve())}}
    return replace(predictor, info={**predictor.info, "dataset": {**predictor.info["dataset"], "encoders": encoders}})


def _data(trainer: Trainer, networks: Networks) -> FineTuningData:
    stream, recipe, normalisation = trainer.recipe.finetune, trainer.recipe, trainer.normalisation
    facts, scaling = trainer.dataset.encoders[stream], (normalisation.mean[stream], normalisation.scale[stream])
    return FineTuningData(
        pool=trainer.samples,
        folds=networks.folds,
        stream=stream,
        facts=facts,
        scaling=scaling,
        batch_size=trainer.batch_size,
        order_seed=recipe.seed,
        shares=tuple(float(count) for _, count in recipe.members),
    )


def _folds(networks: Networks, unseen: Sequence[FinalNetwork], seed: int) -> list[FineTuning]:
    """The networks of each fold. Samples that the final networks hold out too do not score them."""
    also = networks.folds.held_out[networks.final[0].fold]
    folds = list[FineTuning]()
    for fold in sorted({row.fold for row in networks.unseen}):
        chosen = [place for place, row in enumerate(networks.unseen) if row.fold == fold]
        rows, weights = [networks.unseen[place] for place in chosen], [unseen[place].raw for place in chosen]
        scored = np.flatnonzero(networks.folds.held_out[fold] & ~also)
        draws = derived_seed(seed, SeedPurpose.ADAPTERS, fold)
        folds.append(FineTuning(tuple(rows), tuple(weights), draws, MOST, scored))
    return folds


def _whole(networks: Networks, final: Sequence[FinalNetwork], epochs: int, seed: int) -> FineTuning:
    """The final networks."""
    draws, nothing = derived_seed(seed, SeedPurpose.ADAPTERS), np.zeros(0, np.int64)
    return FineTuning(networks.final, tuple(one.raw for one in final), draws, epochs, nothing)


def _run(
    trainer: Trainer, tasks: Tasks, data: FineTuningData, waiting: Callable[[], None], tunings: Sequence[FineTuning]
) -> list[Arrays]:
    """What became of each tuning. One that is kept is not done again."""
    depends = [_depends(trainer, data, tuning) for tuning in tunings]
    told = [trainer.kept.read("tuned", one) if trainer.kept else None for one in depends]
    missing = [place for place, arrays in enumerate(told) if arrays is None]
    for number, arrays in tasks.run([tunings[place] for place in missing], waiting=waiting):
        told[missing[number]] = arrays
        if trainer.kept:
            trainer.kept.write("tuned", depends[missing[number]], arrays)
    return [arrays for arrays in told if arrays is not None]


def _depends(trainer: Trainer, data: FineTuningData, tuning: FineTuning) -> dict[str, Any]:
    """All that a tuning depends on."""
    from haemsa.model.encoders.adapters import RANK
    from haemsa.model.training.fine_tuning.joint import CALMER, RATE

    return {
        "data": trainer.dataset.fingerprint,
        "texts": digest("\n".join(data.pool.transcripts).encode()),
        "folds": digest(np.packbits(data.folds.held_out).tobytes()),
        "tasks": list(data.pool.tasks),
        "encoder": {name: value for name, value in data.facts.items() if name != "model"},
        "stream": data.stream,
        "batch": data.batch_size,
        "order": [data.order_seed, tuning.seed],
        "epochs": [tuning.epochs, PATIENCE],
        "rates": [RANK, RATE, CALMER],
        "scored": [len(tuning.scored), TUNED, CONTROL],
        "rows": [[row.genome.to_dict(), row.seed, row.fold] for row in tuning.rows],
        "weights": digest(b"".join(values.tobytes() for one in tuning.weights for _, values in sorted(one.items()))),
    }


def _judged(samples: Dataset, told: Sequence[Arrays], folds: Sequence[FineTuning], data: FineTuningData) -> Verdict:
    def curve(arrays: Arrays, tuning: FineTuning) -> list[float]:
        tasks = {name: task.take(tuning.scored) for name, task in samples.tasks.items()}
        epochs = range(_last(arrays) + 1)
        return [score_of(tasks, _under(f"{epoch}/", arrays), data.shares) for epoch in epochs]

    def curves(start: str) -> list[list[float]]:
        return [curve(_under(start, arrays), tuning) for arrays, tuning in zip(told, folds, strict=True)]

    return verdict(main_metric(samples.tasks), curves(TUNED), curves(CONTROL))


def _unseen(
    told: Sequence[Arrays], folds: Sequence[FineTuning], found: Verdict, before: Sequence[FinalNetwork]
) -> list[FinalNetwork]:
    """What the networks of folds predict for what they left out, each after the epochs that other folds chose."""
    networks = list[FinalNetwork]()
    for both, tuning, asked in zip(told, folds, found.each, strict=True):
        arrays = _under(TUNED, both)
        epoch = min(asked, _last(arrays))
        for number in range(len(tuning.rows)):
            outputs = {name: values.copy() for name, values in before[len(networks)].outputs.items()}
            for name, values in _under(f"{epoch}/", arrays).items():
                outputs[name][tuning.scored] = values[number]
            networks.append(FinalNetwork({}, outputs))
    return networks


def _encoders(trainer: Trainer, state: Mapping[str, Any], folder: Path) -> dict[str, Mapping[str, Any]]:
    """What makes the streams of the model now. The adapters are written."""
    import torch

    from haemsa.model.encoders.adapters import RANK, Adapters, write_adapters

    stream, encoders = trainer.recipe.finetune, trainer.dataset.encoders
    adapters = Adapters(text_encoder(stream, encoders[stream]).pretrained)
    own = folder / ADAPTED / stream
    tensors = {name: torch.from_numpy(values) for name, values in state.items()}
    facts = {"digest": write_adapters(own, tensors, adapters.settings()), "rank": RANK, "folder": str(own.resolve())}
    return {**encoders, stream: {**encoders[stream], "half": False, ADAPTERS: facts}}


def _last(arrays: Arrays) -> int:
    """The last epoch with outputs."""
    return max(int(name.partition("/")[0]) for name in arrays)


def _under(start: str, arrays: Arrays) -> dict[str, Any]:
    return {name.removeprefix(start): values for name, values in arrays.items() if name.startswith(start)}
