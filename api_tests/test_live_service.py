"""Service that is written to while it is read, against a plain model of its collection.

A state machine (hypothesis) makes changes with the client, folds and swaps releases, and restarts
the service. After each step, answers of the writer and of a replica are compared with those of
dictionaries and brute force, at the revision of the change.

`python -m api_tests.test_live_service EXAMPLES STEPS SEED` makes a longer run.
"""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unicodedata import normalize
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
)

from api_tests.conftest import served
from embeddings.atomic import atomic_symlink
from embeddings.encoded import Encoded
from embeddings.encoder import Encoder
from embeddings.lock import Locked, home_lock
from embeddings.release.publish import republish
from embeddings.release.reader import CURRENT, current_release, read_manifest, release_folders
from embeddings.store.store import Store
from service.client import (
    ChangedMeanwhile,
    Client,
    Conflict,
    DeletedBefore,
    InvalidParameter,
    ServiceError,
    UnknownImage,
)
from service.schemas import ImageRecord, WrittenImage
from service.settings import ServiceSettings
from tests.plain_collection import (
    NAMES,
    NEW_LABELS,
    STEP,
    Drawing,
    Plain,
    PlainCollection,
    Refused,
    Search,
    files,
    stored_files,
    two_models,
)
from tests.state_machines import run_from_command_line, run_machine
from tests.tiny_release import LABELS, explain_evenly

COUNTS: Counter[str] = Counter()
"""Number of steps of all machines, by change and outcome."""

ENCODED: dict[tuple[str, str], Encoded] = {}
"""Outputs by encoder and digest of the stored file."""

POLL = 0.02

FOLD_CHANGES = 12
"""Changes after which the service folds them into a release by itself."""

ERRORS: dict[str, type[ServiceError]] = {
    "UnknownImage": UnknownImage,
    "ImageChanged": ChangedMeanwhile,
    "InvalidChange": InvalidParameter,
    "conflict": Conflict,
    "deleted_before": DeletedBefore,
}
"""Exceptions of the client by outcome or error of the model."""


class LiveService(RuleBasedStateMachine):
    """Service that writes, and a replica of it."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="live-service-"))
        shutil.copytree(two_models(), self.home, symlinks=True, dirs_exist_ok=True)
        self.store = Store(str(self.home / "store"))
        self.releases = self.home / "releases"
        stored = self.store.at().all
        self.plain = PlainCollection(
            {
                image.id: Plain(image.label, image.source_digest, image.digest, -1 - row)
                for row, image in enumerate(stored)
            }
        )
        self.known = stored.ids[::STEP]
        self.cached: dict[str, tuple[str, str]] = {}
        self.open_services = ExitStack()
        self.start()
        self.plain.commit(self.revision)

    def teardown(self) -> None:
        self.open_services.close()
        COUNTS["releases"] += len(release_folders(self.releases))
        shutil.rmtree(self.home)

    def start(self) -> None:
        """Start the service and its replica."""
        enter = self.open_services.enter_context
        self.clients: list[Client] = []
        self.browsers: list[httpx.Client] = []
        for writable in (True, False):
            chosen = ServiceSettings(
                home=self.home, writable=writable, poll=POLL, fold_changes=FOLD_CHANGES
            )
            api, _ = enter(served(chosen))
            self.clients.append(enter(Client(str(api.base_url))))
            self.browsers.append(api)
        self.revision = self.clients[0].ready().revision
        self.learn_encoder()

    def learn_encoder(self) -> None:
        """Load the encoder of the current release."""
        self.release = current_release(self.releases)
        self.fingerprint = read_manifest(self.release).encoder.fingerprint
        self.encoder = Encoder(self.release / "encoder.xml")

    @rule(data=st.data(), label=st.sampled_from([*NEW_LABELS, None]), restore=st.booleans())
    def put(self, data: st.DataObject, label: str | None, restore: bool) -> None:
        name, drawing = self.a_name(data), self.a_drawing(data)
        expected, concerned = self.plain.put(name, label, drawing, restore=restore)
        COUNTS[f"PUT: {expected}"] += 1
        if expected in ERRORS:
            with pytest.raises(ERRORS[expected]):
                self.clients[0].add(name, drawing.content, label, restore=restore, new_class=True)
            return
        written = self.clients[0].add(name, drawing.content, label, restore=restore, new_class=True)
        assert written.outcome == expected
        assert written.image is not None
        assert written.image.id in concerned
        self.commit(written.revision)
        near = Search.of(self.plain.images, self.vectors()).neighbors(
            written.image.id, 3, self.plain.live
        )
        assert [(each.id, each.distance) for each in written.neighbors] == near

    @rule(data=st.data(), count=st.integers(2, 8), restore=st.booleans())
    def put_many(self, data: st.DataObject, count: int, restore: bool) -> None:
        items = []
        for _ in range(count):
            drawing = self.a_drawing(data)
            label = data.draw(st.sampled_from([*NEW_LABELS, None]))
            items.append((self.a_name(data), drawing, label))
        outcomes = self.clients[0].add_many(
            [(name, drawing.content, label) for name, drawing, label in items],
            restore=restore,
            new_class=True,
        )
        for (name, drawing, label), outcome in zip(items, outcomes, strict=True):
            expected, concerned = self.plain.put(name, label, drawing, restore=restore)
            assert outcome.outcome == expected
            assert outcome.id in concerned
            COUNTS[f"POST: {expected}"] += 1
        self.commit(self.clients[0].ready().revision)

    @rule(data=st.data(), label=st.sampled_from(NEW_LABELS), match=st.sampled_from([None, 1, 0]))
    def relabel(self, data: st.DataObject, label: str, match: int | None) -> None:
        name = self.a_name(data)
        tag = None if match is None else "0" * 16
        if match and normalize("NFC", name) in self.plain.live:
            (image,) = self.clients[0].images(name).images
            tag = image.etag
        stale = match == 0 or (match == 1 and normalize("NFC", name) not in self.plain.live)
        try:
            expected = self.plain.relabel(name, label, stale=stale)
        except Refused as refused:
            self.refused(str(refused), lambda: self.relabelled(name, label, tag))
            return
        written = self.relabelled(name, label, tag)
        assert written.outcome == expected
        COUNTS[f"PATCH: {expected}"] += 1
        self.commit(written.revision)

    def relabelled(self, name: str, label: str, tag: str | None) -> WrittenImage:
        return self.clients[0].relabel(name, label, new_class=True, if_match=tag)

    @rule(data=st.data(), count=st.integers(1, 3))
    def delete(self, data: st.DataObject, count: int) -> None:
        names = [self.a_name(data) for _ in range(count)]
        try:
            expected = self.plain.delete(names)
        except Refused as refused:
            self.refused(str(refused), lambda: self.clients[0].delete(names))
            return
        revision = self.clients[0].delete(names)
        assert revision is not None
        COUNTS[f"DELETE: {expected}"] += 1
        self.commit(revision)

    @rule(data=st.data(), count=st.integers(1, 3))
    def restore(self, data: st.DataObject, count: int) -> None:
        names = [self.a_name(data) for _ in range(count)]
        try:
            expected = self.plain.restore(names)
        except Refused as refused:
            self.refused(str(refused), lambda: self.clients[0].restore(names))
            return
        restored = self.clients[0].restore(names)
        assert restored.outcome == expected
        COUNTS[f"POST /restore: {expected}"] += 1
        self.commit(restored.revision)

    @rule()
    def fold(self) -> None:
        """Publish the model over the newest revision, as the service does by itself."""
        with self.publishing():
            republish(self.store, self.releases, explain_evenly)
        self.follow()
        COUNTS["fold"] += 1

    @rule(over_newest=st.booleans())
    def swap(self, over_newest: bool) -> None:
        """Publish the other model over the newest revision, or go back to its last release."""
        with self.publishing():
            folders = release_folders(self.releases)
            manifests = [(read_manifest(each), each) for each in folders]
            others = (
                (manifest.data.revision, each)
                for manifest, each in manifests
                if manifest.encoder.fingerprint != self.fingerprint
            )
            atomic_symlink(self.releases / CURRENT, max(others)[1].name)
            if over_newest:
                republish(self.store, self.releases, explain_evenly)
        self.follow()
        COUNTS["swap" if over_newest else "roll back"] += 1

    @rule()
    def restart(self) -> None:
        self.open_services.close()
        self.start()
        COUNTS["restart"] += 1

    @invariant()
    def answers_are_those_of_the_model(self) -> None:
        live, vectors = self.plain.live, self.vectors()
        search = Search.of(self.plain.images, vectors)
        for client in self.clients:
            records = self.records(client)
            assert list(records) == search.ids
            assert {name: each.label for name, each in records.items()} == {
                name: each.label for name, each in live.items()
            }
            self.check_neighbors(client, records, search)
            self.check_features(client, records)
            self.check_errors(client, records)
            found = client.tsne(n=2000, min_revision=self.revision)
            assert sorted(point.id for point in found.points) == search.ids
        self.check_changes()
        self.check_cached_files()

    def check_cached_files(self) -> None:
        """Ask for files as a browser that has them in its cache."""
        for browser in self.browsers:
            for name in (*map(to_nfc, NAMES), *self.known):
                if name not in self.plain.live:
                    continue
                digest = self.plain.images[name].digest
                tag, before = self.cached.get(name, ("", ""))
                answer = browser.get(
                    f"/images/{quote(name)}",
                    params={"min_revision": self.revision},
                    headers={"If-None-Match": tag},
                )
                assert answer.status_code == (304 if digest == before else 200)
                self.cached[name] = answer.headers["etag"], digest

    def check_neighbors(
        self, client: Client, records: dict[str, ImageRecord], search: Search
    ) -> None:
        rng = np.random.default_rng(self.revision)
        changed = [name for name in (*map(to_nfc, NAMES), *self.known) if name in records]
        for name in {*changed, *rng.choice(search.ids, 8, replace=False).tolist()}:
            ready = client.neighbors(name, min_revision=self.revision)
            assert [(each.id, each.distance) for each in ready.neighbors] == (
                search.neighbors(name, 3, records)
            )
            assert all(each.label == records[each.id].label for each in ready.neighbors)
        name, k = str(rng.choice(search.ids)), int(rng.integers(4, 12))
        label = records[name].label
        among = [each.id for each in records.values() if each.label == label]
        if label is None:
            among = list(records)
        found = client.neighbors(name, k=k, label=label, min_revision=self.revision)
        assert [(each.id, each.distance) for each in found.neighbors] == (
            search.neighbors(name, k, among)
        )

    def check_features(self, client: Client, records: dict[str, ImageRecord]) -> None:
        for name in map(to_nfc, NAMES):
            if name not in records:
                continue
            found = client.features(name, min_revision=self.revision)
            expected = self.encoded(self.plain.images[name].digest)
            assert found.embedding == tuple(expected.embeddings[0].tolist())
            assert found.label == records[name].label

    def check_errors(self, client: Client, records: dict[str, ImageRecord]) -> None:
        expected = []
        for name, each in records.items():
            probabilities = self.encoded(self.plain.images[name].digest).probabilities[0]
            if each.split == "validation" and each.label in LABELS:
                number = LABELS.index(each.label)
                if probabilities.argmax() != number:
                    expected.append((float(probabilities[number]), name))
        found = client.errors(limit=100, min_revision=self.revision)
        assert found.total == len(expected)
        assert [(each.true_probability, each.id) for each in found.errors] == sorted(expected)[:100]

    def check_changes(self) -> None:
        rng = np.random.default_rng(self.revision)
        since = int(rng.choice(sorted(self.plain.at)))
        before, after = self.plain.at[since], self.plain.images
        found = self.clients[1].changes(since, min_revision=self.revision)
        listed = {*found.added, *found.changed, *found.deleted}
        assert {name for name in after if before.get(name) != after[name]} <= listed
        assert set(found.deleted) == {name for name in listed if after[name].deleted}

    def records(self, client: Client) -> dict[str, ImageRecord]:
        """Return all records, which may be on several pages."""
        found: dict[str, ImageRecord] = {}
        while True:
            page = client.images(limit=100, offset=len(found), min_revision=self.revision)
            found.update({each.id: each for each in page.images})
            if len(found) >= page.total or not page.images:
                return found

    def refused(self, expected: str, call: Any) -> None:
        with pytest.raises(ERRORS[expected]):
            call()
        COUNTS[expected] += 1

    def commit(self, revision: int) -> None:
        self.revision = max(self.revision, revision)
        self.plain.commit(self.revision)

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Hold the lock of the home; the service may be folding."""
        while True:
            try:
                with home_lock(self.home, "the state machine"):
                    yield
                return
            except Locked:
                time.sleep(POLL)

    def follow(self) -> None:
        """Wait until both services serve the current release, which a fold can replace."""
        self.learn_encoder()
        for client in self.clients:
            while client.ready().release != self.current():
                pass

    def current(self) -> str:
        return read_manifest(current_release(self.releases)).fingerprint

    def a_name(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from([*NAMES, *self.known]))

    def a_drawing(self, data: st.DataObject) -> Drawing:
        known = data.draw(st.booleans())
        return data.draw(st.sampled_from(self.plain.held if known else files()))

    def encoded(self, digest: str) -> Encoded:
        known = (self.fingerprint, digest)
        if known not in ENCODED:
            (ENCODED[known],) = self.encoder.encode_files([stored_files()[digest]])
        return ENCODED[known]

    def vectors(self) -> dict[str, Any]:
        return {
            each.digest: self.encoded(each.digest).embeddings[0]
            for each in self.plain.live.values()
        }


def to_nfc(name: str) -> str:
    return normalize("NFC", name)


def test_answers_are_those_of_the_model() -> None:
    run_machine(LiveService, examples=3, steps=12, number=None)


if __name__ == "__main__":
    run_from_command_line(LiveService, COUNTS)
