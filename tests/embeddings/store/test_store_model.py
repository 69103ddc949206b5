"""The store against a plain model: dictionaries of images at each revision."""

import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from embeddings.store.records import Decision
from embeddings.store.retention import Retention
from embeddings.store.store import Store
from embeddings.store.tables import StoreError
from tests.embeddings.store.contents import add_files, digest_of, image

MEMORY = Path("/dev/shm")
"""File system in memory, because the store flushes every write."""

IDS = ("a", "b/ü", "it's", 'c"d', "e")
NAMES = st.sampled_from(["training-1", "release-1", "paper"])
SOME_IDS = st.sets(st.sampled_from(IDS), min_size=1)


@dataclass(frozen=True)
class Row:
    label: str | None
    digest: str
    deleted: bool
    created: int
    written: int


class StoreModel(RuleBasedStateMachine):
    @initialize()
    def create(self) -> None:
        self.days = 0
        self.folder = tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None)
        start = datetime.now(UTC)
        self.store = Store(self.folder, now=lambda: start + timedelta(days=self.days))
        self.store.create(split_seed=0, split_rule=3)
        self.rows: dict[str, Row] = {}
        self.revision = self.store.at().revision
        self.history = {self.revision: self.rows}
        self.tags: dict[str, int] = {}
        self.kept = {self.revision}
        self.decisions: dict[str, list[str | None]] = {}

    def write(self, revision: int, changed: dict[str, Row]) -> None:
        assert (revision > self.revision) == bool(changed)
        self.revision = revision
        stamped = {
            each: replace(row, created=row.created or revision, written=revision)
            for each, row in changed.items()
        }
        self.rows = self.rows | stamped
        self.history[revision] = self.rows
        self.kept.add(revision)

    @rule(
        ids=SOME_IDS,
        content=st.binary(max_size=2),
        label=st.sampled_from(["lake", "sea", None]),
    )
    def put(self, ids: set[str], content: bytes, label: str | None) -> None:
        add_files(self.store, [content])
        decisions = [
            Decision(each, self.rows[each].label if each in self.rows else None, label, "x", "y")
            for each in sorted(ids)
        ]
        for each in ids:
            self.decisions.setdefault(each, []).append(label)
        new = image("", content, label).model_copy(update={} if label else {"split": "pool"})
        revision = self.store.put(
            [new.model_copy(update={"id": each}) for each in sorted(ids)], decisions
        )
        created = {each: self.rows[each].created if each in self.rows else 0 for each in ids}
        digest = digest_of(content)
        self.write(revision, {each: Row(label, digest, False, created[each], 0) for each in ids})

    @rule(ids=SOME_IDS, deleted=st.booleans())
    def mark(self, ids: set[str], deleted: bool) -> None:
        verb = self.store.delete if deleted else self.store.restore
        if not ids <= self.rows.keys():
            with pytest.raises(StoreError):
                verb(ids)
            return
        changed = {each for each in ids if self.rows[each].deleted != deleted}
        revision = verb(ids)
        self.write(revision, {each: replace(self.rows[each], deleted=deleted) for each in changed})

    @rule(name=NAMES, data=st.data())
    def tag(self, name: str, data: st.DataObject) -> None:
        revision = data.draw(st.sampled_from(sorted(self.kept)))
        self.store.tag(name, revision)
        self.tags[name] = revision

    @rule(name=NAMES)
    def untag(self, name: str) -> None:
        self.store.untag(name)
        self.tags.pop(name, None)

    @rule(days=st.sampled_from([0, 20, 40]), versions=st.integers(1, 3))
    def compact(self, days: int, versions: int) -> None:
        self.days += days
        self.store.compact(Retention(versions=versions, days=30))
        assert self.store.at().revision == self.revision
        if self.days > 30:
            newest = sorted(self.kept)[-versions:]
            self.kept = {*newest, *self.tags.values(), self.revision}

    @precondition(lambda self: len(self.history) > 1)
    @rule(data=st.data())
    def changes(self, data: st.DataObject) -> None:
        until = data.draw(st.sampled_from(sorted(self.kept)))
        since = data.draw(st.sampled_from(sorted(self.history)))
        found = self.store.changes(since, until)
        rows = {each: row for each, row in self.history[until].items() if row.written > since}
        live = {each: row for each, row in rows.items() if not row.deleted}
        added = {each for each, row in live.items() if row.created > since}
        assert set(found.added) == added
        assert set(found.changed) == live.keys() - added
        assert set(found.deleted) == rows.keys() - live.keys()

    @rule(data=st.data())
    def difference(self, data: st.DataObject) -> None:
        one, other = (data.draw(st.sampled_from(sorted(self.kept))) for _ in range(2))
        found = self.store.difference(one, other)
        before, after = (self.live(each) for each in (one, other))
        both = before.keys() & after.keys()
        assert set(found.added) == after.keys() - before.keys()
        assert set(found.removed) == before.keys() - after.keys()
        assert set(found.replaced) == {e for e in both if before[e].digest != after[e].digest}
        assert {(each.id, each.before, each.after) for each in found.relabelled} == {
            (each, before[each].label, after[each].label)
            for each in both
            if before[each].label != after[each].label
        }
        counts = [
            {label: [row.label for row in rows.values()].count(label) for label in found.by_class}
            for rows in (before, after)
        ]
        for label, each in found.by_class.items():
            assert counts[0][label] + each["added"] - each["removed"] == counts[1][label]

    def live(self, revision: int) -> dict[str, Row]:
        return {each: row for each, row in self.history[revision].items() if not row.deleted}

    @invariant()
    def every_kept_revision_is_readable(self) -> None:
        for revision in self.kept:
            snapshot = self.store.at(revision)
            live, images = self.live(revision), snapshot.images
            assert images.ids == sorted(live)
            assert images.labels == [live[each].label for each in images.ids]
            assert images.digests == [live[each].digest for each in images.ids]
            assert [digest_of(each) for each in snapshot.jpegs(images.digests)] == images.digests
        assert {each.revision for each in self.store.versions()} | {1} == self.kept | {1}
        assert self.store.tags() == self.tags

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        assert [each.problems for each in self.store.verify() if each.problems] == []
        for each, labels in self.decisions.items():
            assert [found.decision.after for found in self.store.labels.of(each)] == labels
        shutil.rmtree(self.folder)


TestStoreModel = StoreModel.TestCase
TestStoreModel.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
