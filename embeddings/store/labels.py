"""Journal of label changes; append only."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa

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
            for key, decision in ((_key(each, revision), each) for each in decisions)
            if key not in known
        ]
        if rows:
            append_rows(self.path, pa.Table.from_pylist(rows, schema=LABEL_SCHEMA))

    def of(self, identifier: str) -> tuple[RecordedDecision, ...]:
        """Return the decisions about one image, the oldest first. Raises `StoreDamaged`."""
        dataset = open_table(self.path)
        if dataset is None:
            return ()
        quoted = identifier.replace("'", "''")
        with translate_errors(self.path):
            rows = dataset.to_table(filter=f"id = '{quoted}'").to_pylist()
        found = [_recorded(row) for row in rows]
        return tuple(sorted(found, key=lambda each: each.at))

    def keys(self) -> set[str]:
        """Return the keys of all decisions. Raises `StoreDamaged`."""
        dataset = open_table(self.path)
        if dataset is None:
            return set()
        with translate_errors(self.path):
            return set(dataset.to_table(columns=["decision"]).column("decision").to_pylist())


def _key(decision: Decision, revision: int) -> str:
    """Return the same key if a decision about the same revision is made again."""
    return sha256(json.dumps([revision, *decision]).encode()).hexdigest()[:32]


def _recorded(row: dict[str, Any]) -> RecordedDecision:
    return RecordedDecision(row.pop("decision"), row.pop("at"), Decision(**row))
