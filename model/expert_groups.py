"""The experts of a level as groups that are computed together."""

from __future__ import annotations

from typing import Final

from model.cohort import Cohort
from model.cross_attention import CrossAttentionGroup
from model.experts import ExpertGroup, Member
from model.tensor_fusion import TensorFusionGroup

_GROUPS: Final[dict[str, type[ExpertGroup]]] = {"cross_attention": CrossAttentionGroup, "tensor": TensorFusionGroup}


def expert_groups(cohort: Cohort, level: int) -> list[ExpertGroup]:
    """All experts that the rows of a cohort have in a level, in groups of one kind each."""
    members: dict[str, list[Member]] = {}
    for row in range(cohort.rows_with_level(level)):
        for number, spec in enumerate(cohort.rows[row].genome.network.levels[level].experts):
            members.setdefault(spec.kind, []).append(Member(row, number, spec))
    groups = []
    for kind, own in sorted(members.items()):
        made = _GROUPS.get(kind, ExpertGroup)
        groups += [made(cohort, level, part) for part in made.parts(own, cohort)]
    return groups
