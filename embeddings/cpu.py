"""How many processors this process may use: fewer than the machine has, in a container."""

import os
from math import ceil
from pathlib import Path

_CONTROL_GROUP = Path("/sys/fs/cgroup")


def usable_processors(control_group: Path = _CONTROL_GROUP) -> int:
    """Processors that this process may run on, at most the quota of its container."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = _quota(control_group)
    return count if quota is None else max(1, min(count, ceil(quota)))


def _quota(control_group: Path) -> float | None:
    """Processors that Linux' control groups, version 2 or 1, allow; None where they do not say."""
    for parts in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            text = " ".join((control_group / part).read_text() for part in parts)
            allowed, period = (int(word) for word in text.split())
        except (OSError, ValueError):  # no such file; or "max", which is no limit
            continue
        if allowed > 0:
            return allowed / period
    return None
