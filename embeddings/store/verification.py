"""Verification of the feature store: tables, files and features against each other."""

import json
import re
from collections import Counter
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter
from typing import Any, get_args

import lance
import numpy as np
import pyarrow as pa

from embeddings.errors import BelvedereError
from embeddings.progress import Track
from embeddings.store.blobs import BlobTable
from embeddings.store.files import FileLedger
from embeddings.store.images import ImageTable
from embeddings.store.labels import LabelJournal
from embeddings.store.records import Images
from embeddings.store.selections import SelectionTable
from embeddings.store.split import Split
from embeddings.store.tables import StoreError, open_table, translate_errors
from embeddings.store.versions import list_tags

Findings = Generator[str, None, int]
"""Generator of a sentence for each problem, with the remedy; its value is the number checked."""

_SHOWN = 5
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Check:
    """Result of one check."""

    name: str
    count: int
    """Number of things that were checked."""
    seconds: float
    problems: tuple[str, ...]
    """A sentence for each problem, with the remedy."""


def run_check(name: str, findings: Findings) -> Check:
    """Run a check; a domain error ends it and is its last problem."""
    problems: list[str] = []
    start, count = perf_counter(), 0
    try:
        while True:
            problems.append(next(findings))
    except StopIteration as end:
        count = end.value
    except BelvedereError as error:
        problems.append(str(error))
    return Check(name, count, perf_counter() - start, tuple(problems))


def verify_store(
    table: ImageTable, feature_paths: Sequence[str], track: Track
) -> tuple[Check, ...]:
    """Check all tables; reads every file of an image."""
    return (
        run_check("images", _check_images(table)),
        run_check("files of images", _check_files(table, track)),
        run_check("dataset versions", _check_tags(table)),
        *(
            run_check(f"features {path.rsplit('/', 1)[-1]}", _check_features(path))
            for path in feature_paths
        ),
        run_check("label decisions", _check_labels(LabelJournal(table.uri))),
        run_check("ledger of files", _check_ledger(FileLedger(table.uri), table)),
        run_check("selections", _check_selections(SelectionTable(table.uri), table)),
    )


def named(ids: Sequence[str]) -> str:
    """Return the first ids and the number of the others."""
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(repr(identifier) for identifier in ids[:_SHOWN]) + more


def _check_images(table: ImageTable) -> Findings:
    images = table.open().all
    doubled = _doubled(images.ids)
    if doubled:
        yield (
            f"The table `images` has more than one row for {named(doubled)}; run `belvedere erase` "
            "for these ids and `belvedere add` with their folder."
        )
    impossible = [image.id for image in images if not _is_possible(image)]
    if impossible:
        yield (
            f"The rows of {named(impossible)} have an impossible split, label or digest; run "
            "`belvedere erase` for these ids and `belvedere add` with their folder."
        )
    return len(images)


def _is_possible(image: Any) -> bool:
    return (
        image.split in get_args(Split)
        and (image.split == "train" or not image.tuning)
        and (image.split == "pool" or image.label is not None)
        and bool(_DIGEST.fullmatch(image.digest))
    )


def _check_files(table: ImageTable, track: Track) -> Findings:
    images = table.open().all
    blobs = BlobTable(table.uri).open()
    doubled = _doubled(blobs.digests.to_pylist())
    if doubled:
        yield (
            f"The table `blobs` has more than one row for {named(doubled)}; `belvedere prune` "
            "deletes the second ones."
        )
    rows = blobs.rows_of(images.digests)
    missing = [images.ids[row] for row in (rows < 0).nonzero()[0]]
    if missing:
        yield f"The files of {named(missing)} are missing; run `belvedere add` with their folder."
    present = (rows >= 0).nonzero()[0]
    stored = track(blobs.jpegs(rows[present]), "Verifying files", len(present))
    damaged = [
        images.ids[row]
        for row, jpeg in zip(present.tolist(), stored, strict=True)
        if sha256(jpeg).hexdigest() != images.digests[row]
    ]
    if damaged:
        yield (
            f"The files of {named(damaged)} differ from their digest; run `belvedere erase` for "
            "these ids and `belvedere add` with their folder."
        )
    return len(images)


def _check_tags(table: ImageTable) -> Findings:
    known = BlobTable(table.uri).known()
    tags = list_tags(table)
    for name, revision in tags.items():
        try:
            images = table.open(revision).all
        except StoreError as error:
            yield f"The dataset version {name} cannot be opened: {error}"
            continue
        missing = _without_file(images, known)
        if missing:
            yield (
                f"The dataset version {name} needs the files of {named(missing)}, which are "
                "missing; restore the folder of the store from a backup, or delete the tag."
            )
    return len(tags)


def _without_file(images: Images, known: Collection[str]) -> list[str]:
    pairs = zip(images.ids, images.digests, strict=True)
    return [identifier for identifier, digest in pairs if digest not in known]


def _check_features(path: str) -> Findings:
    dataset = open_table(path)
    if dataset is None:
        # A killed process began to create the table.
        return 0
    remedy = f"delete the folder {path}, and `belvedere publish` computes them again."
    types = [dataset.schema.field(name).type for name in ("embedding", "probabilities")]
    if not all(pa.types.is_fixed_size_list(each) for each in types):
        yield f"The features in {path} differ in length; {remedy}"
        return 0
    digests: list[str] = []
    broken: list[str] = []
    with translate_errors(path):
        for batch in dataset.to_batches(columns=["digest", "embedding", "probabilities"]):
            found = batch.column(0).to_pylist()
            digests += found
            broken += [found[row] for row in np.flatnonzero(~_finite(batch)).tolist()]
    if broken:
        yield f"The features of {named(broken)} in {path} are no finite numbers; {remedy}"
    if doubled := _doubled(digests):
        yield f"{path} has more than one row for {named(doubled)}; {remedy}"
    return len(digests)


def _finite(batch: pa.RecordBatch) -> Any:
    masks = [
        np.isfinite(column.flatten().to_numpy(zero_copy_only=False).reshape(len(batch), -1))
        for column in batch.columns[1:]
    ]
    return np.logical_and.reduce([mask.all(axis=1) for mask in masks])


def _check_labels(journal: LabelJournal) -> Findings:
    dataset = _existing(journal.path)
    with translate_errors(journal.path):
        table = dataset.to_table(columns=["decision", "undoes"])
    keys = table.column("decision").to_pylist()
    if doubled := _doubled(keys):
        yield (
            f"The journal of labels has more than one row for {named(doubled)}; restore the folder "
            f"{journal.path} from a backup."
        )
    undone = {each for each in table.column("undoes").to_pylist() if each is not None}
    if unknown := sorted(undone - set(keys)):
        yield (
            f"The journal of labels takes back decisions that it lacks: {named(unknown)}; restore "
            f"the folder {journal.path} from a backup."
        )
    return len(keys)


def _check_ledger(ledger: FileLedger, images: ImageTable) -> Findings:
    dataset = open_table(ledger.path)
    if dataset is None:
        return 0
    known = set(images.open().all.ids)
    with translate_errors(ledger.path):
        ids = dataset.to_table(columns=["id"]).column("id").to_pylist()
    unknown = sorted({each for each in ids if each is not None} - known)
    if unknown:
        yield (
            f"The ledger of files names images that the store lacks: {named(unknown)}; delete the "
            f"folder {ledger.path}, and the next `belvedere add` reads all files again."
        )
    return len(ids)


def _check_selections(selections: SelectionTable, images: ImageTable) -> Findings:
    dataset = open_table(selections.path)
    if dataset is None:
        return 0
    with translate_errors(selections.path):
        rows = dataset.to_table(columns=["name", "ids", "filter"]).to_pylist()
    names = [row["name"] for row in rows]
    if doubled := _doubled(names):
        yield (
            f"More than one selection has the name {named(doubled)}; save it again, or restore the "
            f"folder {selections.path} from a backup."
        )
    known = set(images.open().all.ids)
    for row in rows:
        if not _has_one_content(row["ids"], row["filter"]):
            yield f"The selection {row['name']!r} is not readable; delete it and save it again."
        elif unknown := sorted({*(row["ids"] or ())} - known):
            yield (
                f"The selection {row['name']!r} names images that the store lacks: "
                f"{named(unknown)}; save it again without them."
            )
    return len(rows)


def _has_one_content(ids: list[str] | None, conditions: str | None) -> bool:
    """Return whether a selection has either ids or a filter, which is an object of JSON."""
    if conditions is None:
        return ids is not None
    try:
        return ids is None and isinstance(json.loads(conditions), dict)
    except ValueError:
        return False


def _existing(path: str) -> lance.LanceDataset:
    dataset = open_table(path)
    if dataset is None:
        raise StoreError(f"The table {path} is missing; restore its folder from a backup.")
    return dataset


def _doubled(values: Sequence[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]
