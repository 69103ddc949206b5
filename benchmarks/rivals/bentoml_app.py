"""BentoML serving the release's encoder: `bentoml serve benchmarks.rivals.bentoml_app:Recognition`.

The release is the folder that the variable BENCH_RELEASE names. A process for each core, as
its documentation advises for Python code, was slower on two cores than one process with threads:
decoding and inference let other threads run.
"""

import os
from pathlib import Path

import bentoml

from benchmarks.rivals.recognition import Answer, recognition


@bentoml.service(workers=1, threads=4, logging={"access": {"enabled": False}})
class Recognition:
    """One process that decodes and encodes on several threads."""

    def __init__(self) -> None:
        self._recognise = recognition(Path(os.environ["BENCH_RELEASE"]))

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, photograph: Path, /) -> Answer:
        """Which class the image shows; BentoML hands it over as a file."""
        return self._recognise(photograph.read_bytes())
