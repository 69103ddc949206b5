"""Journal of label changes; append only."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from embeddings.store.decision_kinds import (
    IMPORT,
    REPLACEMENT,
    REVIEW,
    REVIEWED,
    distinct_group,
    distinct_kind,
    is_undo,
    undone,
)
from embeddings.store.decision_stack import DecisionStack
from embeddings.store.records import Decision, RecordedDecision
from embeddings.store.tables import append_rows, open_table, table_uri, translate_errors

LABEL_SCHEMA = pa.schema(
    [
        pa.field("decision", pa.string(), nullable=False),
        pa.field("id", pa.string()),
        pa.field("before", pa.string()),
        pa.field("after", pa.string()),
        pa.field("by", pa.string()),
        pa.field("at", pa.timestamp("us", "UTC")),
        pa.field("why", pa.string()),
        pa.field("undoes", pa.string()),
    ]
)


_MOST_NAMED = 200
"""Keys that are named in a filter; for more, all keys are read."""


class Review(NamedTuple):
    """Label that a person gave or kept."""

    label: str | None
    at: datetime
    """Time of the decision; not later than `changed` of the image if the decision was committed."""
    by: str


@dataclass(frozen=True)
class LabelJournal:
    """Table `labels`: decisions about labels in the order of their time."""

    uri: str

    @property
    def path(self) -> str:
        """URI of the table."""
        return table_uri(self.uri, "labels")

    def append(
        self,
        decisions: Sequence[Decision],
        at: datetime,
        revision: int,
        known: Collection[str] | None = None,
    ) -> None:
        """Append decisions about a revision in one atomic commit.

        A decision that a killed process left without its images is not appended again. `known` are
        the keys of earlier decisions about the revision; by default, all keys are read.
        """
        if not decisions:
            return
        known = self.keys() if known is None else known
        rows = [
            {"decision": key, "at": at, **decision._asdict()}
            for key, decision in ((decision_key(each, revision), each) for each in decisions)
            if key not in known
        ]
        if rows:
            append_rows(self.path, pa.Table.from_pylist(rows, schema=LABEL_SCHEMA))

    def of(self, identifier: str) -> tuple[RecordedDecision, ...]:
        """Return the decisions about one image, the oldest first. Raises `StoreDamaged`."""
        return self._read(_equals("id", identifier))

    def find(self, keys: Sequence[str]) -> tuple[RecordedDecision, ...]:
        """Return the decisions with these keys, the oldest first; unknown keys are left out.

        Raises `StoreDamaged`.
        """
        wanted = set(keys)
        if len(wanted) > _MOST_NAMED:
            return tuple(each for each in self._read(None) if each.key in wanted)
        return self._read(_among("decision", wanted)) if wanted else ()

    def reviewed(self) -> dict[str, Review]:
        """Return the last review of each image whose file was not replaced afterwards.

        A review gives an image another label or keeps its label. One that was taken back does not
        count. Raises `StoreDamaged`.
        """
        kinds = (REVIEW, REVIEWED)
        standing = self._standing(_among("why", [*kinds, *map(undone, kinds), REPLACEMENT]))
        return {
            identifier: Review(last.decision.after, last.at, last.decision.by)
            for identifier, (*_, last) in standing.items()
        }

    def distinct(self) -> tuple[frozenset[str], ...]:
        """Return the groups of near-duplicates that a person declared different images.

        An image whose file was replaced afterwards has left its groups. Raises `StoreDamaged`.
        """
        kind = distinct_kind("")
        standing = self._standing(
            f"why LIKE '{kind}%' OR why LIKE '{undone(kind)}%' OR {_equals('why', REPLACEMENT)}"
        )
        groups: dict[str, set[str]] = defaultdict(set)
        for identifier, decisions in standing.items():
            for each in decisions:
                group = distinct_group(each.decision.why)
                assert group is not None
                groups[group].add(identifier)
        return tuple(frozenset(group) for group in groups.values() if len(group) > 1)

    def stacks(self, changed: Callable[[str], datetime | None]) -> defaultdict[str, DecisionStack]:
        """Return the decisions about each image since its last import.

        `changed` returns the time of the last change of an image: later decisions were never
        committed. Raises `StoreDamaged`.
        """
        others = self._read(f"NOT {_equals('why', IMPORT)}")
        imported = self._imported({each.decision.id for each in others})
        stacks: defaultdict[str, DecisionStack] = defaultdict(DecisionStack)
        for each in others:
            identifier = each.decision.id
            start, end = imported.get(identifier, each.at), changed(identifier)
            if end is not None and start <= each.at <= end:
                stacks[identifier].add(each)
        return stacks

    def _imported(self, ids: Collection[str]) -> dict[str, datetime]:
        """Return the time of the last import of images."""
        dataset = open_table(self.path)
        if dataset is None or not ids:
            return {}
        with translate_errors(self.path):
            table = dataset.to_table(columns=["id", "at"], filter=_equals("why", IMPORT))
            rows = table.filter(pc.is_in(table.column("id"), pa.array([*ids], pa.string())))
        times: dict[str, datetime] = {}
        for row in rows.to_pylist():
            times[row["id"]] = max(times.get(row["id"], row["at"]), row["at"])
        return times

    def _standing(self, condition: str) -> dict[str, list[RecordedDecision]]:
        """Return the decisions about each image that were not taken back, the oldest first.

        A decision to replace the file of an image ends all decisions before it.
        """
        found: dict[str, list[RecordedDecision]] = defaultdict(list)
        for each in self._read(condition):
            decisions = found[each.decision.id]
            if each.decision.why == REPLACEMENT:
                decisions.clear()
            elif each.decision.undoes is None:
                decisions.append(each)
            else:
                _take_back(decisions, each)
        return {identifier: decisions for identifier, decisions in found.items() if decisions}

    def _read(self, condition: str | None) -> tuple[RecordedDecision, ...]:
        dataset = open_table(self.path)
        if dataset is None:
            return ()
        with translate_errors(self.path):
            rows = dataset.to_table(filter=condition).to_pylist()
        return tuple(sorted(map(_recorded, rows), key=lambda each: each.at))

    def keys(self) -> set[str]:
        """Return the keys of all decisions. Raises `StoreDamaged`."""
        dataset = open_table(self.path)
        if dataset is None:
            return set()
        with translate_errors(self.path):
            return set(dataset.to_table(columns=["decision"]).column("decision").to_pylist())


def decision_key(decision: Decision, revision: int) -> str:
    """Return the same key if a decision about the same revision is made again."""
    return sha256(json.dumps([revision, *decision]).encode()).hexdigest()[:32]


def _take_back(decisions: list[RecordedDecision], undo: RecordedDecision) -> None:
    """Remove the decision that another one takes back, or add one that applies again."""
    kept = [each for each in decisions if each.key != undo.decision.undoes]
    if len(kept) == len(decisions) and not is_undo(undo.decision.why):
        kept.append(undo)
    decisions[:] = kept


def _equals(column: str, value: str) -> str:
    return f"{column} = {_quoted(value)}"


def _among(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(_quoted(each) for each in sorted(values))})"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _recorded(row: dict[str, Any]) -> RecordedDecision:
    return RecordedDecision(row.pop("decision"), row.pop("at"), Decision(**row))
