"""Dataset versions: tags and versions of the table `images`, differences, and clean-up."""

import json
import re
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast

import lance
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.frozen_model import FrozenModel
from embeddings.store.blobs import BlobTable
from embeddings.store.flushing import flush_table, flush_tags
from embeddings.store.images import ImageTable, Snapshot
from embeddings.store.records import REVIEW_TIME, Images
from embeddings.store.retention import RELEASE_PREFIX, TRAINING_PREFIX, Retention
from embeddings.store.tables import (
    ROWS_PER_FILE,
    StoreDamaged,
    StoreError,
    check_lease,
    open_table,
    translate_errors,
)

_DIGESTS_PER_DELETE = 1000
_MOST_FRAGMENTS = 100
_TAG_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


class Revision(NamedTuple):
    """Version of the table `images`."""

    number: int
    created: datetime
    tags: tuple[str, ...]


class DatasetVersion(FrozenModel):
    """Revision of the store with its tags."""

    revision: int
    created: datetime
    tags: tuple[str, ...] = ()
    images: int
    """Number of images that are not deleted."""
    classes: dict[str, int]
    """Number of images of each class."""


class Relabelled(FrozenModel):
    """Image whose label differs between two dataset versions."""

    id: str
    before: str | None
    after: str | None


class Difference(FrozenModel):
    """Difference between two dataset versions, in ids."""

    before: int
    """Revision of the first version."""
    after: int
    """Revision of the second version."""
    added: tuple[str, ...]
    removed: tuple[str, ...]
    replaced: tuple[str, ...]
    """Images with another file."""
    relabelled: tuple[Relabelled, ...]
    moved_to_pool: tuple[str, ...]
    kept: tuple[str, ...]
    """Images that were reviewed meanwhile, with the same file and label."""
    by_class: dict[str, dict[str, int]]
    """Numbers of images `added`, `removed`, `replaced` and `moved_to_pool` for each class.

    A relabelled image counts as removed from one class and added to another.
    """


class Changes(FrozenModel):
    """Ids that changed after a revision."""

    since: int
    until: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    deleted: tuple[str, ...]


def list_tags(table: ImageTable) -> dict[str, int]:
    """Return the revision of each tag. Raises `StoreError`."""
    dataset = table.open().dataset
    with translate_errors(table.path):
        tags = dataset.tags.list()
    return {name: int(tag["version"]) for name, tag in sorted(tags.items())}


def check_tag_name(name: str) -> None:
    """Raise `StoreError` if a user cannot give this name to a dataset version."""
    if name.startswith((TRAINING_PREFIX, RELEASE_PREFIX)):
        raise StoreError(
            f"{name!r} cannot be set or deleted: tags with the prefixes {TRAINING_PREFIX} and "
            f"{RELEASE_PREFIX} belong to training and publishing, and `belvedere prune` deletes "
            "them with their runs and releases; choose another name."
        )
    if not _TAG_NAME.fullmatch(name) or name.isdecimal() or ".." in name:
        raise StoreError(
            f"{name!r} cannot be the name of a dataset version; use up to 64 letters, digits, "
            "dots, hyphens and underscores, beginning and ending with a letter or digit, and not "
            "only digits."
        )


def set_tag(table: ImageTable, name: str, revision: int | None) -> None:
    """Set a tag to a revision, by default to the newest; an existing tag is moved.

    Raises `StoreError`.
    """
    snapshot = table.open(revision)
    tags = list_tags(table)
    if tags.get(name) == snapshot.revision:
        return
    with translate_errors(table.path):
        write = snapshot.dataset.tags.update if name in tags else snapshot.dataset.tags.create
        write(name, snapshot.revision)
    flush_tags(table.path)


def delete_tag(table: ImageTable, name: str) -> None:
    """Delete a tag; a missing one is ignored. Raises `StoreError`."""
    if name in list_tags(table):
        with translate_errors(table.path):
            table.open().dataset.tags.delete(name)
        flush_tags(table.path)


def list_versions(table: ImageTable) -> tuple[DatasetVersion, ...]:
    """Return all revisions, the oldest first, without the empty first one.

    Revisions that a killed clean-up began to delete are left out. Raises `StoreError`.
    """
    described = (describe_version(table, each) for each in list_revisions(table))
    return tuple(each for each in described if each is not None)


def list_revisions(table: ImageTable) -> tuple[Revision, ...]:
    """Return all revisions, the oldest first, without the empty first one.

    No row is read. Raises `StoreError`.
    """
    dataset = table.open().dataset
    tags: dict[int, list[str]] = {}
    for name, revision in list_tags(table).items():
        tags.setdefault(revision, []).append(name)
    with translate_errors(table.path):
        found = _times(dataset)
    return tuple(
        Revision(revision, created, tuple(tags.get(revision, [])))
        for revision, created in sorted(found.items())
        if revision > 1 or len(found) == 1
    )


def describe_version(table: ImageTable, revision: Revision) -> DatasetVersion | None:
    """Return a revision with its numbers of images.

    None if a killed clean-up began to delete it. Raises `StoreError`.
    """
    rows = read_revision(table, revision.number, ["label"], "deleted IS NULL")
    if rows is None:
        return None
    counts = Counter(rows.column("label").to_pylist())
    return DatasetVersion(
        revision=revision.number,
        created=revision.created,
        tags=revision.tags,
        images=rows.num_rows,
        classes={label: counts[label] for label in sorted(filter(None, counts))},
    )


def _times(dataset: lance.LanceDataset) -> dict[int, datetime]:
    # Lance gives local time without a zone.
    return {
        int(each["version"]): cast(datetime, each["timestamp"]).astimezone(UTC)
        for each in dataset.versions()
    }


def read_revision(
    table: ImageTable, revision: int, columns: Sequence[str], where: str | None = None
) -> pa.Table | None:
    """Return columns of a revision; None if a killed clean-up began to delete the revision.

    Raises `StoreDamaged` if the newest revision or one with a tag cannot be read.
    """
    try:
        with translate_errors(table.path):
            return table.open(revision).dataset.to_table(columns=list(columns), filter=where)
    except StoreDamaged:
        if revision in {table.open().revision, *list_tags(table).values()}:
            raise
        return None


def difference(before: Snapshot, after: Snapshot) -> Difference:
    """Return the difference between two dataset versions."""
    old, new = _facts(before.images), _facts(after.images)
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    both = sorted(old.keys() & new.keys())
    relabelled = tuple(
        Relabelled(id=each, before=old[each].label, after=new[each].label)
        for each in both
        if old[each].label != new[each].label
    )
    replaced = tuple(each for each in both if old[each].digest != new[each].digest)
    moved_to_pool = tuple(each for each in both if new[each].in_pool and not old[each].in_pool)
    return Difference(
        before=before.revision,
        after=after.revision,
        added=tuple(added),
        removed=tuple(removed),
        replaced=replaced,
        relabelled=relabelled,
        moved_to_pool=moved_to_pool,
        kept=tuple(each for each in both if _is_kept(old[each], new[each])),
        by_class=_by_class(
            added=[*(new[each].label for each in added), *(each.after for each in relabelled)],
            removed=[*(old[each].label for each in removed), *(each.before for each in relabelled)],
            replaced=[new[each].label for each in replaced],
            moved_to_pool=[new[each].label for each in moved_to_pool],
        ),
    )


class _Facts(NamedTuple):
    label: str | None
    digest: str
    in_pool: bool
    attributes: str | None
    """Attributes as JSON."""


def _facts(images: Images) -> dict[str, _Facts]:
    pool, attributes = images.splits == "pool", images.array("attributes").to_pylist()
    rest = zip(images.labels, images.digests, pool, attributes, strict=True)
    return dict(zip(images.ids, map(_Facts._make, rest), strict=True))


def _is_kept(old: _Facts, new: _Facts) -> bool:
    """Return whether an image has the same file and label, and the time of a later review."""
    if old.attributes == new.attributes or old[:2] != new[:2]:
        return False
    before, after = (json.loads(each.attributes or "{}").get(REVIEW_TIME) for each in (old, new))
    return after is not None and after != before


def _by_class(**labels: Collection[str | None]) -> dict[str, dict[str, int]]:
    counts = {name: Counter(found) for name, found in labels.items()}
    classes = sorted({label for found in counts.values() for label in found if label is not None})
    return {label: {name: counts[name][label] for name in labels} for label in classes}


def changes(table: ImageTable, since: int, until: int | None = None) -> Changes:
    """Return the ids that changed after a revision, up to another or the newest.

    The revision `since` itself may have been cleaned up. Raises `StoreError`.
    """
    rows = table.changed_since(since, until)
    deleted = pc.is_valid(rows.column("deleted"))
    new = pc.greater(rows.column("_row_created_at_version"), since)
    live = pc.invert(deleted)
    ids = rows.column("id")

    def chosen(mask: object) -> tuple[str, ...]:
        return tuple(sorted(ids.filter(mask).to_pylist()))

    return Changes(
        since=since,
        until=table.open(until).revision,
        added=chosen(pc.and_(new, live)),
        changed=chosen(pc.and_(pc.invert(new), live)),
        deleted=chosen(deleted),
    )


def clean_up(
    table: ImageTable, retention: Retention, now: datetime, feature_paths: Collection[str]
) -> bool:
    """Compact the tables and delete old untagged versions and all unreachable rows.

    Tagged versions, the newest, the last `retention.versions` and, of those of the last
    `retention.days` days, the newest `retention.most` stay. Rows of other tables are deleted if no
    remaining version refers to their digest; returns whether there were any. The caller must hold
    the lock of the store. Raises `StoreDamaged`.
    """
    # A compaction is a revision of its own, so that it waits for many small fragments.
    _compact(table.path, _MOST_FRAGMENTS)
    kept, needed = _needed(table, versions_to_keep(table, retention, now))
    remove_versions(table.path, kept)
    paths = (BlobTable(table.uri).path, *feature_paths)
    deleted = [_delete_rows_except(path, needed) for path in paths]
    return any(deleted)


def versions_to_keep(table: ImageTable, retention: Retention, now: datetime) -> set[int]:
    """Return the revisions that a clean-up keeps. Raises `StoreError`."""
    dataset = table.open().dataset
    with translate_errors(table.path):
        found = _times(dataset)
    oldest = now - timedelta(days=retention.days)
    newest = sorted(found)
    recent = [each for each in newest[-retention.most :] if found[each] >= oldest]
    return {*recent, *newest[-max(retention.versions, 1) :], *list_tags(table).values()}


def _needed(table: ImageTable, revisions: Collection[int]) -> tuple[set[int], set[str]]:
    """Return the readable ones of these revisions, and the digests of all their rows.

    Each fragment is read once, at its oldest revision: later ones only delete rows of it.
    Revisions that a killed clean-up began to delete are left out.
    """
    readable, digests, known = set[int](), set[str](), set[int]()
    needed = {table.open().revision, *list_tags(table).values()}
    for revision in sorted(revisions):
        try:
            with translate_errors(table.path):
                for fragment in table.open(revision).dataset.get_fragments():
                    if fragment.fragment_id not in known:
                        rows = fragment.to_table(columns=["digest"])
                        digests.update(rows.column("digest").to_pylist())
                        known.add(fragment.fragment_id)
        except StoreDamaged:
            if revision in needed:
                raise
            continue
        readable.add(revision)
    return readable, digests


def _compact(path: str, most: int = 1) -> None:
    """Merge the fragments of a table if there are more than `most`."""
    dataset = open_table(path)
    if dataset is not None and len(dataset.get_fragments()) > most:
        check_lease(path)
        with translate_errors(path):
            dataset.optimize.compact_files(target_rows_per_fragment=ROWS_PER_FILE)
        flush_table(path)


def remove_versions(path: str, kept: Collection[int]) -> None:
    """Remove the versions of a table other than the newest and those in `kept`, and stray files.

    Raises `StoreDamaged`.
    """
    dataset = open_table(path)
    if dataset is None:
        return
    check_lease(path)
    with translate_errors(path):
        found = {int(each["version"]) for each in dataset.versions()}
        unused = sorted(found - set(kept) - {int(dataset.version)})
        dataset.cleanup_old_versions(
            # Lance rejects an empty list.
            versions=unused or None,
            retain_versions=None if unused else len(found),
            delete_unverified=True,
            error_if_tagged_old_versions=False,
        )


def _delete_rows_except(path: str, digests: set[str]) -> bool:
    """Delete the rows of other digests from a table and its old versions; return if it had any."""
    dataset = open_table(path)
    if dataset is None:
        return False
    with translate_errors(path):
        stored = dataset.to_table(columns=["digest"]).column("digest").to_pylist()
        unused = sorted(set(stored) - digests)
        for start in range(0, len(unused), _DIGESTS_PER_DELETE):
            check_lease(path)
            listed = ", ".join(f"'{each}'" for each in unused[start : start + _DIGESTS_PER_DELETE])
            dataset.delete(f"digest IN ({listed})")
            flush_table(path)
        if unused:
            dataset.optimize.compact_files(
                target_rows_per_fragment=ROWS_PER_FILE, materialize_deletions_threshold=0.0
            )
    flush_table(path)
    _compact(path)
    remove_versions(path, ())
    return bool(unused)
