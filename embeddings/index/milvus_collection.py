"""Collection of a Milvus server with the embeddings of a release."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from time import sleep
from typing import Any

import numpy as np

from embeddings.arrays import Floats, Rows
from embeddings.index import IndexContents, IndexUnavailable
from embeddings.index.milvus_server import CollectionMissing, MilvusServer

_ROW = "row"
_EMBEDDING = "embedding"
_LEVEL = "Bounded"
"""Consistency level of searches, which do not wait for the newest writes."""

_FILLED = "belvedere.filled"
_ROWS = "belvedere.rows"
"""Properties: number of rows that are filled; number of all rows of a complete collection."""

_BATCH_BYTES = 4 * 1024 * 1024
_FLAT_ROWS = 100_000
"""Number of rows up to which the server compares a query with all of them."""

_SEARCH_SECONDS = 5.0
_FILL_SECONDS = 60.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class MilvusCollection:
    """Collection whose primary keys are row numbers, named by the digest of its contents.

    Its properties say how many rows are filled and whether it is complete, so that a filling that
    was interrupted is continued.
    """

    server: MilvusServer
    name: str
    contents: IndexContents

    @classmethod
    def of(cls, server: MilvusServer, contents: IndexContents) -> "MilvusCollection":
        """Return the collection of contents, which need not exist."""
        return cls(server, f"belvedere_{contents.digest}", contents)

    def __len__(self) -> int:
        return len(self.contents.embeddings)

    @property
    def clusters(self) -> int:
        """Number of clusters of its index (IVF_FLAT); 0 if it compares all rows (FLAT)."""
        return 0 if len(self) <= _FLAT_ROWS else isqrt(len(self))

    def check(self) -> None:
        """Raise `IndexUnavailable` unless the collection has all rows of the contents."""
        try:
            properties = self.server.call(self._properties)
            if properties.get(_ROWS) != str(len(self)):
                filled = properties.get(_FILLED, 0)
                raise IndexUnavailable(
                    f"The collection {self.name} on the Milvus server at {self.server.address} is "
                    f"incomplete ({filled} of {len(self)} rows); run `belvedere publish`, or set "
                    "BELVEDERE_INDEX=flat."
                )
            count = self.server.call(lambda client: self._count(client, _LEVEL))
        except CollectionMissing:
            raise self._missing() from None
        if count != len(self):
            raise IndexUnavailable(
                f"The collection {self.name} on the Milvus server at {self.server.address} has "
                f"{count} rows instead of {len(self)}; drop it and run `belvedere publish`, or set "
                "BELVEDERE_INDEX=flat."
            )

    def fill(self) -> None:
        """Fill, index and load the collection, or what is missing of it.

        Raises `IndexUnavailable`; the next call continues.
        """
        for _ in range(2):
            self.insert()
            self.build_index()
            if self.server.call(lambda client: self._count(client, "Strong")) == len(self):
                # Milvus 2.3 loses the last change of properties when it is restarted.
                self._note({_ROWS: len(self)})
                self._note({_ROWS: len(self)})
                return
            # Rows are missing or foreign, although all were acknowledged: it is filled again.
            self.drop()
        raise IndexUnavailable(
            f"The Milvus server at {self.server.address} lost rows of the collection {self.name} "
            "while it was filled; check the server and run `belvedere publish` again."
        )

    def insert(self) -> None:
        """Create the collection and fill it, or what is missing of it."""
        self.server.call(self._create)
        filled = int(self.server.call(self._properties).get(_FILLED, 0))
        for start, end in self._batches(filled):
            self._insert(start, end)

    def build_index(self) -> None:
        """Build the index, wait for it, and load the collection into the memory of the server."""
        self.server.call(self._build_index)

    def search(self, query: Floats, limit: int, probes: int) -> tuple[Rows, Floats]:
        """Return the nearest rows and their squared distances, at most `limit`.

        `probes` is the number of clusters to search. Raises `IndexUnavailable`.
        """
        parameters = {"metric_type": "L2", "params": {"nprobe": probes} if probes else {}}

        def operation(client: Any) -> Any:
            return client.search(
                self.name,
                [query],
                anns_field=_EMBEDDING,
                limit=limit,
                output_fields=[_ROW],
                search_params=parameters,
                consistency_level=_LEVEL,
                timeout=_SEARCH_SECONDS,
            )[0]

        try:
            found = self.server.call(operation)
        except CollectionMissing:
            raise self._missing() from None
        return np.array(found.ids, np.int64), np.array(found.distances, np.float32)

    def drop(self) -> None:
        """Delete the collection, if there is one. Raises `IndexUnavailable`."""
        self.server.call(lambda client: client.drop_collection(self.name, timeout=_FILL_SECONDS))

    def _missing(self) -> IndexUnavailable:
        return IndexUnavailable(
            f"The collection {self.name} of the release is missing on the Milvus server at "
            f"{self.server.address}; run `belvedere publish` to fill it again, or set "
            "BELVEDERE_INDEX=flat."
        )

    def _properties(self, client: Any) -> dict[str, str]:
        return dict(client.describe_collection(self.name, timeout=_SEARCH_SECONDS)["properties"])

    def _create(self, client: Any) -> None:
        if client.has_collection(self.name, timeout=_FILL_SECONDS):
            return
        from pymilvus import DataType

        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(_ROW, DataType.INT64, is_primary=True)
        dimension = self.contents.embeddings.shape[1]
        schema.add_field(_EMBEDDING, DataType.FLOAT_VECTOR, dim=dimension)
        client.create_collection(
            self.name, schema=schema, consistency_level=_LEVEL, num_shards=1, timeout=_FILL_SECONDS
        )

    def _batches(self, filled: int) -> Iterator[tuple[int, int]]:
        size = max(1, _BATCH_BYTES // (4 * self.contents.embeddings.shape[1]))
        for start in range(filled, len(self), size):
            yield start, min(start + size, len(self))

    def _insert(self, start: int, end: int) -> None:
        block = np.ascontiguousarray(self.contents.embeddings[start:end])
        rows = [
            {_ROW: row, _EMBEDDING: embedding}
            for row, embedding in zip(range(start, end), block, strict=True)
        ]
        # Unlike an insertion, it may be repeated: of equal keys one row remains.
        self.server.call(lambda client: client.upsert(self.name, rows, timeout=_FILL_SECONDS))
        self._note({_FILLED: end})

    def _note(self, properties: dict[str, int]) -> None:
        texts = {name: str(value) for name, value in properties.items()}
        self.server.call(
            lambda client: client.alter_collection_properties(
                self.name, properties=texts, timeout=_FILL_SECONDS
            )
        )

    def _build_index(self, client: Any) -> None:
        parameters = client.prepare_index_params()
        kind, options = ("IVF_FLAT", {"nlist": self.clusters}) if self.clusters else ("FLAT", {})
        parameters.add_index(
            _EMBEDDING, index_type=kind, index_name=_EMBEDDING, metric_type="L2", params=options
        )
        if self.clusters:
            client.flush(self.name)
        client.create_index(self.name, parameters)
        while self.clusters and _pending(client.describe_index(self.name, _EMBEDDING)):
            sleep(_POLL_SECONDS)
        client.load_collection(self.name)

    def _count(self, client: Any, level: str) -> int:
        answer = client.query(
            self.name,
            filter="",
            output_fields=["count(*)"],
            consistency_level=level,
            timeout=_FILL_SECONDS if level == "Strong" else _SEARCH_SECONDS,
        )
        return int(answer[0]["count(*)"])


def _pending(description: dict[str, Any]) -> bool:
    return int(description["pending_index_rows"]) > 0
