"""The runtime that networks are served with: OpenVINO on the processor."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import openvino as ov

from embeddings.arrays import Floats, Pixels
from embeddings.cpu import usable_processors

Outputs = tuple[Floats, ...]
Precision = Literal["f32", "bf16", "f16", "int8"]
"""What a network computes in; `int8` stands for one that was quantized when it was exported."""

_AHEAD = 4
"""Photographs for each core that are begun before the first of them is asked for."""


class CompiledNetwork:
    """A compiled network that takes the uint8 pixels of one photograph at a time.

    On processors, batches gain nothing: their intermediate results leave the caches. `infer` may be
    called from many threads at once: a lone photograph is computed on every core, several at a time
    on one each, so that no thread waits for another.
    """

    def __init__(self, model: Path, precision: Precision = "f32") -> None:
        self._model = model
        self._precision = precision
        self._cores = usable_processors()
        self._streams = self._compile(self._cores)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._running = 0
        _, height, width, _ = self._streams.input(0).partial_shape
        self.size: tuple[int, int] = (height.get_length(), width.get_length())
        """Height and width of the input in pixels."""

    def infer(self, pixels: Pixels) -> Outputs:
        """Compute every output, of shape (1, ...), for pixels of shape (1, height, width, 3)."""
        with self._lock:
            self._running += 1
            alone = self._running == 1
        try:
            return self._infer(pixels, alone)
        finally:
            with self._lock:
                self._running -= 1

    def infer_all(self, images: Iterable[Pixels]) -> Iterator[Outputs]:
        """Compute single photographs, each of shape (height, width, 3), using every core.

        Yields the outputs of one after the other, each of shape (1, ...), in order.
        """
        # Not with OpenVINO's own queue: it calls back into Python from the threads that a network
        # waits for when it is let go, and both can then wait for each other.
        with ThreadPoolExecutor(self._cores) as pool:
            pending: deque[Future[Outputs]] = deque()
            for pixels in images:
                pending.append(pool.submit(self._infer, pixels[np.newaxis], alone=False))
                if len(pending) > _AHEAD * self._cores:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()

    def _infer(self, pixels: Pixels, alone: bool) -> Outputs:
        request = self._request(alone)
        request.infer([pixels])
        return _outputs(request)

    def _request(self, alone: bool) -> ov.InferRequest:
        """The calling thread's request, on the network for lone photographs or for several."""
        name = "alone" if alone else "among others"
        request = getattr(self._local, name, None)
        if request is None:
            request = (self._whole if alone else self._streams).create_infer_request()
            setattr(self._local, name, request)
        return request

    @cached_property
    def _whole(self) -> ov.CompiledModel:
        # Its memory is taken when somebody first asks for one photograph.
        return self._streams if self._cores == 1 else self._compile(1)

    def _compile(self, streams: int) -> ov.CompiledModel:
        settings = {
            # Left to itself the runtime computes in bf16 where the processor can.
            "INFERENCE_PRECISION_HINT": "f32" if self._precision == "int8" else self._precision,
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": self._cores,
        }
        core = ov.Core()
        network = core.read_model(self._model)
        _, height, width, channels = network.input(0).partial_shape
        # Known shapes let the runtime plan memory and choose kernels when it compiles.
        network.reshape([1, height, width, channels])
        return core.compile_model(network, "CPU", settings)


def _outputs(request: ov.InferRequest) -> Outputs:
    # The runtime reuses its tensors for the next photograph, so they are copied out.
    return tuple(np.array(tensor.data, dtype=np.float32) for tensor in request.output_tensors)
