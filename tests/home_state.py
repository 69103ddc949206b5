"""Contents of a home without times, to compare homes, and its problems."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lance

from embeddings.ingest.outcomes import SETTLED
from embeddings.progress import no_progress
from embeddings.release.reader import current_release, verify_release
from embeddings.settings import PathSettings
from embeddings.store.images import Snapshot
from embeddings.store.retention import RELEASE_PREFIX
from embeddings.store.store import Store
from training.verification import verify_home

Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class HomeContents:
    """Contents of a home; equal for homes after the same commands."""

    images: Rows
    """Rows of all images by id, deleted ones included."""
    tags: dict[str, Rows]
    """Rows of the tagged dataset versions; of releases, only that of the current one."""
    features: dict[str, list[tuple[Any, ...]]]
    """Digest, embedding and probabilities, by encoder."""
    files: list[dict[str, Any]]
    """Entries of the ledger of files; a file that was added before the kill is then unchanged."""
    decisions: list[dict[str, Any]]
    """Decisions about labels."""
    release: dict[str, Any]
    """Manifest of the current release, whose files are intact."""


def state_of(home: Path) -> HomeContents:
    """Return the contents of a home. Raises `BelvedereError` if something cannot be read."""
    store = Store(str(home / "store"))
    manifest = verify_release(current_release(home / "releases"))
    ledger = {(each["source"], each["path"]): each for each in _rows(store.files.path)}
    decisions = [_without(each, "decision", "at") for each in _rows(store.labels.path)]
    return HomeContents(
        images_of(store.at()),
        {
            tag: images_of(store.at(tag))
            for tag in store.tags()
            if not tag.startswith(RELEASE_PREFIX) or tag == manifest.tag
        },
        {
            Path(path).stem: sorted(tuple(map(_hashable, row.values())) for row in _rows(path))
            for path in store.feature_paths()
        },
        [{**ledger[key], "outcome": ledger[key]["outcome"] in SETTLED} for key in sorted(ledger)],
        sorted(decisions, key=str),
        manifest.model_dump(),
    )


def images_of(snapshot: Snapshot) -> Rows:
    """Return the rows of all images by id, without times. Raises if an id has two rows."""
    rows = snapshot.all.table.to_pylist()
    found = {row["id"]: _without(row, "added", "changed") for row in rows}
    for row in found.values():
        row["deleted"] = row["deleted"] is not None
    assert len(found) == len(rows), "An id has two rows."
    return found


def problems_of(home: Path) -> list[str]:
    """Return the problems that `belvedere verify` finds in a home."""
    checks = verify_home(PathSettings(home=home), no_progress)
    return [problem for check in checks for problem in check.problems]


def _rows(path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = lance.dataset(path).to_table().to_pylist()
    return rows


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
