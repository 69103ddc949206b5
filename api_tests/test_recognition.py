"""The way of an uploaded image below the routes."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from api_tests.conftest import served
from embeddings.recognition import Recognition, recognise
from service.serving.responses import prediction
from service.settings import ServiceSettings

RECOGNITION = {
    "embeddings.recognition",
    "embeddings.images",
    "embeddings.image_limits",
    "embeddings.sixteen_bit_png",
    "embeddings.encoded",
    "embeddings.encoder",
    "embeddings.runtime",
    "embeddings.index",
    "embeddings.index.distances",
    "embeddings.index.faiss_threads",
    "embeddings.index.flat",
}


def entered(call: Callable[[], object]) -> set[str]:
    """Return the modules of the project whose functions a call enters."""
    found = set()

    def record(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            found.add(frame.f_globals.get("__name__", ""))

    sys.setprofile(record)
    try:
        call()
    finally:
        sys.setprofile(None)
    return {name for name in found if name.split(".")[0] in ("embeddings", "service")}


def test_an_upload_is_recognised_by_embeddings_and_then_only_formatted(home, a_jpeg):
    results: list[Recognition] = []
    with served(ServiceSettings(home=home)) as (_, state):
        release = state.served
        assert release is not None
        model = release.model
        durations: dict[str, float] = {}
        way = entered(
            lambda: results.append(recognise(model, a_jpeg, durations.__setitem__)),
        )
        assert way <= RECOGNITION
        assert durations.keys() == {"decode", "inference"}
        formatted = entered(lambda: prediction(release, results[0]))
        shown = {"service.serving.responses", "service.serving.served_release"}
        assert shown <= formatted <= {*shown, "embeddings.live_state"}


def test_the_recognition_of_a_stored_image_comes_from_the_release(home, a_jpeg):
    with served(ServiceSettings(home=home)) as (_, state):
        release = state.served
        assert release is not None
        found = recognise(release.model, release.jpeg(0), lambda *_: None)
        stored = release.recognition(0)
        assert found.prediction_set == stored.prediction_set
        assert found.probabilities == pytest.approx(stored.probabilities, abs=1e-5)
        assert stored.typicality == release.release.typicalities[0]
