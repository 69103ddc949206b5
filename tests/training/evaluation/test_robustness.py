import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from belvedere.cli import main
from embeddings.images import open_rgb, scale_pixels
from embeddings.release.reader import ROBUSTNESS, current_release, open_release
from embeddings.release.robustness import Robustness
from training.errors import DataError
from training.evaluation.corruptions import CORRUPTIONS, corrupt
from training.evaluation.robustness import measure_robustness, stored_robustness
from training.export import publish_best
from training.models.heads import EMBEDDING
from training.workspace import Workspace


@pytest.fixture(scope="module")
def measured(own: Workspace) -> Robustness:
    assert stored_robustness(own) is None
    return measure_robustness(own)


def files_of(own: Workspace) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in own.settings.runs.glob(f"*/{ROBUSTNESS}")}


def test_the_best_experiment_of_each_family_is_measured(
    own: Workspace, measured: Robustness
) -> None:
    reports = [own.report(trial) for trial in own.trials() if trial.repeat == 0]
    best: dict[str, float] = {}
    for report in reports:
        assert report is not None
        tuning = report.tuning_accuracy or 0.0
        best[report.family] = max(best.get(report.family, 0.0), tuning)
    by_name = {report.name: report for report in reports if report is not None}
    assert {model.family for model in measured.models} == set(best)
    for model in measured.models:
        report = by_name[model.experiment]
        assert report.tuning_accuracy == best[model.family]
        assert model.accuracy == pytest.approx(report.accuracy)
        assert model.precision_at_3 == pytest.approx(report.precision_at_3, abs=0.01)


def test_every_corruption_has_all_strengths(own: Workspace, measured: Robustness) -> None:
    validation = len(own.dataset().indices.validation)
    assert measured.validation == validation
    for model in measured.models:
        assert [each.corruption for each in model.corruptions] == [e.name for e in CORRUPTIONS]
        for each, corruption in zip(model.corruptions, CORRUPTIONS, strict=True):
            assert tuple(step.value for step in each.steps) == corruption.values
            assert [step.strength for step in each.steps] == [1, 2, 3, 4, 5]
            for step in each.steps:
                correct = step.accuracy * validation
                assert correct == pytest.approx(round(correct))
                assert 0 <= step.precision_at_3 <= 1


def test_the_figures_are_those_of_the_trained_network(own: Workspace, measured: Robustness) -> None:
    import keras

    (model,) = (each for each in measured.models if each.family == "own network")
    (trial,) = (each for each in own.trials() if each.experiment.name == model.experiment)
    run, dataset, name = own.run(trial), own.dataset(), "noise"
    assert run is not None
    network = keras.saving.load_model(run.network)
    outputs = keras.Model(network.input, [network.get_layer(EMBEDDING).output, network.output])
    size = network.input_shape[1:3]
    corruption = next(each for each in CORRUPTIONS if each.name == name)
    rows = dataset.indices.validation.tolist()
    ids = [dataset.images.ids[row] for row in rows]
    jpegs = dataset.snapshot.jpegs([dataset.images.digests[row] for row in rows])
    corrupted = np.stack(
        [
            scale_pixels(corrupt(open_rgb(jpeg), corruption, 5, own.settings.seed, id), *size)
            for jpeg, id in zip(jpegs, ids, strict=True)
        ]
    )
    train = np.concatenate([dataset.indices.fit, dataset.indices.tuning])
    queries, probabilities = outputs.predict(corrupted, verbose=0)
    known, _ = outputs.predict(dataset.pixels(size)[train], verbose=0)
    distances = np.linalg.norm(queries[:, None] - known[None], axis=-1)
    nearest = dataset.labels[train][np.argsort(distances, axis=1)[:, :3]]
    labels = dataset.labels[rows]
    (steps,) = (each.steps for each in model.corruptions if each.corruption == name)
    one = 1.01 / len(rows)
    assert steps[-1].accuracy == pytest.approx(
        float((probabilities.argmax(axis=1) == labels).mean()), abs=one
    )
    expected = float((nearest == labels[:, None]).mean())
    assert expected != pytest.approx(model.precision_at_3, abs=one)
    assert steps[-1].precision_at_3 == pytest.approx(expected, abs=one / 3)


def test_nothing_is_measured_twice(own: Workspace, measured: Robustness) -> None:
    before = files_of(own)
    assert len(before) == len(measured.models)
    assert measure_robustness(own) == measured
    assert stored_robustness(own) == measured
    assert files_of(own) == before


def test_an_interrupted_measurement_continues(own: Workspace, measured: Robustness) -> None:
    path, *others = sorted(files_of(own))
    content = json.loads(path.read_text())
    stored = content["report"]["corruptions"]
    # A figure that no measurement gives shows that the stored corruptions are kept.
    stored[0]["steps"][0]["accuracy"] = 2.0
    del stored[4:]
    path.write_text(json.dumps(content))
    unchanged = {other: files_of(own)[other] for other in others}
    assert stored_robustness(own) is None
    again = measure_robustness(own)
    assert {other: files_of(own)[other] for other in others} == unchanged
    assert 2.0 in [model.corruptions[0].steps[0].accuracy for model in again.models]
    for model, expected in zip(again.models, measured.models, strict=True):
        assert model.corruptions[1:] == expected.corruptions[1:]
    path.unlink()
    assert measure_robustness(own) == measured


def test_a_report_of_another_seed_or_a_damaged_one_is_not_used(
    own: Workspace, measured: Robustness
) -> None:
    path = min(files_of(own))
    kept = path.read_bytes()
    path.write_text("{")
    assert stored_robustness(own) is None
    path.write_text(json.dumps(json.loads(kept) | {"key": "other"}))
    assert stored_robustness(own) is None
    path.write_bytes(kept)
    assert stored_robustness(own) == measured


def test_the_release_carries_the_report(own: Workspace, measured: Robustness) -> None:
    bare = current_release(own.settings.releases_folder)
    assert open_release(bare).robustness is None
    folder = publish_best(own)
    assert folder != bare
    assert ROBUSTNESS in open_release(folder).manifest.files
    assert open_release(folder).robustness == measured


def test_without_a_finished_experiment_nothing_is_measured(own: Workspace) -> None:
    other = own.with_preset(replace(own.preset, experiments=own.preset.experiments[:1], epochs=9))
    with pytest.raises(DataError, match="belvedere train"):
        measure_robustness(other)


def test_without_images_the_command_gives_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["robustness", "--home", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert message.startswith("belvedere: ")
    assert message.count("\n") == 1
