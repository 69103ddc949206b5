"""Trials as tasks, on a stand-in for Ray that runs them here, on nodes with or without the home."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from embeddings.ray_cluster import Cluster
from tests.training.conftest import SMALL_FROZEN
from training.experiments.config import FineTuning
from training.experiments.planner import Trial
from training.ray_trials import RayExecutor
from training.runner import train
from training.workspace import Workspace

DISTILLED = FineTuning(
    "distilled", "A student.", backbone="mine", input=(32, 48), hidden=8, epochs=1,
    teachers=(SMALL_FROZEN,),
)  # fmt: skip


class LocalRay:
    """Functions of `ray` on one node, in this process; the home is hidden from the tasks."""

    exceptions = SimpleNamespace()

    def __init__(self, home: Path, *, shared: bool) -> None:
        self._home, self._shared = home, shared
        self.calls = 0

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 1.0}

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": self.cluster_resources()}]

    def put(self, value: object) -> object:
        return value

    def remote(self, **options: object) -> Callable[[Callable[..., object]], SimpleNamespace]:
        def call(function: Callable[..., object]) -> SimpleNamespace:
            return SimpleNamespace(remote=lambda *given: self._run(function, given))

        return call

    def wait(self, references: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        return references[:1], references[1:]

    def get(self, reference: Callable[[], object]) -> object:
        return reference()

    def _run(self, function: Callable[..., object], given: tuple[object, ...]) -> Any:
        self.calls += 1
        with self._hidden():
            result = function(*given)
        return lambda: result

    @contextmanager
    def _hidden(self) -> Iterator[None]:
        elsewhere = self._home.with_name("hidden")
        if not self._shared:
            self._home.rename(elsewhere)
        yield
        if not self._shared:
            elsewhere.rename(self._home)


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embeddings.cpu._limits", set())


@pytest.mark.parametrize("shared", [True, False])
def test_a_node_needs_no_home_and_gives_the_run_of_this_process(
    workspace: Workspace, tmp_path: Path, shared: bool
) -> None:
    home = tmp_path / "home"
    ignored = shutil.ignore_patterns("runs", "cache", "releases")
    shutil.copytree(workspace.settings.home, home, ignore=ignored)
    weights = workspace.settings.weights
    assert weights is not None
    shutil.copytree(weights, home / "weights")
    settings = workspace.settings.model_copy(update={"home": home, "weights": home / "weights"})
    preset = replace(workspace.preset, experiments=(SMALL_FROZEN, DISTILLED))
    on_ray = Workspace(settings, preset, workspace.display)
    ray = LocalRay(home, shared=shared)

    train(on_ray, nullcontext(RayExecutor(on_ray, Cluster(ray, workspace.display.warn))))

    assert ray.calls == (2 if shared else 3)
    here, there = workspace.run(Trial(SMALL_FROZEN)), on_ray.run(Trial(SMALL_FROZEN))
    assert here is not None
    assert there is not None
    assert here.folder.name == there.folder.name
    seconds = {"train_seconds": None, "reused_seconds": None}
    assert here.report.model_copy(update=seconds) == there.report.model_copy(update=seconds)
    for name in ("tuning", "validation"):
        one, other = (getattr(run.predictions, name).tobytes() for run in (here, there))
        assert one == other
    student = on_ray.report(Trial(DISTILLED))
    assert student is not None
    assert student.status == "done"
    features = {path.name for path in workspace.settings.cache.glob("mine-*")}
    assert {path.name for path in settings.cache.glob("mine-*")} == features
