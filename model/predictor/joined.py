"""The networks of a model as one cohort, ready to predict."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from haemsa.model.network.cohort import Cohort, CohortRow, sort_order
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.weights import Weights, insert
from haemsa.model.schema import Schema, TaskInfo
from haemsa.model.spec.genome import Genome

Members = Sequence[tuple[Genome, Weights]]
"""The genome of each network, and its baked weights."""


def joined(members: Members, schema: Schema) -> tuple[CohortNetwork, list[int]]:
    """One network of all members, in eval mode, and which member each of its rows is.

    Args:
        members: The networks.
        schema: The modalities and tasks that they were trained on.

    Raises:
        ValueError: Weights do not belong to their genome. One sentence names the first.
    """
    rows = [CohortRow(genome, 0) for genome, _ in members]
    order = sort_order(rows)
    network = CohortNetwork(Cohort([rows[index] for index in order], schema, drawn=False)).eval()
    insert(network, [members[index][1] for index in order])
    return network, order


def probabilities(task: TaskInfo, outputs: Tensor) -> Tensor:
    """A network's raw outputs [..., C] as values, class probabilities or label probabilities."""
    if task.kind == "regression":
        return outputs
    return outputs.softmax(-1) if task.kind == "classes" else outputs.sigmoid()
