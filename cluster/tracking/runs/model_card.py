"""The card of a registered model: its network, its data, its metrics, how to use it, and its limits."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from haemsa.cluster.shared.text import counted, number
from haemsa.cluster.tracking.client import registered_name
from haemsa.cluster.tracking.records import ModelTrained
from haemsa.cluster.tracking.runs.names import EACH_SEED, TEST, VALID, scored
from haemsa.model.predictor.own_features import OwnFeatures

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor
    from haemsa.model.spec.genome import Genome

LONGEST: Final = 5000
"""How many characters of a description MLflow's database keeps."""
_USE: Final = """\
## Load and serve

```python
import mlflow, pandas

model = mlflow.pyfunc.load_model("{address}")
model.predict(pandas.DataFrame([{{{cells}}}]))
```

A row is a sample. A cell holds the features of a modality: a list of steps, each with the number of features above. \
The cell is None if the modality is missing. When `{address}` has moved to another version, this version is at \
models:/{name}/NUMBER.

The alias `champion` is the model to serve. A model that `haemsa train` made goes before a search's own network. \
Between two such models the better held-out score decides, on the same data; the test split never does. The alias \
`trained` is the model that `haemsa train` made last.

```bash
mlflow models serve -m {address} --env-manager local --host 127.0.0.1 --port 5001
curl 127.0.0.1:5001/invocations -H 'Content-Type: application/json' \\
  -d '{{"dataframe_records": [{{{json}}}]}}'
```

In JSON, a missing modality is null, or the record has no such field. A missing number is null.

## Intended use and limits

- It needs features that were made exactly like those that it was trained on, from similar people and recordings.
- Samples with more steps are cut. A modality may be missing; `haemsa evaluate --missing` tells how well the model \
predicts then.
- What it says about a person's sentiment or emotion is a guess from a recording. It is often wrong, and it was not \
compared between groups of people. No decision about anybody should depend on it.
"""


def model_card(record: ModelTrained, predictor: Predictor) -> str:
    """The card of a model as Markdown."""
    name = registered_name(record.name)
    own = OwnFeatures.of_model(predictor.info).streams
    names = [name for name in predictor.modalities if name not in own]
    first = ['"text": "a good film"'] if own else [f'"{names.pop(0)}": [[...], ...]']
    cells = ", ".join([*first, *(f'"{other}": None' for other in names)])
    address = f"models:/{name}@{record.alias}"
    use = _USE.format(name=name, address=address, cells=cells, json=cells.replace("None", "null"))
    head = [f"# {name}", "", _headline(record), ""]
    return "\n".join([*head, *_network(predictor), *_data(record), *_figures(record), use])


def shortened(card: str) -> str:
    """A card as a description: without its heading, because the page has it, and as long as a description may be."""
    rest = "\n\n(the rest is in the model's README.md)"
    card = card.partition("\n\n")[2] if card.startswith("# ") else card
    return card if len(card) <= LONGEST else card[: LONGEST - len(rest)] + rest


def _headline(record: ModelTrained) -> str:
    """How good the model is, in its main metric."""
    tasks = record.dataset.get("tasks", {})
    words = {TEST: "on the test split", VALID: record.measured or "held out"}
    found = {where: record.metrics.get(scored(scope, record.objective, tasks)) for scope, where in words.items()}
    figures = ", ".join(f"{value:.4g} {where}" for where, value in found.items() if value is not None)
    what = record.what or "model"
    return f"**{record.name}, {what}: {record.objective} {figures or 'has no score'}.**"


def _network(predictor: Predictor) -> Iterator[str]:
    reads = ", ".join(f"{name} [{steps}, {width}]" for name, (steps, width) in predictor.modalities.items())
    tasks = ", ".join(f"{name} ({task.kind})" for name, task in predictor.tasks.items())
    genomes = dict.fromkeys(genome for genome, _ in predictor.members)
    networks = counted(len(predictor.members), "network")
    yield (
        f"A hierarchical mixture of experts that haemsa found. It reads {reads} ([steps at most, features]). "
        f"It predicts {tasks}. A prediction is the mean of {networks} of {counted(len(genomes), 'genome')}."
    )
    yield from ("", "## Network", "")
    for genome in genomes:
        yield from ("```text", drawn(genome), "```", "")


def drawn(genome: Genome) -> str:
    """The tree of a genome as plain text."""
    from rich.console import Console

    from haemsa.cluster.shared.genome_tree import genome_tree

    out = io.StringIO()
    Console(file=out, width=90, color_system=None, force_jupyter=False).print(genome_tree(genome))
    return out.getvalue().rstrip()


def _data(record: ModelTrained) -> Iterator[str]:
    sizes = ", ".join(f"{count:,} {split}" for split, count in record.dataset.get("splits", {}).items())
    yield from ("## Data", "")
    yield f"{record.data_name}, fingerprint `{record.fingerprint}`" + (f": samples {sizes}." if sizes else ".")
    protocol = record.params.get("protocol")
    yield (
        f"{protocol[0].upper()}{protocol[1:]}."
        if protocol
        else "Each network was trained without the samples that score it."
    )
    yield from [f"{told[0].upper()}{told[1:]}."] if (told := record.params.get("fine_tuning")) else []
    yield ""


def _figures(record: ModelTrained) -> Iterator[str]:
    yield from ("## Scores", "")
    if record.alias == "champion":
        yield from ("| metric | value |", "|---|---|")
        yield from (f"| {name} | {number(value)} |" for name, value in record.metrics.items())
        note = "These scores chose the model, so they may flatter it. `haemsa train` scores it on the test split."
        yield from ("", note, "")
        return
    yield from (
        "On the test split, read once after training. The model predicts the mean of its seeds. Each seed: the mean "
        "score of the seeds one by one.",
        "",
    )
    model, seeds = (_under(scope, record.metrics) for scope in (TEST, EACH_SEED))
    yield from ("| metric | model | each seed |", "|---|---|---|")
    yield from (f"| {name} | {value:.4g} | {seeds.get(name, value):.4g} |" for name, value in model.items())
    yield ""
    if held_out := _under(VALID, record.metrics):
        yield from (f"Held out, {record.measured}. Models are compared by the first of these.", "")
        yield from ("| metric | value |", "|---|---|")
        yield from (f"| {name} | {value:.4g} |" for name, value in held_out.items())
        yield ""


def _under(scope: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics of a scope, by the rest of their names."""
    head = f"{scope}/"
    return {name.removeprefix(head): value for name, value in metrics.items() if name.startswith(head)}
