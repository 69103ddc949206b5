"""Memory of this process, for tests that run code in a separate process."""

import re
from pathlib import Path


def peak_bytes() -> int:
    """Return the peak resident memory of this process in bytes.

    The value is the kernel's `VmHWM`: `getrusage` also counts the memory of the parent at the time
    of the fork.
    """
    return _bytes("VmHWM")


def anonymous_bytes() -> int:
    """Return the resident memory of this process without pages of files, in bytes."""
    return _bytes("RssAnon")


def _bytes(name: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (kibibytes,) = re.findall(rf"{name}:\s+(\d+) kB", status)
    return 1024 * int(kibibytes)
