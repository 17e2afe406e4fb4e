"""A tracker for tests."""

from __future__ import annotations

from dataclasses import dataclass, field

from haemsa.cluster.tracking.records import GenerationEnded, ModelTrained, Record, SearchEnded, SearchStarted


@dataclass
class MemoryTracker:
    """Keeps every record, in order."""

    records: list[Record] = field(default_factory=list)

    def started(self, record: SearchStarted) -> None:
        """Keep the record."""
        self.records.append(record)

    def generation(self, record: GenerationEnded) -> None:
        """Keep the record."""
        self.records.append(record)

    def ended(self, record: SearchEnded) -> None:
        """Keep the record."""
        self.records.append(record)

    def trained(self, record: ModelTrained) -> str | None:
        """Keep the record."""
        self.records.append(record)
        return None

    def close(self) -> tuple[int, str | None]:
        """Nothing waits."""
        return 0, None

    @property
    def generations(self) -> list[GenerationEnded]:
        """The generations seen, in order."""
        return [record for record in self.records if isinstance(record, GenerationEnded)]
