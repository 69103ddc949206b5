"""Decisions about one image that can be taken back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile

from embeddings.store.decision_kinds import REPLACEMENT, REVIEW, REVIEWED, is_undo
from embeddings.store.records import RecordedDecision


@dataclass
class DecisionStack:
    """Changes of one image in the order of their time, without those that were taken back.

    A change has one time and one or more decisions.
    """

    last: list[RecordedDecision] = field(default_factory=list)
    """Decisions of the last change, which may take earlier ones back."""
    _standing: list[list[RecordedDecision]] = field(default_factory=list)
    """Decisions of each change that stands, the last change last."""

    def add(self, decision: RecordedDecision) -> None:
        """Add a later decision, or another one of the last change."""
        if self.last and self.last[-1].at != decision.at:
            self.last = []
        self.last.append(decision)
        if is_undo(decision.decision.why):
            self._remove(decision.decision.undoes)
        elif self._standing and self._standing[-1][-1].at == decision.at:
            self._standing[-1].append(decision)
        else:
            self._standing.append([decision])

    def reversible(self) -> Iterator[str]:
        """Yield the keys of the decisions that nothing later prevents from being taken back.

        They are those of the last change and, after changes were taken back, those before it.
        """
        yield from (each.key for each in self.last)
        yield from (each.key for change in self._standing[-1:] for each in change)

    def review_before(self, key: str) -> datetime | None:
        """Return the time of the last review before the change with this decision.

        None if there is none, or if the file was replaced after it.
        """
        earlier = takewhile(lambda change: all(each.key != key for each in change), self._standing)
        for change in reversed([*earlier]):
            kinds = {each.decision.why for each in change}
            if REPLACEMENT in kinds:
                return None
            if kinds & {REVIEW, REVIEWED}:
                return change[-1].at
        return None

    def _remove(self, key: str | None) -> None:
        if self._standing:
            self._standing[-1] = [each for each in self._standing[-1] if each.key != key]
            if not self._standing[-1]:
                self._standing.pop()
