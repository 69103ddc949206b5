"""Take all measurements on the data set of the settings and write `docs/benchmarks.md`."""

import os
import shutil
import subprocess
import sys

from benchmarks.measurements import bench_home, save
from benchmarks.pipeline import time_pipeline

PARTS = (
    "serving", "maps", "http", "precision", "ann", "browser", "writes", "live", "actions", "page",
)  # fmt: skip
"""Modules that measure one part each, and can run alone on the release of BELVEDERE_HOME."""


def main() -> None:
    """Train the quick preset, then run every part on its release.

    All files are kept in `<home>/bench`. With that folder as BELVEDERE_HOME, a part can be repeated
    alone (`python -m benchmarks.http`), and the page written again (`python -m benchmarks.page`).
    """
    home = bench_home() / "bench"
    shutil.rmtree(home, ignore_errors=True)
    save(time_pipeline(home, "quick"), home)
    for part in PARTS:
        # Separate processes: the memory and threads of one part must not affect the next.
        subprocess.run(
            [sys.executable, "-m", f"benchmarks.{part}"],
            env=os.environ | {"BELVEDERE_HOME": str(home)},
            check=True,
        )


if __name__ == "__main__":
    main()
