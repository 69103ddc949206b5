"""Journal of label changes; append only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

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

    def append(self, decisions: Sequence[Decision], at: datetime) -> None:
        """Append decisions in one atomic commit."""
        if decisions:
            rows = [
                {"decision": uuid4().hex, "at": at, **decision._asdict()} for decision in decisions
            ]
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


def _recorded(row: dict[str, Any]) -> RecordedDecision:
    return RecordedDecision(row.pop("decision"), row.pop("at"), Decision(**row))
