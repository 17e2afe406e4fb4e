"""What earlier searches found, brought into the space of a new search, which tries it first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from haemsa.cluster.shared.text import counted
from haemsa.cluster.tracking.genome_sources import genomes_at
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.model.spec.genome import Genome


@dataclass(frozen=True)
class WarmStart:
    """Genomes of a space, the best of each source first. `found`: by source, in words, what it gave."""

    genomes: tuple[Genome, ...] = ()
    found: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, sources: Sequence[str], space: ExpertSpace, tracking: str | None) -> WarmStart:
        """Read the genomes of all sources.

        A genome that is outside the space is repaired, unless it reads none of the modalities: then it is left out.

        Args:
            sources: as `genomes_at` takes them.
            space: the space of the new search.
            tracking: the setting of the new search.

        Raises:
            ValueError: a source does not exist, or holds no genome.
        """
        genomes, found = dict[str, Genome](), dict[str, str]()
        for source in sources:
            there = genomes_at(source, None if tracking == "off" else tracking)
            fitting = [genome for genome in there if set(genome.network.modalities) & set(space.domain.modalities)]
            repaired = [space.repair(genome) for genome in fitting]
            new = {genome.key: genome for genome in repaired if genome.key not in genomes}
            changed = sum(before != after for before, after in zip(fitting, repaired, strict=True))
            found[source] = _words(len(new), changed, there, fitting, space)
            genomes |= new
        return cls(tuple(genomes.values()), found)

    def notes(self) -> Iterator[str]:
        """A line for each source."""
        yield from (f"start: {words} from {source}" for source, words in self.found.items())


def _words(new: int, changed: int, there: Sequence[Genome], fitting: Sequence[Genome], space: ExpertSpace) -> str:
    words = [counted(new, "genome")]
    if changed:
        words.append(f"{changed} changed to fit this space")
    if new < len(fitting):
        words.append(f"{len(fitting) - new} known already")
    if len(fitting) < len(there):
        left_out, modalities = len(there) - len(fitting), ", ".join(space.domain.modalities)
        reads = "it reads" if left_out == 1 else "they read"
        words.append(f"{left_out} left out because {reads} none of {modalities}")
    return ", ".join(words)
