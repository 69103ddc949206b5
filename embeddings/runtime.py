"""The runtime that networks are served with: OpenVINO on the processor."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import openvino as ov

from embeddings.images import Pixels
from embeddings.processors import usable_processors

Floats = npt.NDArray[np.float32]
Outputs = tuple[Floats, ...]
Precision = Literal["f32", "bf16", "f16", "int8"]
"""What a network computes in; `int8` stands for one that was quantized when it was exported."""


class CompiledNetwork:
    """A compiled network that takes the uint8 pixels of one photograph at a time.

    On processors, batches gain nothing: their intermediate results leave the caches. `infer` may be
    called from many threads at once.
    """

    def __init__(self, model: Path, precision: Precision = "f32") -> None:
        processors = usable_processors()
        settings = {
            # Left to itself the runtime computes in bf16 where the processor can.
            "INFERENCE_PRECISION_HINT": "f32" if precision == "int8" else precision,
            # One photograph on one thread, several at once: no thread waits for another.
            "NUM_STREAMS": processors,
            "INFERENCE_NUM_THREADS": processors,
        }
        core = ov.Core()
        network = core.read_model(model)
        _, height, width, channels = network.input(0).partial_shape
        # Known shapes let the runtime plan memory and choose kernels when it compiles.
        network.reshape([1, height, width, channels])
        self._compiled = core.compile_model(network, "CPU", settings)
        self._local = threading.local()
        self.size: tuple[int, int] = (height.get_length(), width.get_length())
        """Height and width of the input in pixels."""

    def infer(self, pixels: Pixels) -> Outputs:
        """Compute every output, of shape (1, ...), for pixels of shape (1, height, width, 3)."""
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._compiled.create_infer_request()
        request.infer([pixels])
        return _outputs(request)

    def infer_all(self, photographs: Iterable[Pixels]) -> Iterator[Outputs]:
        """Compute single photographs, each of shape (height, width, 3), using every core.

        Yields the outputs of one after the other, each of shape (1, ...), in order.
        """
        queue = ov.AsyncInferQueue(self._compiled)
        finished: dict[int, Outputs] = {}
        queue.set_callback(lambda request, number: finished.update({number: _outputs(request)}))
        started = yielded = 0
        for pixels in photographs:
            queue.start_async([pixels[np.newaxis]], started)
            started += 1
            while yielded in finished:
                yield finished.pop(yielded)
                yielded += 1
        queue.wait_all()
        yield from (finished.pop(number) for number in range(yielded, started))


def _outputs(request: ov.InferRequest) -> Outputs:
    # The runtime reuses its tensors for the next photograph, so they are copied out.
    return tuple(np.array(tensor.data, dtype=np.float32) for tensor in request.output_tensors)
