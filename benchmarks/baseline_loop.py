"""Baseline loop: decoding and inference in one process, without HTTP."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from time import perf_counter

import numpy as np

from embeddings.cpu import usable_processors
from embeddings.encoder import Encoder
from embeddings.images import read_pixels


@dataclass(frozen=True)
class BaselineLoop:
    """Encoder, and the JPEG files that it encodes in turn."""

    encoder: Encoder
    images: Sequence[bytes]

    def milliseconds(self, seconds: float) -> float:
        """Return the median milliseconds of one image on one thread; runs for `seconds`."""
        return median(self._times(perf_counter() + seconds)) * 1e3

    def per_second(self, seconds: float) -> float:
        """Return the images per second with a thread for each core; runs for `seconds`."""
        threads = usable_processors()
        start = perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            times = list(pool.map(self._times, [start + seconds] * threads))
        return sum(len(each) for each in times) / (perf_counter() - start)

    def _times(self, end: float) -> list[float]:
        times = []
        for image in cycle(self.images):
            start = perf_counter()
            if start > end:
                break
            self._recognise(image)
            times.append(perf_counter() - start)
        return times

    def _recognise(self, image: bytes) -> None:
        pixels = read_pixels(image, self.encoder.height, self.encoder.width)
        self.encoder.encode(pixels[np.newaxis])
