import io
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from PIL import Image

from embeddings.arrays import Floats
from embeddings.digests import file_digest
from embeddings.encoded import Encoded
from embeddings.encoder import Encoder, encoder_fingerprint
from embeddings.images import read_pixels
from embeddings.release.parity import ParityError, Reference, check_parity
from embeddings.release.publish import Candidate, publish, republish
from embeddings.release.reader import (
    NewerReleaseError,
    ReleaseError,
    current_release,
    open_release,
    read_manifest,
)
from embeddings.store.blobs import THUMBNAIL_BYTES
from embeddings.store.records import Blob
from embeddings.store.store import Store
from tests import tiny_release

T = TypeVar("T")


@pytest.fixture(scope="module")
def published(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `home` for this module, to be published into."""
    folder = tmp_path_factory.mktemp("published") / "home"
    return Path(shutil.copytree(home, folder, symlinks=True))


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    return tiny_release.candidate(tiny_release.draw(), tmp_path_factory.mktemp("candidate"))


def scale(probabilities: Floats, temperature: float) -> Floats:
    """Divide the logits behind probabilities of shape (n, classes) by a temperature."""
    powers = np.exp(np.log(probabilities) / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def test_the_release_contains_the_outputs_of_its_encoder(published: Path) -> None:
    release = open_release(current_release(published / "releases"))
    snapshot = Store(str(published / "store")).at(release.manifest.data.revision)
    assert release.images.fingerprint == snapshot.images.fingerprint
    encoder = Encoder(release.encoder)
    for row in (0, 31, len(release.images) - 1):
        jpeg = snapshot.jpeg(release.images[row].digest)
        pixels = read_pixels(jpeg, encoder.height, encoder.width)
        again = encoder.encode(pixels[None])
        assert np.allclose(again.embeddings[0], release.embeddings[row], rtol=1e-4, atol=1e-5)
        assert np.allclose(again.probabilities[0], release.probabilities[row], atol=1e-5)


def test_the_store_contains_the_same_features(published: Path) -> None:
    release = open_release(current_release(published / "releases"))
    features = Store(str(published / "store")).features(release.manifest.encoder.fingerprint)
    found, stored = features.read(release.images.digests)
    assert found.all()
    assert np.array_equal(stored.embeddings, release.embeddings)


def test_errors_are_the_misclassified_validation_images_worst_first(published: Path) -> None:
    release = open_release(current_release(published / "releases"))
    classes = release.manifest.classes
    wrong = {
        image.id
        for row, image in enumerate(release.images)
        if image.split == "validation" and classes[release.predicted[row]] != image.label
    }
    assert {error.id for error in release.errors} == wrong
    shares = [error.true_probability for error in release.errors]
    assert shares == sorted(shares)


def test_publishing_the_same_again_changes_nothing(published: Path, candidate: Candidate) -> None:
    before = current_release(published / "releases")
    folders = sorted(path.name for path in (published / "releases").iterdir())
    store = Store(str(published / "store"))
    revision = store.at().revision
    publish(candidate, store, published / "releases")
    assert store.at().revision == revision
    assert current_release(published / "releases").parent == before.parent
    assert not [name for name in folders if name.startswith(".")]


def test_an_encoder_that_differs_from_its_model_is_not_published(
    published: Path, candidate: Candidate, tmp_path: Path
) -> None:
    reference = candidate.reference
    spoilt = replace(
        candidate,
        reference=Reference(
            reference.ids,
            Encoded(reference.encoded.embeddings * 1.01, reference.encoded.probabilities),
        ),
    )
    with pytest.raises(ParityError, match="release not published"):
        publish(spoilt, Store(str(published / "store")), tmp_path)
    assert not list(tmp_path.iterdir())


def test_parity_counts_changed_neighbours_except_ties() -> None:
    spread = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    ids = tuple(str(number) for number in range(30))
    probabilities = np.ones((30, 1), np.float32)
    tied = np.repeat(spread[:6], 5, axis=0)
    for embeddings in (spread, tied):
        nudged = embeddings * (1 + np.float32(5e-6) * np.sin(np.arange(30))[:, None]).astype("f4")
        parity = check_parity(
            Reference(ids, Encoded(embeddings, probabilities)),
            Encoded(nudged, probabilities),
            [0] * 30,
        )
        assert parity.same_neighbors == 1.0
        assert 0 < parity.largest_relative_error < 1e-4


def test_probabilities_must_agree_with_the_model() -> None:
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(300, 4)).astype(np.float32)
    labels = (np.arange(300) % 3).tolist()
    probabilities = rng.dirichlet(np.ones(3), 300).astype(np.float32)
    reference = Reference(tuple(map(str, range(300))), Encoded(embeddings, probabilities))
    rounded = Encoded(embeddings, probabilities + np.float32(1e-5))
    assert 0 < check_parity(reference, rounded, labels).largest_probability_change < 1e-4
    other_temperature = Encoded(embeddings, scale(probabilities, 1.3))
    damaged = Encoded(embeddings, probabilities * np.float32(np.nan))
    for spoilt in (other_temperature, damaged):
        with pytest.raises(ParityError, match="An exported probability differs"):
            check_parity(reference, spoilt, labels)
    parity = check_parity(
        reference, Encoded(embeddings, scale(probabilities, 1.05)), labels, "int8"
    )
    assert 0 < parity.mean_probability_change < 0.05
    with pytest.raises(ParityError, match="int8 quantization changes probabilities"):
        check_parity(reference, Encoded(embeddings, scale(probabilities, 2.0)), labels, "int8")


def test_int8_may_change_embeddings_within_the_limits_of_quality() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    embeddings = (np.eye(3)[labels] * 3 + rng.normal(size=(300, 3))).astype(np.float32)
    probabilities = np.eye(3, dtype=np.float32)[labels]
    reference = Reference(tuple(map(str, range(300))), Encoded(embeddings, probabilities))

    coarse = Encoded(np.round(embeddings * 8) / np.float32(8), probabilities)
    with pytest.raises(ParityError, match="differs"):
        check_parity(reference, coarse, labels.tolist())
    parity = check_parity(reference, coarse, labels.tolist(), "int8")
    assert parity.accuracy_change == 0
    assert abs(parity.precision_at_3_change) < 0.05

    wrong = probabilities.copy()
    wrong[0] = np.roll(wrong[0], 1)
    scattered = rng.permutation(embeddings)
    for worse in (Encoded(embeddings, wrong), Encoded(scattered, probabilities)):
        with pytest.raises(ParityError, match="Use `--precision f32`"):
            check_parity(reference, worse, labels.tolist(), "int8")


@pytest.fixture
def copy(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(current_release(published / "releases"), tmp_path / "copy"))


def test_a_damaged_file_is_detected(copy: Path) -> None:
    content = bytearray((copy / "encoder.bin").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "encoder.bin").write_bytes(content)
    with pytest.raises(ReleaseError, match=r"encoder\.bin is missing or damaged"):
        open_release(copy)


def test_a_missing_file_is_detected(copy: Path) -> None:
    (copy / "errors.json").unlink()
    with pytest.raises(ReleaseError, match=r"errors\.json is missing or damaged"):
        open_release(copy)


def test_a_changed_manifest_is_detected(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    manifest["classes"].reverse()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ReleaseError, match="was changed"):
        open_release(copy)


def test_a_damaged_release_of_the_same_name_is_replaced(
    published: Path, candidate: Candidate, tmp_path: Path
) -> None:
    folder = publish(candidate, Store(str(published / "store")), tmp_path)
    again = folder
    (folder / "errors.json").write_text("[]")
    for _ in range(3):  # fitting the map on several threads is not deterministic
        again = publish(candidate, Store(str(published / "store")), tmp_path)
        if again == folder:
            break
    open_release(again)
    assert current_release(tmp_path) == again.resolve()


def test_the_fingerprint_shows_generated_scenes(published: Path) -> None:
    manifest = read_manifest(current_release(published / "releases"))
    assert manifest.data.name == "generated scenes"
    assert manifest.fingerprint.startswith("generated scenes ")


def test_a_missing_release_is_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="belvedere publish"):
        current_release(tmp_path)


@pytest.fixture
def copied(published: Path, tmp_path: Path) -> Path:
    """Return a copy of the releases with links followed, as by `cp -rL`."""
    folder = tmp_path / "releases"
    return Path(shutil.copytree(published / "releases", folder, symlinks=False))


def test_a_copy_with_followed_links_can_be_served_and_published_into(
    published: Path, candidate: Candidate, copied: Path
) -> None:
    assert not (copied / "current").is_symlink()
    before = open_release(current_release(copied)).manifest
    shutil.rmtree(copied / before.folder)
    folder = publish(candidate, Store(str(published / "store")), copied, map_seed=7)
    assert (copied / "current").is_symlink()
    assert current_release(copied) == folder.resolve()
    assert open_release(folder).manifest.map_seed == 7
    assert open_release(copied / before.folder).manifest == before


def test_a_broken_pointer_is_an_error_and_is_replaced(
    published: Path, candidate: Candidate, tmp_path: Path
) -> None:
    pointer = tmp_path / "current"
    pointer.symlink_to("gone")
    with pytest.raises(ReleaseError, match=r"gone, which is missing; run `belvedere publish`"):
        current_release(tmp_path)
    publish(candidate, Store(str(published / "store")), tmp_path)
    pointer.unlink()
    pointer.write_text("a link as some programs unpack it")
    with pytest.raises(ReleaseError, match=r"is a file .* run `belvedere publish` again"):
        current_release(tmp_path)
    folder = publish(candidate, Store(str(published / "store")), tmp_path)
    assert current_release(tmp_path) == folder.resolve()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (-1, "older version of Belvedere; run `belvedere publish` again"),
        (+1, "newer version of Belvedere .* update Belvedere"),
    ],
)
def test_a_release_of_another_format_is_an_error_with_advice(
    copy: Path, change: int, sentence: str
) -> None:
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    manifest |= {"format": manifest["format"] + change, "unknown": 1}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ReleaseError, match=sentence):
        open_release(copy)


def test_a_release_of_a_newer_version_is_not_replaced(
    published: Path, candidate: Candidate, copied: Path
) -> None:
    manifest = json.loads((copied / "current" / "manifest.json").read_text("utf-8"))
    (copied / "current" / "manifest.json").write_text(
        json.dumps(manifest | {"format": manifest["format"] + 1})
    )
    with pytest.raises(NewerReleaseError):
        publish(candidate, Store(str(published / "store")), copied)


@pytest.mark.parametrize(
    "name", ["comparison.json", "images.arrow", "trust.json", "features.arrow"]
)
@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1}', b"\xff\xfe"])
def test_unreadable_contents_are_an_error_with_advice(
    copy: Path, name: str, content: bytes
) -> None:
    (copy / name).write_bytes(content)
    manifest = read_manifest(copy)
    files = manifest.files | {name: file_digest(copy / name)}
    sealed = manifest.model_copy(update={"files": files}).sealed()
    (copy / "manifest.json").write_text(sealed.model_dump_json(), encoding="utf-8")
    with pytest.raises(ReleaseError, match="run `belvedere publish` again"):
        open_release(copy)


@pytest.fixture
def grown(published: Path, tmp_path: Path) -> Path:
    """A copy of `published` with one image deleted and three more images."""
    home = Path(shutil.copytree(published, tmp_path / "home", symlinks=True))
    store = Store(str(home / "store"))
    for number in range(3):
        draw = np.random.default_rng(number).integers(0, 255, (60, 90, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(draw).save(buffer, "JPEG")
        jpeg = buffer.getvalue()
        digest = sha256(jpeg).hexdigest()
        store.blobs.append([Blob(digest, jpeg, 90, 60, bytes(THUMBNAIL_BYTES))])
        image = (
            store.at()
            .images[0]
            .model_copy(update={"id": f"new/{number}", "split": "train", "digest": digest})
        )
        store.put([image])
    store.delete([store.at().images.ids[0]])
    return home


def test_publishing_again_reuses_the_geometry_with_the_same_result(
    grown: Path, candidate: Candidate, tmp_path: Path
) -> None:
    store = Store(str(grown / "store"))
    before = open_release(current_release(grown / "releases"))
    folder = republish(store, grown / "releases", candidate.explain)
    again, anew = open_release(folder), open_release(publish(candidate, store, tmp_path))
    assert again.images.ids == anew.images.ids != before.images.ids
    for name in ("rows", "distances"):
        assert np.array_equal(getattr(again.graph, name), getattr(anew.graph, name))
    assert np.array_equal(again.training_distances, anew.training_distances)
    assert np.array_equal(again.typicalities, anew.typicalities)
    kept = [row for row, name in enumerate(again.images.ids) if name in before.rows]
    old = before.points[[before.rows[again.images.ids[row]] for row in kept]]
    moved = np.linalg.norm(again.points[kept] - old, axis=1) / np.ptp(before.points, axis=0).max()
    assert moved.mean() < 0.02


def test_an_interruption_keeps_all_features_that_were_computed(
    published: Path, candidate: Candidate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embeddings.release.encoding.CHECKPOINT", 10)
    store = Store(str(shutil.copytree(published / "store", tmp_path / "store")))
    features = store.features(encoder_fingerprint(candidate.model))
    shutil.rmtree(features.path)

    def interrupted(steps: Iterable[T], description: str, total: int) -> Iterator[T]:
        yield from islice(steps, 25)
        raise KeyboardInterrupt

    counts = []

    def counted(steps: Iterable[T], description: str, total: int) -> Iterable[T]:
        counts.append(total)
        return steps

    with pytest.raises(KeyboardInterrupt):
        publish(candidate, store, tmp_path / "releases", track=interrupted)
    assert len(features.known()) == 25
    publish(candidate, store, tmp_path / "releases", track=counted)
    assert counts == [len(store.at().images) - 25]


def test_relabelled_and_deleted_images_have_no_likely_label_error(
    grown: Path, candidate: Candidate
) -> None:
    store = Store(str(grown / "store"))
    before = open_release(current_release(grown / "releases"))
    relabelled, deleted, *kept = before.label_issues
    image = before.record(before.rows[relabelled.id])
    store.put([image.model_copy(update={"label": relabelled.suggested})])
    store.delete([deleted.id])
    after = open_release(republish(store, grown / "releases", candidate.explain))
    assert after.label_issues == tuple(each for each in kept if each.id in after.rows)
    assert after.comparison == before.comparison
    assert before.label_loop is not None
    assert after.label_loop == before.label_loop
    assert before.robustness is not None
    assert after.robustness == before.robustness


def test_deleted_images_are_in_no_stage_of_neighbours(grown: Path, candidate: Candidate) -> None:
    store = Store(str(grown / "store"))
    before = open_release(current_release(grown / "releases")).neighbor_stages
    assert before is not None
    query, other = before.queries[:2]
    neighbor = other.stages[0].neighbors[0]
    store.delete([query.id, neighbor.id])
    after = open_release(republish(store, grown / "releases", candidate.explain)).neighbor_stages
    assert after is not None
    assert [each.id for each in after.queries] == [each.id for each in before.queries[1:]]
    assert neighbor not in after.queries[0].stages[0].neighbors
    assert query.id not in after.model_dump_json()
    assert neighbor.id not in after.model_dump_json()
