"""`python -m service.healthcheck`: exit with 0 if the service of this machine is ready.

Containers run it every few seconds, so it imports only the standard library.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

_SECONDS = 5.0
_READY = 200


def is_ready(port: int) -> bool:
    """Return True if the service on this port of the local machine is ready."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == _READY
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_ready(int(os.environ.get("BELVEDERE_PORT", "8000"))) else 1)
