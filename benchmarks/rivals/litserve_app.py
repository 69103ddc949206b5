"""LitServe serving the release's encoder: `python -m benchmarks.rivals.litserve_app PORT RELEASE`.

Its documentation recommends a worker for each core, and the fast queue (ZeroMQ) for many requests.
A second API server and the other queue were not faster on two cores.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import litserve
from fastapi import Depends, Request

from benchmarks.rivals.recognition import Answer, recognition


async def body(request: Request) -> bytes:
    """Return the request body: the image without a form or base64, which would cost more."""
    return await request.body()


class Recognition(litserve.LitAPI):  # type: ignore[misc]
    """Model that each worker runs."""

    def setup(self, device: str) -> None:
        """Load the encoder."""
        self.recognise = recognition(Path(sys.argv[2]))

    def decode_request(self, request: Annotated[bytes, Depends(body)]) -> bytes:
        """Return the image file."""
        return request

    def predict(self, x: bytes) -> Answer:
        """Decode and encode one image."""
        return self.recognise(x)

    def encode_response(self, output: Answer) -> Answer:
        """Return the response, which is sent as JSON."""
        return output


def main() -> None:
    """Serve until stopped."""
    server = litserve.LitServer(
        Recognition(),
        accelerator="cpu",
        workers_per_device=len(os.sched_getaffinity(0)),
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
    )


if __name__ == "__main__":
    main()
