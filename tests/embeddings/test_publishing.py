import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embeddings.drafting import LOCK
from embeddings.encoder import Encoded, Encoder
from embeddings.images import read_pixels
from embeddings.parity import ParityError, Reference, check_parity
from embeddings.publishing import publish
from embeddings.release import ReleaseError, current_release, open_release, read_manifest
from embeddings.store import FeatureTable, ImageTable
from training.comparing import compare
from training.export import export
from training.stages import Stage

ROOT = Path(__file__).parents[2]

DRAFTS_FOR_EVER = """
import sys, time
from pathlib import Path

from embeddings.drafting import draft_beside, publisher_alone

releases = Path(sys.argv[1])
with publisher_alone(releases), draft_beside(releases) as draft:
    (draft / "half").touch()
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def candidate(stage: Stage):
    comparison = compare(stage)
    dataset = stage.dataset()
    best = next(t for t in stage.trials(dataset) if t.experiment.name == comparison.best)
    run = stage.run(best, dataset)
    assert run is not None
    return export(run, dataset, comparison, (), None)


def test_the_release_holds_what_its_own_encoder_says(stage: Stage) -> None:
    release = open_release(current_release(stage.settings.releases))
    table = ImageTable.open(stage.settings.store_uri, release.manifest.store.images)
    assert release.photographs == table.photographs
    encoder = Encoder(release.encoder)
    for row in (0, 31, len(release.photographs) - 1):
        pixels = read_pixels(table.jpeg(row), encoder.height, encoder.width)
        again = encoder.encode(pixels[None])
        assert np.allclose(again.embeddings[0], release.embeddings[row], rtol=1e-4, atol=1e-5)
        assert np.allclose(again.probabilities[0], release.probabilities[row], atol=1e-5)


def test_the_store_holds_the_same_features(stage: Stage) -> None:
    release = open_release(current_release(stage.settings.releases))
    kept = FeatureTable(stage.settings.store_uri).read(
        release.manifest.encoder.fingerprint, release.photographs
    )
    stored = Encoded.concatenate(kept[photograph.id] for photograph in release.photographs)
    assert np.array_equal(stored.embeddings, release.embeddings)


def test_errors_are_the_misclassified_validation_photographs_worst_first(stage: Stage) -> None:
    release = open_release(current_release(stage.settings.releases))
    classes = release.manifest.classes
    wrong = {
        photograph.id
        for row, photograph in enumerate(release.photographs)
        if photograph.split == "validation" and classes[release.predicted[row]] != photograph.label
    }
    assert {error.id for error in release.errors} == wrong
    shares = [error.true_probability for error in release.errors]
    assert shares == sorted(shares)


def test_publishing_the_same_again_changes_nothing(stage: Stage, candidate) -> None:
    settings = stage.settings
    before = current_release(settings.releases)
    folders = sorted(path.name for path in settings.releases.iterdir())
    version = FeatureTable(settings.store_uri).version
    publish(candidate, settings.store_uri, settings.releases)
    assert FeatureTable(settings.store_uri).version == version
    assert current_release(settings.releases).parent == before.parent
    assert not [name for name in folders if name.startswith(".publishing")]


def test_an_encoder_that_differs_from_its_network_is_not_published(
    stage: Stage, candidate, tmp_path: Path
) -> None:
    reference = candidate.reference
    spoilt = replace(
        candidate,
        reference=Reference(
            reference.ids,
            Encoded(reference.encoded.embeddings * 1.01, reference.encoded.probabilities),
        ),
    )
    with pytest.raises(ParityError, match="nothing was published"):
        publish(spoilt, stage.settings.store_uri, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_what_a_killed_publisher_left_is_cleared_away(
    stage: Stage, candidate, tmp_path: Path
) -> None:
    releases = tmp_path / "releases"
    command = [sys.executable, "-c", DRAFTS_FOR_EVER, str(releases)]
    with subprocess.Popen(command, cwd=ROOT) as child:
        try:
            while not (left := list(releases.glob(".publishing-*/release/half"))):
                assert child.poll() is None
                time.sleep(0.01)
            with pytest.raises(ReleaseError, match="try again when that is done"):
                publish(candidate, stage.settings.store_uri, releases)
            assert left[0].exists()
        finally:
            child.kill()
    folder = publish(candidate, stage.settings.store_uri, releases)
    assert {path.name for path in releases.iterdir()} == {LOCK, "current", folder.name}


def test_parity_counts_changed_neighbours_but_not_ties() -> None:
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


def test_eight_bits_may_change_embeddings_but_not_cost_quality() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    embeddings = (np.eye(3)[labels] * 3 + rng.normal(size=(300, 3))).astype(np.float32)
    probabilities = np.eye(3, dtype=np.float32)[labels]
    reference = Reference(tuple(map(str, range(300))), Encoded(embeddings, probabilities))

    coarse = Encoded(np.round(embeddings * 8) / 8, probabilities)
    with pytest.raises(ParityError, match="differs"):
        check_parity(reference, coarse, labels.tolist())
    parity = check_parity(reference, coarse, labels.tolist(), "int8")
    assert parity.accuracy_change == 0
    assert abs(parity.precision_at_3_change) < 0.05

    wrong = probabilities.copy()
    wrong[0] = np.roll(wrong[0], 1)
    scattered = rng.permutation(embeddings)
    for worse in (Encoded(embeddings, wrong), Encoded(scattered, probabilities)):
        with pytest.raises(ParityError, match="Publish it in f32"):
            check_parity(reference, worse, labels.tolist(), "int8")


@pytest.fixture
def copy(stage: Stage, tmp_path: Path) -> Path:
    return Path(shutil.copytree(current_release(stage.settings.releases), tmp_path / "copy"))


def test_a_damaged_file_is_noticed(copy: Path) -> None:
    content = bytearray((copy / "encoder.bin").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "encoder.bin").write_bytes(content)
    with pytest.raises(ReleaseError, match=r"encoder\.bin is missing or damaged"):
        open_release(copy)


def test_a_missing_file_is_noticed(copy: Path) -> None:
    (copy / "errors.json").unlink()
    with pytest.raises(ReleaseError, match=r"errors\.json is missing or damaged"):
        open_release(copy)


def test_a_changed_manifest_is_noticed(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["classes"].reverse()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ReleaseError, match="was changed"):
        open_release(copy)


def test_a_damaged_release_of_the_same_name_is_replaced(
    stage: Stage, candidate, tmp_path: Path
) -> None:
    folder = publish(candidate, stage.settings.store_uri, tmp_path)
    again = folder
    (folder / "errors.json").write_text("[]")
    for _ in range(3):  # the map is fitted on several threads and may come out differently
        again = publish(candidate, stage.settings.store_uri, tmp_path)
        if again == folder:
            break
    open_release(again)
    assert current_release(tmp_path) == again.resolve()


def test_generated_scenes_say_so_in_the_fingerprint(stage: Stage) -> None:
    manifest = read_manifest(current_release(stage.settings.releases))
    assert manifest.data.name == "generated scenes"
    assert manifest.fingerprint.startswith("generated scenes ")


def test_no_release_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="belvedere publish"):
        current_release(tmp_path)
