"""`python -m benchmarks.growth`: time and memory of growing collections.

The result is saved in BELVEDERE_HOME after each size, and written to `docs/benchmarks.md` at the
end. The images are generated in a folder there, which is deleted at the end, as are the stores.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.environment import describe_machine
from benchmarks.growth.page import CHART, plot_growth, section
from benchmarks.growth.results import GrowthMeasurement, SizeResult
from benchmarks.growth.scenes import add_images
from benchmarks.growth.steps import RESULT, Step, StepResult
from benchmarks.markdown import with_section
from benchmarks.measurements import bench_home, save
from embeddings.release.reader import current_release, read_manifest

PAGE = Path("docs/benchmarks.md")
SIZES = (4_000, 16_000, 64_000, 256_000)

_ADDED_SHARE = 100
"""One image in this number is added to each collection."""


def main() -> None:
    """Measure the sizes of the command line, and write the section of the page and its chart."""
    parser = argparse.ArgumentParser(prog="benchmarks.growth")
    parser.add_argument(
        "--images", type=int, nargs="+", default=SIZES, help="sizes of the collections"
    )
    measured = measure(bench_home(), parser.parse_args().images)
    page = with_section(PAGE.read_text(encoding="utf-8"), section(measured))
    PAGE.write_text(page, encoding="utf-8")
    plot_growth(measured, PAGE.with_name(CHART))


def measure(home: Path, sizes: Sequence[int]) -> GrowthMeasurement:
    """Measure collections of these sizes, and save the results in a home."""
    place = home / "growth"
    shutil.rmtree(place, ignore_errors=True)
    results: list[SizeResult] = []
    load: list[float] = []
    try:
        for images in sorted(sizes):
            load.append(os.getloadavg()[0])
            results.append(_measure_size(place, images))
            measured = GrowthMeasurement(
                machine=describe_machine(), load=tuple(load), sizes=tuple(results)
            )
            save(measured, home)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return measured


def _measure_size(place: Path, images: int) -> SizeResult:
    folder, home = place / "images", place / f"home-{images}"
    added = max(1, images // _ADDED_SHARE)
    try:
        _grow(folder, images)
        ingest = _run("add", folder, home)
        publish = _run("publish", folder, home)
        _grow(folder, images + added)
        add = _run("add", folder, home)
        republish = _run("republish", folder, home)
        unchanged = _run("add", folder, home)
        manifest = read_manifest(current_release(home / "releases"))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return SizeResult(
        images=images,
        ingest=ingest,
        publish=publish,
        added=added,
        add=add,
        republish=republish,
        unchanged=unchanged,
        recall=manifest.neighbors.recall,
    )


def _grow(folder: Path, images: int) -> None:
    """Add images to the folder until it has this number."""
    add_images(folder, sum(1 for _ in folder.glob("*/*.jpg")), images)


def _run(step: Step, folder: Path, home: Path) -> StepResult:
    """Run a step in a process of its own, so that its memory is not that of another."""
    command = [sys.executable, "-m", "benchmarks.growth.steps", step, str(folder), str(home)]
    home.mkdir(exist_ok=True)
    subprocess.run(command, check=True)
    return StepResult.model_validate_json((home / RESULT).read_bytes())


if __name__ == "__main__":
    main()
