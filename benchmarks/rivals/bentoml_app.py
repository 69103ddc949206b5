"""BentoML serving the release's encoder: `bentoml serve benchmarks.rivals.bentoml_app:Recognition`.

The variable BENCH_RELEASE is the folder of the release. A process for each core, as recommended by
its documentation for Python code, was slower on two cores than one process with threads, because
decoding and inference release the GIL.
"""

import os
from pathlib import Path

import bentoml

from benchmarks.rivals.recognition import Answer, recognition


@bentoml.service(workers=1, threads=4, logging={"access": {"enabled": False}})
class Recognition:
    """Service with one process that decodes and encodes on several threads."""

    def __init__(self) -> None:
        self._recognise = recognition(Path(os.environ["BENCH_RELEASE"]))

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, image: Path, /) -> Answer:
        """Return the class of an image, which BentoML passes as a file."""
        return self._recognise(image.read_bytes())
