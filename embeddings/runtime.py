"""The runtime that networks are served with: OpenVINO on the processor."""

import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import openvino as ov

from embeddings.images import Pixels
from embeddings.processors import usable_processors

Floats = npt.NDArray[np.float32]
Outputs = tuple[Floats, ...]
Precision = Literal["f32", "bf16", "f16"]

BATCH = 16
"""Photographs that are computed together where there are many."""


class CompiledNetwork:
    """A compiled network that takes uint8 pixels of shape (n, height, width, 3).

    `infer` may be called from many threads at once.
    """

    def __init__(self, model: Path, precision: Precision = "f32") -> None:
        processors = usable_processors()
        settings = {
            # Left to itself the runtime computes in bf16 where the processor can.
            "INFERENCE_PRECISION_HINT": precision,
            # One photograph on one thread, several at once: no thread waits for another.
            "NUM_STREAMS": processors,
            "INFERENCE_NUM_THREADS": processors,
        }
        self._compiled = ov.Core().compile_model(model, "CPU", settings)
        self._local = threading.local()
        shape = self._compiled.input(0).partial_shape
        self.size: tuple[int, int] = (shape[1].get_length(), shape[2].get_length())
        """Height and width of the input in pixels."""

    def infer(self, pixels: Pixels) -> Outputs:
        """Compute every output for a uint8 batch of shape (n, height, width, 3)."""
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._compiled.create_infer_request()
        request.infer([pixels])
        return _outputs(request)

    def infer_all(self, photographs: Iterable[Pixels]) -> Iterator[Outputs]:
        """Compute single photographs, each of shape (height, width, 3), using every core.

        Yields the outputs of one batch after the other, in order.
        """
        queue = ov.AsyncInferQueue(self._compiled)
        finished: dict[int, Outputs] = {}
        queue.set_callback(lambda request, number: finished.update({number: _outputs(request)}))
        source = iter(photographs)
        started = yielded = 0
        while batch := list(islice(source, BATCH)):
            queue.start_async([np.stack(batch)], started)
            started += 1
            while yielded in finished:
                yield finished.pop(yielded)
                yielded += 1
        queue.wait_all()
        yield from (finished.pop(number) for number in range(yielded, started))


def _outputs(request: ov.InferRequest) -> Outputs:
    # The runtime reuses its tensors for the next photograph, so they are copied out.
    return tuple(np.array(tensor.data, dtype=np.float32) for tensor in request.output_tensors)
