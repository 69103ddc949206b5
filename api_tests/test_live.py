"""Changes of the store at runtime: each answer shows one release with all changes up to a revision.

The tests change the store as a writer does, beside the service.
"""

import io
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageOps

from api_tests.calls import getting
from api_tests.conftest import served
from api_tests.test_swap import POLL, wait_for, wait_until
from embeddings.live_state import read_changes
from embeddings.release.publish import republish
from embeddings.store.blobs import THUMBNAIL_BYTES
from embeddings.store.records import Blob, Decision, StoredImage
from embeddings.store.store import Store
from service.serving.state import ServiceState
from service.settings import ServiceSettings

REPLACED, RELABELLED, DELETED = "field/field_0000", "lake/lake_0003", "road/road_0000"
ADDED = ("aaa/first", "zzz/last")


@dataclass
class Collection:
    """Store of a home beside a service of it."""

    home: Path
    client: httpx.Client
    state: ServiceState

    @property
    def store(self) -> Store:
        return Store(str(self.home / "store"))

    def known(self, identifier: str) -> StoredImage:
        found = self.store.at().find(identifier)
        assert found is not None
        return found

    def file(self, number: int) -> Blob:
        """Return another file than those of the store: a stored one, mirrored and cut."""
        source = self.store.at().images[number]
        image = Image.open(io.BytesIO(self.store.at().jpeg(source.digest)))
        buffer = io.BytesIO()
        ImageOps.mirror(image).crop((0, 0, 140, 150)).save(buffer, "JPEG", quality=95)
        jpeg = buffer.getvalue()
        return Blob(sha256(jpeg).hexdigest(), jpeg, 140, 150, bytes(THUMBNAIL_BYTES))

    def put(self, identifier: str, number: int, **facts: object) -> int:
        """Add or replace an image and return the revision."""
        file = self.file(number)
        self.store.blobs.append([file] if file.digest not in self.store.blobs.known() else [])
        record = self.store.at().find(identifier) or self.store.at().images[number]
        size = {"width": file.width, "height": file.height}
        digests = {"digest": file.digest, "source_digest": file.digest}
        return self.store.put(
            [record.model_copy(update={"id": identifier, **digests, **size, **facts})]
        )

    def relabel(self, identifier: str, label: str) -> int:
        known = self.known(identifier)
        decision = Decision(identifier, known.label, label, "Ada", "review")
        return self.store.put([known.model_copy(update={"label": label})], [decision])

    def get(self, path: str, revision: int = 0, **params: Any) -> dict[str, Any]:
        answer = self.client.get(path, params={**params, "min_revision": revision})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        assert found["revision"] >= revision
        return found

    def change(self) -> int:
        """Add, replace, relabel and delete images; return the revision."""
        self.put(ADDED[0], 3, label="lake", split="train", group=900)
        self.put(ADDED[1], 40, label="ocean", split="validation", group=901)
        self.put(REPLACED, 90)
        self.relabel(RELABELLED, "city")
        return self.store.delete([DELETED])


@pytest.fixture
def collection(copied_home: Path) -> Iterator[Collection]:
    with served(ServiceSettings(home=copied_home, poll=POLL)) as (client, state):
        yield Collection(copied_home, client, state)


def brute_force(
    features: dict[str, Any], query: str, k: int, label: str | None = None
) -> list[tuple[str, float]]:
    vectors = {each: np.array(features[each]["embedding"]) for each in features}
    found = sorted(
        (float(np.linalg.norm(np.float32(vectors[each]).astype(float) - vectors[query])), each)
        for each in vectors
        if each != query and label in (None, features[each]["label"])
    )
    return [(each, distance) for distance, each in found[:k]]


def neighbors(answer: dict[str, Any]) -> list[tuple[str, object]]:
    return [(each["id"], pytest.approx(each["distance"])) for each in answer["neighbors"]]


def test_every_answer_shows_the_changes(collection):
    before = collection.get("/tsne", n=1000)["points"]
    known = {each["id"]: each for each in collection.get("/images", limit=1000)["images"]}
    total, revision = len(known), collection.change()
    listed = collection.get("/images", revision, limit=1000)
    images = {each["id"]: each for each in listed["images"]}
    assert listed["total"] == len(images) == total + 1
    assert list(images) == sorted(images)
    assert DELETED not in images
    assert [images[each]["learned"] for each in (*ADDED, REPLACED)] == [False] * 3
    assert images[RELABELLED]["label"] == "city"
    assert images[RELABELLED]["learned"] == known[RELABELLED]["learned"]
    assert {each for each in images if images[each] != known.get(each)} == {
        *ADDED,
        REPLACED,
        RELABELLED,
    }
    assert all(images[each]["etag"] != known[each]["etag"] for each in (REPLACED, RELABELLED))
    city = collection.get("/images", revision, label="city", limit=1000)["images"]
    assert RELABELLED in [each["id"] for each in city]
    points = collection.get("/tsne", revision, n=1000)["points"]
    assert [each["id"] for each in points[:3]] == sorted((*ADDED, REPLACED))
    assert {each["id"] for each in points} == set(images)
    places = {each["id"]: (each["x"], each["y"]) for each in before}
    unmoved = [each for each in before if each["id"] not in (REPLACED, DELETED)]
    assert [each["id"] for each in points[3:]] == [each["id"] for each in unmoved]
    assert all(places[each["id"]] == (each["x"], each["y"]) for each in points[3:])
    few = collection.get("/tsne", revision, n=5)["points"]
    assert few == points[:5]
    assert collection.get("/readyz", revision)["photographs"] == len(images)
    missing = [each["id"] for each in images.values() if not each["learned"]]
    train = [each for each in missing if images[each]["split"] == "train"]
    assert collection.get("/experiments", revision)["not_learned"] == len(train)


def test_neighbours_are_those_of_brute_force_after_each_change(collection):
    # The answers about these images are ready before the changes.
    for each in collection.get("/images", limit=1000)["images"]:
        collection.client.get("/neighbors", params={"id": each["id"]})
    revision = collection.change()
    collection.get("/readyz", revision)
    ids = [each["id"] for each in collection.get("/images", limit=1000)["images"]]
    features = {each: collection.get("/features", revision, id=each) for each in ids}
    for identifier in ids:
        expected = brute_force(features, identifier, 3)
        ready = collection.client.get("/neighbors", params={"id": identifier}).json()
        assert neighbors(ready) == expected
        assert ready == collection.get("/neighbors", revision, id=identifier)
        assert ready == collection.get("/neighbors", revision, id=identifier, k=3)
        for each in ready["neighbors"]:
            assert each["label"] == features[each["id"]]["label"]
    query = ids[0]
    near = collection.get("/neighbors", revision, id=query, k=9, label="city")
    assert neighbors(near) == brute_force(features, query, 9, "city")


def test_an_uploaded_image_finds_the_new_ones(collection):
    revision = collection.change()
    jpeg = collection.client.get(f"/images/{ADDED[0]}", params={"min_revision": revision}).content
    answer = collection.client.post("/neighbors", content=jpeg, params={"k": 1}).json()
    assert answer["neighbors"][0]["id"] == ADDED[0]
    assert answer["neighbors"][0]["distance"] == pytest.approx(0, abs=1e-4)
    assert answer["revision"] == revision
    place = collection.client.post("/tsne", content=jpeg).json()["point"]
    points = {each["id"]: each for each in collection.get("/tsne", n=1)["points"]}
    assert place == {name: pytest.approx(points[ADDED[0]][name]) for name in ("x", "y")}
    predicted = collection.client.post("/predict", content=jpeg).json()
    stored = collection.get("/predict", id=ADDED[0])
    assert stored["label"] == predicted["label"]
    assert stored["typicality"] == pytest.approx(predicted["typicality"])
    assert predicted["revision"] == revision


def test_files_are_those_of_the_revision(collection, sentence):
    old = collection.client.get(f"/images/{REPLACED}")
    revision = collection.change()
    params = {"min_revision": revision}
    new = collection.client.get(f"/images/{REPLACED}", params=params)
    assert new.headers["etag"] != old.headers["etag"]
    small = collection.client.get(f"/images/{REPLACED}/thumbnail", params=params)
    assert small.headers["content-type"] == "image/jpeg"
    for path in (f"/images/{DELETED}", f"/images/{DELETED}/thumbnail"):
        assert sentence(collection.client.get(path), 404)
    for path in ("/neighbors", "/predict", "/features", "/images"):
        assert sentence(collection.client.get(path, params={"id": DELETED}), 404)


def test_a_restored_image_is_as_it_was(collection):
    before = collection.get("/neighbors", id=DELETED)
    collection.get("/images", collection.store.delete([DELETED]))
    assert collection.client.get("/neighbors", params={"id": DELETED}).status_code == 404
    revision = collection.store.restore([DELETED])
    after = collection.get("/neighbors", revision, id=DELETED)
    assert after | {"revision": before["revision"]} == before


def test_errors_are_those_that_hold_and_new_ones(collection, sentence):
    before = collection.get("/errors", limit=1000)["errors"]
    right, gone, *_ = [each["id"] for each in before if each["heatmap"]]
    predicted = next(each["predicted"] for each in before if each["id"] == right)
    collection.relabel(right, predicted)
    collection.store.delete([gone])
    revision = collection.put("new/wrong", 40, label="city", split="validation", group=901)
    found = collection.get("/errors", revision, limit=1000)
    ids = [each["id"] for each in found["errors"]]
    assert found["total"] == len(ids)
    kept = {each["id"] for each in before} - {right, gone}
    label = collection.get("/predict", id="new/wrong")["label"]
    assert label != "city"
    assert set(ids) == kept | {"new/wrong"}
    chances = [each["true_probability"] for each in found["errors"]]
    assert chances == sorted(chances)
    new = found["errors"][ids.index("new/wrong")]
    assert new["heatmap"] is None
    assert len(new["nearest"]) == 3
    for each in new["nearest"]:
        assert collection.get("/images", id=each["id"])["images"][0]["learned"]
    answer = collection.client.get("/errors/new/wrong/heatmap")
    assert "publish" in sentence(answer, 404)
    assert sentence(collection.client.get(f"/errors/{gone}/heatmap"), 404)
    assert sentence(collection.client.get(f"/errors/{right}/heatmap"), 404)


def test_label_issues_are_those_that_hold(collection):
    before = collection.get("/labels/issues", limit=1000)["issues"]
    relabelled, deleted, *kept = [each["id"] for each in before]
    suggested = before[0]["suggested"]
    collection.relabel(relabelled, suggested)
    revision = collection.store.delete([deleted])
    found = collection.get("/labels/issues", revision, limit=1000)
    assert [each["id"] for each in found["issues"]] == kept
    assert found["total"] == len(kept)


def test_a_label_that_the_model_does_not_know_is_a_filter(collection, sentence):
    assert sentence(collection.client.get("/images", params={"label": "moon"}), 422)
    revision = collection.put("moon/new", 3, label="moon", split="validation", group=900)
    found = collection.get("/images", revision, label="moon")
    assert [each["id"] for each in found["images"]] == ["moon/new"]
    assert collection.get("/images/random", label="moon")["id"] == "moon/new"
    assert "moon/new" not in [each["id"] for each in collection.get("/errors")["errors"]]


def test_a_deletion_of_everything_leaves_an_empty_collection(collection, sentence):
    revision = collection.store.delete(collection.store.at().images.ids)
    assert collection.get("/images", revision)["total"] == 0
    assert collection.get("/tsne")["points"] == []
    assert collection.get("/errors")["errors"] == []
    assert sentence(collection.client.get("/images/random"), 404)
    assert collection.client.get("/openapi.json").status_code == 200


def test_a_needed_revision_is_read_before_the_next_poll(copied_home):
    settings = ServiceSettings(home=copied_home, poll=60)
    with served(settings) as (client, _):
        store = Store(settings.store_uri)
        known, other = store.at().images.ids[:2]
        needed = getting("/neighbors", id=known, min_revision=store.delete([other]))
        # On a busy machine, reading takes longer than a request waits.
        answers = (needed(client).status_code for _ in range(10))
        assert 200 in answers


def test_a_revision_that_does_not_exist_is_a_problem_after_a_wait(collection, sentence, a_jpeg):
    newest = collection.get("/readyz")["revision"]
    known = collection.store.at().images[0].id
    answer = collection.client.get("/neighbors", params={"id": known, "min_revision": newest + 1})
    assert str(newest) in sentence(answer, 503)
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["type"] == "urn:problem-type:belvedere:revision-not-reached"
    for path in ("/neighbors", "/predict", "/tsne"):
        params = {"min_revision": newest + 1}
        assert sentence(collection.client.post(path, content=a_jpeg, params=params), 503)
        params = {"min_revision": newest}
        assert collection.client.post(path, content=a_jpeg, params=params).status_code == 200
        assert sentence(
            collection.client.post(path, content=a_jpeg, params={"min_revision": "x"}), 400
        )
        assert sentence(
            collection.client.post(path, content=a_jpeg, params={"min_revision": -1}), 422
        )


def test_a_waiting_request_is_answered_when_the_revision_arrives(collection):
    newest = collection.get("/readyz")["revision"]
    answers: list[httpx.Response] = []

    def wait() -> None:
        params = {"min_revision": newest + 1}
        answers.append(collection.client.get("/images", params=params))

    waiting = threading.Thread(target=wait)
    waiting.start()
    revision = collection.relabel(RELABELLED, "city")
    waiting.join()
    assert answers[0].json()["revision"] == revision == newest + 1


def test_a_commit_of_this_process_is_visible_when_it_was_applied(copied_home):
    # Without polling, the revision arrives through the call alone.
    with served(ServiceSettings(home=copied_home, poll=3600)) as (client, state):
        collection = Collection(copied_home, client, state)
        started = state.current_release()
        encode, since = started.model.encoder.encode_files, started.revision
        fingerprint = started.manifest.encoder.fingerprint
        revision = collection.put(ADDED[0], 3, label="lake")
        state.apply(read_changes(collection.store, fingerprint, since, encode))
        found = client.get("/neighbors", params={"id": ADDED[0]}).json()
        assert found["revision"] == revision
        late = read_changes(collection.store, fingerprint, since, encode)
        collection.relabel(RELABELLED, "city")
        # Another process wrote this revision, and the next commit is applied without it.
        last = collection.store.delete([DELETED])
        state.apply(read_changes(collection.store, fingerprint, last - 1, encode))
        assert collection.get("/images", id=RELABELLED)["images"][0]["label"] == "city"
        state.apply(late)
        assert client.get("/images").json()["revision"] == last


def test_replicas_answer_alike(collection):
    settings = ServiceSettings(home=collection.home, poll=POLL)
    with served(settings) as (client, state):
        other = Collection(collection.home, client, state)
        revision = collection.change()
        with served(settings) as (late_client, late_state):
            late = Collection(collection.home, late_client, late_state)
            calls: list[tuple[str, dict[str, Any]]] = [
                ("/images", {"limit": 1000}),
                ("/tsne", {"n": 1000}),
                ("/errors", {}),
                ("/labels/issues", {}),
                ("/predict", {"id": REPLACED}),
                *(("/neighbors", {"id": each}) for each in (*ADDED, REPLACED, RELABELLED)),
            ]
            for path, params in calls:
                first = collection.get(path, revision, **params)
                assert first == other.get(path, revision, **params)
                assert first == late.get(path, revision, **params)


def test_no_write_is_lost_when_the_same_model_is_published_again(collection):
    failed: list[httpx.Response] = []
    seen: list[tuple[str, int]] = []
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            revision = collection.put(f"new/{number}", number % 50, split="pool", group=1000)
            answer = collection.client.get(
                "/images", params={"id": f"new/{number}", "min_revision": revision}
            )
            if answer.status_code == 200:
                seen.append((answer.json()["release"], answer.json()["revision"]))
            else:
                failed.append(answer)

    first = collection.get("/readyz")["release"]
    writing = threading.Thread(target=write)
    writing.start()
    try:
        wait_until(lambda: len(seen) > 3)
        republish(
            collection.store,
            collection.home / "releases",
            lambda ids, _: np.ones((len(ids), 2, 3), np.float32),
        )
        wait_until(lambda: failed or seen[-1][0] != first)
        count = len(seen)
        wait_until(lambda: failed or len(seen) > count + 3)
    finally:
        done.set()
        writing.join()
    assert not failed
    revisions = [revision for _, revision in seen]
    assert revisions == sorted(revisions)


def test_an_unreadable_store_is_named_and_the_last_state_served(collection):
    revision = collection.change()
    collection.get("/readyz", revision)
    aside = collection.home / "aside"
    shutil.move(collection.home / "store", aside)
    wait_until(lambda: collection.get("/readyz")["refused"])
    assert collection.get("/neighbors", id=ADDED[0])["revision"] == revision
    shutil.move(aside, collection.home / "store")
    wait_for(collection.client, refused=None)
    collection.get("/images", collection.relabel(ADDED[0], "city"), id=ADDED[0])


def test_changes_are_listed_by_kind_and_paged(collection):
    since = collection.get("/readyz")["revision"]
    assert collection.get("/changes", since=since)["added"] == []
    revision = collection.change()
    found = collection.get("/changes", revision, since=since)
    assert found["added"] == sorted(ADDED)
    assert found["changed"] == sorted((REPLACED, RELABELLED))
    assert found["deleted"] == [DELETED]
    assert found["total"] == {"added": 2, "changed": 2, "deleted": 1}
    page = collection.get("/changes", revision, since=since, limit=1, offset=1)
    assert page["added"] == [ADDED[1]]
    assert page["deleted"] == []
    assert page["total"] == found["total"]
    assert collection.get("/changes", since=revision + 5)["total"]["added"] == 0


def test_the_history_of_an_image_names_decisions_and_times(collection, sentence):
    collection.relabel(RELABELLED, "city")
    collection.relabel(RELABELLED, "ocean")
    revision = collection.store.delete([RELABELLED])
    found = collection.get("/history", revision, id=RELABELLED)
    assert [(each["before"], each["after"]) for each in found["decisions"]] == [
        ("lake", "city"),
        ("city", "ocean"),
    ]
    assert {(each["by"], each["why"], each["undoes"]) for each in found["decisions"]} == {
        ("Ada", "review", None)
    }
    assert len({each["key"] for each in found["decisions"]}) == 2
    times = [found["added"], *(each["time"] for each in found["decisions"]), found["deleted"]]
    assert times == sorted(times)
    assert found["changed"] >= found["deleted"]
    assert sentence(collection.client.get("/history", params={"id": "it's none"}), 404)


def test_the_record_of_one_image_has_an_entity_tag(collection):
    answer = collection.client.get("/images", params={"id": RELABELLED})
    tag = answer.json()["images"][0]["etag"]
    assert answer.headers["etag"] == f'"{tag}"'
    assert "etag" not in collection.client.get("/images").headers
    revision = collection.relabel(RELABELLED, "city")
    assert collection.get("/images", revision, id=RELABELLED)["images"][0]["etag"] != tag
    revision = collection.relabel(RELABELLED, "lake")
    assert collection.get("/images", revision, id=RELABELLED)["images"][0]["etag"] == tag


def test_metrics_name_the_state(collection):
    def figures() -> dict[str, float]:
        lines = collection.client.get("/metrics").text.splitlines()
        return {
            name: float(value)
            for name, value in (line.rsplit(" ", 1) for line in lines if line.startswith("belv"))
            if "{" not in name
        }

    before = figures()
    assert before["belvedere_changed_images"] == 0
    revision = collection.change()
    collection.get("/readyz", revision)
    found = figures()
    assert found["belvedere_revision"] == revision
    assert found["belvedere_photographs"] == before["belvedere_photographs"] + 1
    assert found["belvedere_changed_images"] == 6
    assert found["belvedere_poll_age_seconds"] < 60
