"""Peak memory of this process, for tests that run code in a process of its own."""

import re
from pathlib import Path


def peak_bytes() -> int:
    """Return the most resident memory that this process has had, in bytes.

    Read from the kernel's own count: `getrusage` also counts the parent's memory at the time of the
    fork.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (kibibytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return 1024 * int(kibibytes)
