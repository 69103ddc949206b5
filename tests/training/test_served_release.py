"""A network trained on images, published and served: the whole way, over HTTP."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from api_tests.conftest import served
from embeddings.release.reader import current_release, open_release
from service.api.openapi import OF_SCENES
from service.settings import ServiceSettings
from training.evaluation.comparison import compare
from training.workspace import Workspace


@pytest.fixture(scope="module")
def api(workspace: Workspace) -> Iterator[httpx.Client]:
    with served(ServiceSettings(home=workspace.settings.home)) as (client, _):
        yield client


def test_the_service_recognises_as_many_images_as_the_comparison_says(
    workspace: Workspace, api: httpx.Client
) -> None:
    comparison = compare(workspace)
    best = next(each for each in comparison.experiments if each.name == comparison.best)
    page = api.get("/images", params={"split": "validation", "limit": 10_000}).json()
    right = []
    for record in page["images"]:
        image = api.get(f"/images/{record['id']}").content
        right.append(api.post("/predict", content=image).json()["label"] == record["label"])
    assert len(right) == comparison.validation
    assert np.mean(right) == pytest.approx(best.accuracy)
    assert api.get("/readyz").json()["network"] == comparison.best


def test_errors_have_heat_maps_of_the_network(api: httpx.Client) -> None:
    errors = api.get("/errors", params={"limit": 10_000}).json()["errors"]
    assert errors
    maps = {api.get(error["heatmap"]).content for error in errors}
    assert len(maps) == len(errors)


def test_examples_without_a_release_are_of_generated_scenes(workspace: Workspace) -> None:
    release = open_release(current_release(workspace.settings.releases_folder))
    assert OF_SCENES.id in release.rows
    assert OF_SCENES.experiment in {each.name for each in release.comparison.experiments}
