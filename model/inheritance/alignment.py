"""Which levels and experts of a child continue which of its parent, judged only by their specifications."""

from __future__ import annotations

from dataclasses import replace

from haemsa.model.spec.network import ExpertSpec, LevelSpec, NetworkSpec

Match = tuple[int | None, ...]
"""For each part of the child, the place of the parent's part that it continues; None for a new one."""


def align_levels(child: NetworkSpec, parent: NetworkSpec) -> Match:
    """Pairs of levels in order, with the greatest total similarity (Needleman and Wunsch 1970; gaps cost nothing)."""
    rows, columns = len(child.levels), len(parent.levels)
    pairs = [[level_similarity(a, b) for b in parent.levels] for a in child.levels]
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]  # of the child's levels from i on and the parent's from j
    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            best[i][j] = max(pairs[i][j] + best[i + 1][j + 1], best[i + 1][j], best[i][j + 1])
    match: list[int | None] = [None] * rows
    i = j = 0
    while i < rows and j < columns:
        if pairs[i][j] > 0 and best[i][j] == pairs[i][j] + best[i + 1][j + 1]:
            match[i] = j
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return tuple(match)


def match_experts(child: LevelSpec, parent: LevelSpec) -> Match:
    """Pairs of experts: the most similar ones, and among equals those at the same place of their levels."""
    scored = [
        (-expert_similarity(a, b), abs(i - j), i, j)
        for i, a in enumerate(child.experts)
        for j, b in enumerate(parent.experts)
    ]
    match: list[int | None] = [None] * len(child.experts)
    for negative, _, i, j in sorted(scored):
        if negative < 0 and match[i] is None and j not in match:
            match[i] = j
    return tuple(match)


def level_similarity(a: LevelSpec, b: LevelSpec) -> float:
    """From 0 to 3, which only equal levels reach. It is 0 if no expert of one could continue one of the other."""
    pairs = [(a.experts[i], b.experts[j]) for i, j in enumerate(match_experts(a, b)) if j is not None]
    if not pairs:
        return 0.0
    shared = sum(expert_similarity(*pair) for pair in pairs)
    return 2 * shared / (len(a.experts) + len(b.experts)) + (a.gate == b.gate) + (a.transfer == b.transfer)


def expert_similarity(a: ExpertSpec, b: ExpertSpec) -> float:
    """1 for equal experts, less for those of one kind with tokens in common, otherwise 0."""
    seen_by_both = len(set(a.sees) & set(b.sees))
    if a.kind != b.kind or not seen_by_both:
        return 0.0
    tokens = seen_by_both / len(set(a.sees) | set(b.sees))
    width = min(a.width, b.width) / max(a.width, b.width)
    return (2 * tokens + width + min(a.depth, b.depth) / max(a.depth, b.depth)) / 4


def are_twins(a: ExpertSpec, b: ExpertSpec) -> bool:
    """Whether two experts differ at most in the order of their tokens."""
    return replace(a, sees=tuple(sorted(a.sees))) == replace(b, sees=tuple(sorted(b.sees)))
