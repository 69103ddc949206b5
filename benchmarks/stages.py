"""How long the way from photographs to a release takes, each stage in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.measurements import Figures, Measurement

STAGES = ("data", "train", "publish")


class StageTime(Figures):
    """One command and its wall-clock time."""

    command: str
    seconds: float


class StageMeasurement(Measurement):
    """All stages of a preset, one after the other."""

    preset: str
    stages: tuple[StageTime, ...]

    @property
    def seconds(self) -> float:
        """All of them together."""
        return sum(each.seconds for each in self.stages)


def time_stages(home: Path, preset: str) -> StageMeasurement:
    """Run `belvedere` commands one after the other in a home of their own."""
    settings = {"BELVEDERE_HOME": str(home), "BELVEDERE_PRESET": preset}
    times = []
    for command in STAGES:
        start = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "belvedere", command], env=os.environ | settings, check=True
        )
        times.append(StageTime(command=command, seconds=perf_counter() - start))
    return StageMeasurement(preset=preset, stages=tuple(times))
