"""Number of processors available to this process, with the CPU quota of its container."""

import os
from math import ceil
from pathlib import Path

_CONTROL_GROUP = Path("/sys/fs/cgroup")

_limits: set[int] = set()


def usable_processors(control_group: Path = _CONTROL_GROUP) -> int:
    """Return the number of processors of this process.

    It is limited by the quota of its container and by `limit_processors`.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = _quota(control_group)
    if quota is not None:
        count = max(1, min(count, ceil(quota)))
    return min(count, *_limits) if _limits else count


def limit_processors(count: int) -> None:
    """Limit the processors of this process, for one of several processes of a machine."""
    _limits.add(count)


def _quota(control_group: Path) -> float | None:
    """Return the CPU quota of Linux control groups, version 2 or 1; None if there is none."""
    for parts in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            text = " ".join((control_group / part).read_text() for part in parts)
            allowed, period = (int(word) for word in text.split())
        except (OSError, ValueError):  # no such file; or "max", that is, unlimited
            continue
        if allowed > 0:
            return allowed / period
    return None
