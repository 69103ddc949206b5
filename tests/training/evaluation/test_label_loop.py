import json
from dataclasses import replace
from pathlib import Path

import pytest

from belvedere.cli import main
from embeddings.release.label_loop import LabelLoop
from embeddings.release.reader import LABEL_LOOP, current_release, open_release
from training.errors import DataError
from training.evaluation.label_loop import measure_label_loop, stored_label_loop
from training.evaluation.simulated_review import Simulation
from training.export import publish_best
from training.republishing import publish_again
from training.workspace import Workspace

SIMULATION = Simulation(0.2, 1, 3)


@pytest.fixture(scope="module")
def measured(own: Workspace) -> LabelLoop:
    return measure_label_loop(own, SIMULATION)


def test_the_head_of_the_frozen_experiment_is_trained(own: Workspace, measured: LabelLoop) -> None:
    indices = own.dataset().indices
    assert measured.experiment == "small-frozen"
    assert measured.train == len(indices.fit) + len(indices.tuning)
    assert measured.validation == len(indices.validation)
    for review in measured.reviews:
        assert review.wrong == round(0.2 * measured.train)
        for step in review.steps:
            assert 0 <= step.found_by_queue <= min(step.checked, review.wrong)


def test_a_report_is_measured_once(own: Workspace, measured: LabelLoop) -> None:
    files = {path: path.stat().st_mtime_ns for path in own.settings.runs.rglob("*.json")}
    assert measure_label_loop(own, SIMULATION) == measured
    assert stored_label_loop(own) == measured
    assert {path: path.stat().st_mtime_ns for path in own.settings.runs.rglob("*.json")} == files


def test_the_release_carries_the_report(own: Workspace, measured: LabelLoop) -> None:
    bare = current_release(own.settings.releases_folder)
    assert open_release(bare).label_loop is None
    folder = publish_best(own)
    assert folder != bare
    assert open_release(folder).label_loop == measured
    (image,) = open_release(folder).images.ids[:1]
    own.store.delete([image])
    again = publish_again(own)
    own.store.restore([image])
    assert again != folder
    assert open_release(again).label_loop == measured


def test_without_a_frozen_experiment_nothing_is_measured(own: Workspace) -> None:
    scratch = tuple(each for each in own.preset.experiments if each.name != "small-frozen")
    other = own.with_preset(replace(own.preset, experiments=scratch))
    with pytest.raises(DataError, match="belvedere train"):
        measure_label_loop(other, SIMULATION)
    assert stored_label_loop(other) is None


def test_a_damaged_report_is_measured_again(own: Workspace, measured: LabelLoop) -> None:
    (path,) = own.settings.runs.glob(f"*/{LABEL_LOOP}")
    path.write_text(json.dumps({"key": "other"}))
    assert stored_label_loop(own) is None
    assert measure_label_loop(own, SIMULATION) == measured


def test_the_share_of_wrong_labels_is_limited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label-loop", "--wrong", "0.9", "--home", str(tmp_path)]) == 2
    assert "0.5" in capsys.readouterr().err
