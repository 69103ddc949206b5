"""Stages of neighbours against distances that are computed image by image."""

from hashlib import sha256

import numpy as np
import numpy.typing as npt

from embeddings.release.reader import current_release, open_release
from training.evaluation.comparison import compare
from training.evaluation.latency import layer_outputs
from training.evaluation.neighbor_stages import compare_neighbors
from training.experiments.planner import Trial
from training.workspace import Workspace


def test_the_release_has_the_neighbours_of_the_best_network_of_each_kind(
    workspace: Workspace,
) -> None:
    comparison, dataset = compare(workspace), workspace.dataset()
    stages = compare_neighbors(workspace, comparison)
    release = open_release(current_release(workspace.settings.releases_folder))
    assert release.neighbor_stages == stages
    own = max(comparison.experiments[:2], key=lambda report: report.tuning_accuracy or 0.0)
    expected = [("pixels", None), ("own network", own.name)]
    expected.append(("frozen pretrained network", "small-frozen"))
    experiments = {each.name: each for each in workspace.preset.experiments}
    run = workspace.run(Trial(experiments[own.name]))  # type: ignore[arg-type]
    assert run is not None
    assert own.input is not None
    vectors: dict[str, npt.NDArray[np.floating]] = {
        "pixels": dataset.pixels((32, 48)).reshape(len(dataset.labels), -1).astype(np.float64),
        "own network": layer_outputs(run.inference_model, dataset.pixels(own.input)).embedding,
    }
    ids, train = dataset.images.ids, np.flatnonzero(dataset.images.splits == "train")
    for query in stages.queries:
        assert [(each.title, each.experiment) for each in query.stages] == expected
        row = ids.index(query.id)
        for stage in query.stages[:2]:
            distances = np.linalg.norm(
                vectors[stage.title][train] - vectors[stage.title][row], axis=1
            )
            nearest = train[np.argsort(distances)[:3]]
            assert {each.id for each in stage.neighbors} == {ids[each] for each in nearest}
            for each in stage.neighbors:
                assert each.label == dataset.classes[dataset.labels[ids.index(each.id)]]
                assert each.right == (each.label == query.label)


def test_the_queries_are_chosen_by_the_digests_of_their_ids(workspace: Workspace) -> None:
    images = workspace.dataset().images
    stages = compare_neighbors(workspace, compare(workspace))
    aside = [each for each in images if each.split == "validation"]
    expected = [
        min(
            (each.id for each in aside if each.label == label),
            key=lambda identifier: sha256(identifier.encode()).hexdigest(),
        )
        for label in workspace.dataset().classes
    ]
    assert [query.id for query in stages.queries] == expected
