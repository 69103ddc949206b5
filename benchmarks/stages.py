"""How long the way from photographs to a release takes, each stage in a process of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

STAGES = ("data", "train", "publish")


@dataclass(frozen=True)
class StageTime:
    """One command and its wall-clock time."""

    command: str
    seconds: float


def time_stages(home: Path, preset: str) -> list[StageTime]:
    """Run `belvedere` commands one after the other in a home of their own."""
    settings = {"BELVEDERE_HOME": str(home), "BELVEDERE_PRESET": preset}
    times = []
    for command in STAGES:
        start = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "belvedere", command], env=os.environ | settings, check=True
        )
        times.append(StageTime(command, perf_counter() - start))
    return times
