"""`python -m benchmarks.growth.steps STEP FOLDER HOME`: one measured step in its own process.

The result is written to the home as `step.json`.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from types import ModuleType
from typing import Literal

from benchmarks.measurements import Figures
from benchmarks.processes import peak_resident_bytes
from embeddings.release import geometry, publish
from embeddings.store.store import Store

Step = Literal["add", "publish", "republish"]

RESULT = "step.json"

_TAG = "training-growth"


class Spent(Figures):
    """Time of a part."""

    seconds: float
    """Wall-clock time."""
    processor_seconds: float
    """Processor time of all threads."""


class StepResult(Spent):
    """Time of one step without imports, and its memory."""

    megabytes: float
    """Peak resident memory of the process, in 10^6 bytes."""
    parts: Mapping[str, Spent]
    """Times of the parts of publishing."""


@dataclass
class _Clock:
    """Times of parts; those of one part are added."""

    spent: dict[str, Spent] = field(default_factory=dict)

    def watch(self, module: ModuleType, part: str, name: str) -> None:
        """Measure all calls of a function through its name in a module."""
        function = getattr(module, name)

        @wraps(function)
        def timed(*arguments: object, **named: object) -> object:
            with self.measure(part):
                return function(*arguments, **named)

        setattr(module, name, timed)

    @contextmanager
    def measure(self, part: str) -> Iterator[None]:
        """Add the time of the block to a part."""
        start, used = perf_counter(), process_time()
        try:
            yield
        finally:
            known = self.spent.get(part, Spent(seconds=0, processor_seconds=0))
            self.spent[part] = Spent(
                seconds=known.seconds + perf_counter() - start,
                processor_seconds=known.processor_seconds + process_time() - used,
            )

    def result(self) -> StepResult:
        """Return the times, and the memory of this process."""
        parts = dict(self.spent)
        return StepResult(
            **parts.pop("all").model_dump(),
            megabytes=peak_resident_bytes(os.getpid()) / 1e6,
            parts=parts,
        )


def main() -> None:
    """Run the step of the command line and write its result."""
    step, folder, home = sys.argv[1:]
    result = _STEPS[step](Path(folder), Path(home))
    (Path(home) / RESULT).write_text(result.model_dump_json(), encoding="utf-8")


def _add(folder: Path, home: Path) -> StepResult:
    """Run `belvedere add` on the folder."""
    from rich.console import Console

    from training.collection import add_paths
    from training.console import Display
    from training.data.ingest import Policy
    from training.data.inspection import Options
    from training.settings import TrainingSettings

    settings = TrainingSettings(home=home)
    store = Store(settings.store_uri)
    display = Display(Console(stderr=True, quiet=True))
    clock = _Clock()
    with clock.measure("all"):
        add_paths(settings, store, display, [folder], Options(), Policy())
    return clock.result()


def _publish(folder: Path, home: Path) -> StepResult:
    """Publish the model of the benchmark for the first time."""
    from benchmarks.growth.model import make_candidate

    store = Store(str(home / "store"))
    store.tag(_TAG)
    with TemporaryDirectory() as model:
        candidate = make_candidate(store.at(), _TAG, Path(model))
        return _measure(lambda: publish.publish(candidate, store, home / "releases"))


def _republish(folder: Path, home: Path) -> StepResult:
    """Publish the same model over the newest revision."""
    from benchmarks.growth.model import explain

    store = Store(str(home / "store"))
    return _measure(lambda: publish.republish(store, home / "releases", explain))


def _measure(run: Callable[[], object]) -> StepResult:
    """Measure publishing and its parts."""
    clock = _Clock()
    clock.watch(publish, "features", "encode_images")
    clock.watch(geometry, "graph", "build_neighbor_graph")
    clock.watch(geometry, "graph", "update_neighbor_graph")
    clock.watch(geometry, "map", "fit_map")
    with clock.measure("all"):
        run()
    return clock.result()


_STEPS: Mapping[str, Callable[[Path, Path], StepResult]] = {
    "add": _add,
    "publish": _publish,
    "republish": _republish,
}


if __name__ == "__main__":
    main()
