"""Time from images to a release; each command runs in its own process."""

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.measurements import Figures, Measurement

STAGES = ("data", "train", "publish")


class StageTime(Figures):
    """Command, and its wall-clock time in seconds."""

    command: str
    seconds: float


class PipelineMeasurement(Measurement):
    """Times of all commands for a preset."""

    preset: str
    stages: tuple[StageTime, ...]

    @property
    def seconds(self) -> float:
        """Total time."""
        return sum(each.seconds for each in self.stages)


def time_pipeline(home: Path, preset: str) -> PipelineMeasurement:
    """Run the commands of `belvedere` in turn, in their own home, and return their times."""
    settings = {"BELVEDERE_HOME": str(home), "BELVEDERE_PRESET": preset}
    times = []
    for command in STAGES:
        start = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "belvedere", command], env=os.environ | settings, check=True
        )
        times.append(StageTime(command=command, seconds=perf_counter() - start))
    return PipelineMeasurement(preset=preset, stages=tuple(times))
