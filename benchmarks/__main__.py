"""Take all measurements on the data set of the settings and write `docs/benchmarks.md`."""

import os
import shutil
import subprocess
import sys

from benchmarks.measurements import home_of_settings, keep
from benchmarks.stages import time_stages

PARTS = ("serving", "maps", "http", "precision", "million", "browser", "page")
"""Modules of this package that also run alone, on the release of BELVEDERE_HOME."""


def main() -> None:
    """Train the quick preset, then run every part on its release.

    Everything lies in `<home>/bench` and stays there. With that folder as BELVEDERE_HOME each
    part can be run again alone, the page last: `python -m benchmarks.http`.
    """
    home = home_of_settings() / "bench"
    shutil.rmtree(home, ignore_errors=True)
    keep(time_stages(home, "quick"), home)
    for part in PARTS:
        # A process each: one part's memory and threads are not to disturb the next.
        subprocess.run(
            [sys.executable, "-m", f"benchmarks.{part}"],
            env=os.environ | {"BELVEDERE_HOME": str(home)},
            check=True,
        )


if __name__ == "__main__":
    main()
