"""Inference runtime: OpenVINO on the CPU."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import openvino as ov

from embeddings.arrays import Floats, Pixels
from embeddings.cpu import usable_processors

T = TypeVar("T")
Outputs = tuple[Floats, ...]
Precision = Literal["f32", "bf16", "f16", "int8"]
"""Inference precision; `int8` is for a model that was quantized at export."""

_AHEAD = 4
"""Images per core submitted ahead of the result consumed next."""


class CompiledModel:
    """Compiled OpenVINO model for the uint8 pixels of one image at a time.

    On CPUs, batches are no faster, because their intermediate results exceed the caches. `infer` is
    thread-safe: a single request uses all cores, concurrent requests use one core each, so that no
    thread waits for another. Without `cores`, all cores of the process are used.
    """

    def __init__(self, model: Path, precision: Precision = "f32", cores: int | None = None) -> None:
        self._model = model
        self._precision = precision
        processors = usable_processors()
        self._cores = cores or processors
        # Processes with a part of the cores would all be pinned to the same ones.
        self._pinned = self._cores == processors
        # Two threads that read the first tensors of a process at once deadlock in OpenVINO, which
        # holds the lock of a static variable while it waits for the interpreter.
        np.asarray(ov.Tensor(np.zeros(1, np.float32)).data)
        self._streams = self._compile(self._cores)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._running = 0
        _, height, width, _ = self._streams.input(0).partial_shape
        self.size: tuple[int, int] = (height.get_length(), width.get_length())
        """Height and width of the input in pixels."""

    def infer(self, pixels: Pixels) -> Outputs:
        """Return the outputs, each of shape (1, ...), for pixels of shape (1, height, width, 3)."""
        with self._lock:
            self._running += 1
            alone = self._running == 1
        try:
            return self._infer(pixels, alone)
        finally:
            with self._lock:
                self._running -= 1

    def infer_beside_others(self, pixels: Pixels) -> Outputs:
        """Return the outputs for pixels of shape (1, height, width, 3), using one core."""
        return self._infer(pixels, alone=False)

    def infer_all(self, images: Iterable[Pixels]) -> Iterator[Outputs]:
        """Yield the outputs of single images, each of shape (height, width, 3), using all cores.

        The outputs have shape (1, ...) and the order of the images.
        """
        return self.decode_and_infer(images, lambda pixels: pixels)

    def decode_and_infer(
        self, files: Iterable[T], decode: Callable[[T], Pixels]
    ) -> Iterator[Outputs]:
        """Yield the outputs of files, each decoded to pixels of shape (height, width, 3).

        Both steps use all cores. Only a bounded number of files is read ahead.
        """
        # OpenVINO's asynchronous queue can deadlock: it calls Python from threads that the
        # destructor of a compiled model waits for.
        with ThreadPoolExecutor(self._cores) as pool:
            pending: deque[Future[Outputs]] = deque()
            for file in files:
                pending.append(pool.submit(self._decode_and_infer, file, decode))
                if len(pending) > _AHEAD * self._cores:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()

    def _decode_and_infer(self, file: T, decode: Callable[[T], Pixels]) -> Outputs:
        return self._infer(decode(file)[np.newaxis], alone=False)

    def _infer(self, pixels: Pixels, alone: bool) -> Outputs:
        request = self._request(alone)
        request.infer([pixels])
        return _outputs(request)

    def _request(self, alone: bool) -> ov.InferRequest:
        """Return the request of the calling thread, for a single or a concurrent inference."""
        name = "alone" if alone else "among others"
        request = getattr(self._local, name, None)
        if request is None:
            request = (self._whole if alone else self._streams).create_infer_request()
            setattr(self._local, name, request)
        return request

    @cached_property
    def _whole(self) -> ov.CompiledModel:
        # Compiled on first use, to save memory until then.
        return self._streams if self._cores == 1 else self._compile(1)

    def _compile(self, streams: int) -> ov.CompiledModel:
        settings = {
            # By default, the runtime computes in bf16 if the CPU supports it.
            "INFERENCE_PRECISION_HINT": "f32" if self._precision == "int8" else self._precision,
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": self._cores,
            "ENABLE_CPU_PINNING": self._pinned,
        }
        core = ov.Core()
        network = core.read_model(self._model)
        _, height, width, channels = network.input(0).partial_shape
        # Static shapes let the runtime plan memory and select kernels at compilation.
        network.reshape([1, height, width, channels])
        return core.compile_model(network, "CPU", settings)


def _outputs(request: ov.InferRequest) -> Outputs:
    # The runtime reuses its tensors for the next image, so they are copied.
    return tuple(np.array(tensor.data, dtype=np.float32) for tensor in request.output_tensors)
