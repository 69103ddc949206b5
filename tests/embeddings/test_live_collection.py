"""Collection that changes while it is searched, against a plain model.

A state machine (hypothesis) adds, replaces, relabels, deletes and restores images, folds the
changes into a release, publishes another model, restarts the writer and lets replicas fall behind.
After each step, all answers of a state are compared with those of dictionaries and brute force.

`python -m tests.embeddings.test_live_collection EXAMPLES STEPS SEED` makes a longer run.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
)

from embeddings.atomic import atomic_symlink
from embeddings.encoded import Encoded
from embeddings.encoder import Encoder
from embeddings.file_names import to_nfc
from embeddings.index.flat import FlatIndex
from embeddings.ingest.changes import Change, Delete, Distinct, Edit, Put, Restore, Undo
from embeddings.ingest.preparation import prepare
from embeddings.ingest.writer import Writer
from embeddings.live_state import LiveState, RevisionLost, read_all_changes, read_changes
from embeddings.release.publish import republish
from embeddings.release.reader import (
    CURRENT,
    current_release,
    open_release,
    read_manifest,
    release_folders,
)
from embeddings.store.changed_images import ChangedImages
from embeddings.store.maintenance import Maintenance
from embeddings.store.records import record_tag
from embeddings.store.retention import Retention
from embeddings.store.store import Store
from embeddings.store.tables import StoreError
from tests.embeddings.live_states import by_id, row_of
from tests.plain_collection import (
    NAMES,
    NEW_LABELS,
    STEP,
    Plain,
    PlainCollection,
    Refused,
    Search,
    drawing_of,
    files,
    stored_files,
    two_models,
)
from tests.state_machines import run_from_command_line, run_machine
from tests.tiny_release import explain_evenly

COUNTS: Counter[str] = Counter()
"""Number of steps of all machines, by change and outcome."""

ENCODED: dict[tuple[str, str], Encoded] = {}
"""Outputs by encoder and digest of the stored file, without any store."""

STALE = "0" * 16

COMMITS = 3
"""Commits between two compactions."""

Ready = dict[str, tuple[object, ...]]
"""Ready answer of each live image."""


class Match(Enum):
    """Entity tag of a change of a label."""

    NONE = 0
    PRESENT = 1
    STALE = 2


class Served:
    """Release with the changes that were read, as a process serves it."""

    def __init__(self, home: Path) -> None:
        self.store = Store(str(home / "store"))
        self.releases = home / "releases"
        self.reopen()

    def reopen(self) -> None:
        """Open the current release, and read all changes after it."""
        self.release = open_release(current_release(self.releases))
        self.encoder = Encoder(self.release.encoder)
        base = FlatIndex(self.release.embeddings)
        self.state = LiveState.of(self.release, base)
        self.read()

    def poll(self) -> None:
        """Open a new release if there is one, and read the changes."""
        if current_release(self.releases) != self.release.folder:
            self.reopen()
        else:
            self.read()

    def read(self) -> None:
        """Read the changes of the store."""
        encode = self.encoder.encode_files
        try:
            changes = read_changes(self.store, self.fingerprint, self.state.revision, encode)
        except RevisionLost:
            changes = read_all_changes(self.store, self.state, encode)
            COUNTS["revision lost"] += 1
        self.apply(changes)

    def apply(self, changes: ChangedImages) -> None:
        """Apply changes to the state."""
        self.state = self.state.apply(changes)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder."""
        return self.release.manifest.encoder.fingerprint


class LiveCollection(RuleBasedStateMachine):
    """Collection with one writer and two replicas."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="live-collection-"))
        shutil.copytree(two_models(), self.home, symlinks=True, dirs_exist_ok=True)
        self.served = Served(self.home)
        self.replicas = [Served(self.home) for _ in range(2)]
        self.maintenance = Maintenance(
            self.served.store, Retention(versions=1, days=0), commits=COMMITS
        )
        self.writer = self._writer()
        stored = self.served.store.at().all
        self.plain = PlainCollection(
            {
                image.id: Plain(image.label, image.source_digest, image.digest, -1 - row)
                for row, image in enumerate(stored)
            }
        )
        self.plain.commit(self.served.state.revision)
        self.known = stored.ids[::STEP]
        self.splits = dict(zip(stored.ids, stored.column("split"), strict=True))
        self.ready: tuple[LiveState, Ready] | None = None

    def teardown(self) -> None:
        self.writer.close()
        self.maintenance.close()
        shutil.rmtree(self.home)

    @rule(data=st.data(), count=st.integers(1, 4))
    def put(self, data: st.DataObject, count: int) -> None:
        """Put images, several of them in one commit."""
        self._write([self._a_put(data) for _ in range(count)])

    @rule(data=st.data(), label=st.sampled_from(NEW_LABELS), match=st.sampled_from(Match))
    def relabel(self, data: st.DataObject, label: str, match: Match) -> None:
        name = self._name(data)
        row = self.served.state.row(name)
        tag = None
        if match is Match.STALE:
            tag = STALE
        elif match is Match.PRESENT and row is not None:
            tag = record_tag(self.served.state.record(row))
        self._write([Edit([name], "a key", label, if_match={} if tag is None else {name: tag})])

    @rule(data=st.data(), count=st.integers(1, 3))
    def delete(self, data: st.DataObject, count: int) -> None:
        self._write([Delete([self._name(data) for _ in range(count)], "a key")])

    @rule(data=st.data(), count=st.integers(1, 3))
    def restore(self, data: st.DataObject, count: int) -> None:
        self._write([Restore([self._name(data) for _ in range(count)], "a key")])

    @rule(data=st.data())
    def mix(self, data: st.DataObject) -> None:
        """Make changes of all kinds in one commit."""
        name = self._name(data)
        self._write(
            [
                self._a_put(data),
                Delete([name], "a key"),
                self._a_put(data),
                Restore([name], "a key"),
                Edit([name], "a key", data.draw(st.sampled_from(NEW_LABELS))),
            ]
        )

    @rule(data=st.data())
    def put_deleted(self, data: st.DataObject) -> None:
        """Put the file of a deleted image under any id, then under its own."""
        deleted = {
            name: [each for each in files() if each.source_digest == image.source_digest]
            for name, image in self.plain.images.items()
            if image.deleted
        }
        names = sorted(name for name, found in deleted.items() if found)
        if names:
            name = data.draw(st.sampled_from(names))
            (drawing,) = deleted[name]
            label = data.draw(st.sampled_from([*NEW_LABELS, None]))
            prepared = prepare(drawing.content, self.served.encoder, self.served.fingerprint)
            ids = (self._name(data), name)
            self._write([Put(each, label, prepared, "a key", restore=True) for each in ids])

    @rule()
    def fold(self) -> None:
        """Publish the model over the newest revision, and serve it."""
        republish(self.served.store, self.served.releases, explain_evenly)
        self.served.poll()
        COUNTS["fold"] += 1

    @rule(over_newest=st.booleans())
    def swap(self, over_newest: bool) -> None:
        """Publish the other model over the newest revision, or go back to its last release."""
        atomic_symlink(self.served.releases / CURRENT, self._last_of_other_model().name)
        if over_newest:
            republish(self.served.store, self.served.releases, explain_evenly)
        self.served.poll()
        self.writer.use_encoder(self.served.fingerprint, self.served.encoder.encode_files)
        COUNTS["swap" if over_newest else "roll back"] += 1

    @rule()
    def restart(self) -> None:
        """Start the writer again; the state that it reads has the same figures."""
        self.writer.close()
        before, self.served = self.served, Served(self.home)
        self.writer = self._writer()
        if before.release.folder == self.served.release.folder:
            assert figures(self.served.state) == figures(before.state)
        COUNTS["restart"] += 1

    @rule(number=st.integers(0, 1))
    def poll(self, number: int) -> None:
        """Let a replica read the newest changes."""
        replica = self.replicas[number]
        replica.poll()
        assert replica.state.revision >= self.served.state.revision
        self._check(replica)
        COUNTS["poll"] += 1

    @rule(number=st.integers(0, 1))
    def read_replica(self, number: int) -> None:
        """Read a replica, which may be behind."""
        self._check(self.replicas[number])
        COUNTS["read a replica"] += 1

    @rule()
    def clean_up(self) -> None:
        """Let the writer delete old dataset versions and files after its next commit.

        A replica can be behind them.
        """
        self.maintenance.request_clean_up()
        COUNTS["clean up"] += 1

    @rule(data=st.data())
    def changes(self, data: st.DataObject) -> None:
        """List the changes between two revisions."""
        until = self.served.state.revision
        since = data.draw(st.sampled_from(sorted(self.plain.at)))
        try:
            found = self.served.store.changes(since, until)
        except StoreError:
            COUNTS["changes since a revision that is gone"] += 1
            return
        before, after = self.plain.at[since], self.plain.as_of(until)
        listed = {*found.added, *found.changed, *found.deleted}
        assert {name for name in after if before.get(name) != after[name]} <= listed
        assert set(found.added) == {
            name for name, each in after.items() if name not in before and not each.deleted
        }
        assert {*found.deleted} == {name for name in listed if after[name].deleted}
        COUNTS["changes"] += 1

    @invariant()
    def answers_are_those_of_the_model(self) -> None:
        self._check(self.served)

    def _writer(self) -> Writer:
        return Writer(
            self.served.store,
            self.served.fingerprint,
            lambda changes: self.served.apply(changes),
            encode=self.served.encoder.encode_files,
            maintain=self.maintenance.after_commit,
            group_seconds=0.005,
        )

    def _a_put(self, data: st.DataObject) -> Put:
        known = data.draw(st.booleans())
        drawing = data.draw(st.sampled_from(self.plain.held if known else files()))
        label = data.draw(st.sampled_from([*NEW_LABELS, None]))
        prepared = prepare(drawing.content, self.served.encoder, self.served.fingerprint)
        return Put(self._name(data), label, prepared, "a key", data.draw(st.booleans()))

    def _name(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from([*NAMES, *self.known]))

    def _last_of_other_model(self) -> Path:
        """Return the last release of the model that is not served."""
        folders = release_folders(self.served.releases)
        others = (
            (read_manifest(each).data.revision, each)
            for each in folders
            if read_manifest(each).encoder.fingerprint != self.served.fingerprint
        )
        return max(others)[1]

    def _write(self, changes: Sequence[Change]) -> None:
        """Submit changes at once, and compare their results with those of the model."""
        futures = [self.writer.submit(change) for change in changes]
        for change, future in zip(changes, futures, strict=True):
            expected, concerned = self._expected(change)
            error = future.exception()
            if error is None:
                written = future.result()
                assert written.outcome == expected, (change, written)
                assert written.id in concerned, (change, written)
                assert written.revision <= self.served.state.revision
            else:
                assert type(error).__name__ == expected, (change, error)
            COUNTS[f"{type(change).__name__}: {expected}"] += 1
        self.plain.commit(self.served.state.revision)

    def _expected(self, change: Change) -> tuple[str, set[str]]:
        """Return the outcome or error of a change in the model, and the ids it can concern."""
        try:
            match change:
                case Put():
                    drawing = drawing_of(change.file.source_digest)
                    return self.plain.put(change.id, change.label, drawing, restore=change.restore)
                case Edit():
                    (name,) = change.ids
                    stale = change.if_match == {name: STALE}
                    assert isinstance(change.label, str)
                    outcome = self.plain.relabel(name, change.label, stale=stale)
                    return outcome, {to_nfc(name)}
                case Delete():
                    return self.plain.delete(change.ids), {"", *map(to_nfc, change.ids)}
                case Restore():
                    return self.plain.restore(change.ids), {"", *map(to_nfc, change.ids)}
                case Distinct() | Undo():
                    raise NotImplementedError
        except Refused as error:
            return str(error), set()

    def _check(self, served: Served) -> None:
        """Compare all answers of a state with those of the model at its revision."""
        state = served.state
        images = self.plain.as_of(state.revision)
        live = {name: each for name, each in images.items() if not each.deleted}
        rows = {name: row for name in images if (row := state.row(name)) is not None}
        assert rows.keys() == live.keys()
        assert int(state.live.sum()) == len(live)
        assert [state.record(row).id for row in state.ids_in_order().tolist()] == sorted(live)
        encoded = {each.digest: self._encoded(served, each.digest) for each in live.values()}
        for name, plain in live.items():
            row, record = rows[name], state.record(rows[name])
            assert (record.id, record.label, record.digest) == (name, plain.label, plain.digest)
            assert (state.labels[row], state.splits[row]) == (record.label, record.split)
            assert (state.embedding(row) == encoded[plain.digest].embeddings[0]).all()
            assert state.predicted(row) == int(encoded[plain.digest].probabilities[0].argmax())
            before = self.splits.setdefault(name, record.split)
            assert before == "pool" or record.split in (before, "pool")
            self.splits[name] = record.split
        vectors = {digest: each.embeddings[0] for digest, each in encoded.items()}
        self._check_search(state, Search.of(images, vectors))
        if served is self.served:
            self._check_stamps(state)

    def _check_search(self, state: LiveState, search: Search) -> None:
        """Compare ready answers of all images, and searches with filters."""
        for name, expected in search.all_neighbors(3).items():
            row = row_of(state, name)
            assert by_id(state, state.neighbors(row)) == expected
        rng = np.random.default_rng(state.revision)
        for name in rng.choice(search.ids, min(4, len(search.ids)), replace=False).tolist():
            row, k = row_of(state, name), int(rng.integers(1, 12))
            label = state.labels[row]
            mask = state.live & (state.labels.equal(label))
            among = [each for each in search.ids if state.labels[row_of(state, each)] == label]
            query = state.embedding(row)
            assert by_id(state, state.index.search(query, k, exclude=row, among=mask)) == (
                search.neighbors(name, k, among)
            )
            assert by_id(state, state.index.search(query, k)) == (
                search.nearest(query.astype(np.float64), k, search.ids)
            )

    def _check_stamps(self, state: LiveState) -> None:
        """Check that a ready answer that changed has a later stamp than the state before."""
        ready = {
            name: ready_answer(state, row)
            for name in self.plain.live
            if (row := state.row(name)) is not None
        }
        if self.ready is not None and self.ready[0].release is state.release:
            before, answers = self.ready
            for name, answer in ready.items():
                row = row_of(state, name)
                if name in answers and answers[name] != answer:
                    assert before.revision < state.stamp(row) <= state.revision
        self.ready = state, ready

    @staticmethod
    def _encoded(served: Served, digest: str) -> Encoded:
        known = (served.fingerprint, digest)
        if known not in ENCODED:
            (ENCODED[known],) = served.encoder.encode_files([stored_files()[digest]])
        return ENCODED[known]


def ready_answer(state: LiveState, row: int) -> tuple[object, ...]:
    """Return all parts of the ready answer of a row."""
    found = state.neighbors(row)
    records = [state.record(each) for each in (row, *found.rows.tolist())]
    return *((each.id, each.label, each.split) for each in records), *found.distances.tolist()


def figures(state: LiveState) -> dict[str, tuple[object, ...]]:
    """Return typicality, place and origin of all live images."""
    return {
        state.record(row).id: (state.typicality(row), state.point(row), state.learned(row))
        for row in state.ids_in_order().tolist()
    }


def test_answers_are_those_of_the_model() -> None:
    run_machine(LiveCollection, examples=6, steps=20, number=None)


if __name__ == "__main__":
    run_from_command_line(LiveCollection, COUNTS)
