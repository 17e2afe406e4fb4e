"""Whether the encoder of a stream can be fine-tuned at all. That is found out before anything is trained."""

from __future__ import annotations

from haemsa.cluster.final_model.fine_tuning.work import text_encoder
from haemsa.cluster.final_model.recipe import Recipe
from haemsa.model.data.dataset import Dataset
from haemsa.model.errors import listed, near


def check_tunable(recipe: Recipe, dataset: Dataset) -> None:
    """Raise ValueError if the encoder of a stream cannot be trained with the networks. The message is one sentence."""
    from haemsa.model.encoders.adapters import Adapters

    stream, known = recipe.finetune, dataset.modalities
    texts = [name for name, facts in dataset.encoders.items() if facts.get("encodes") == "text"]
    read = {name for genome, _ in recipe.members for name in genome.network.modalities}
    if stream not in known:
        raise ValueError(f"finetune is {stream!r}{near(stream, known)}, expected a stream of the data: {listed(known)}")
    if stream not in texts:
        expected = f"expected a stream of haemsa data embed --text: {listed(texts)}"
        raise ValueError(f"finetune is {stream!r}, which no text encoder made, {expected}")
    if stream not in read:
        expected = f"expected a stream of text that one reads: {listed(name for name in texts if name in read)}"
        raise ValueError(f"finetune is {stream!r}, which no network reads, {expected}")
    if not dataset.transcripts:
        expected = "expected a store that haemsa data embed makes now: run it again"
        raise ValueError(f"data {dataset.name!r} keeps no transcripts for {stream!r}, {expected}")
    Adapters(text_encoder(stream, dataset.encoders[stream]).pretrained)
