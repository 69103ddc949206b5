"""Allocator and garbage collector: return large freed blocks, exclude long-lived objects.

The functions of glibc's allocator are absent from other C libraries; nothing is set there.
"""

import ctypes
import gc

import pyarrow as pa

# Parameters of `mallopt`.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_ARENA_MAX = -8

_MEBIBYTE = 1024 * 1024
_ARENAS = 2
_FREE_MEBIBYTES = 8


def tune_malloc() -> None:
    """Return the memory of large images to the system, whichever thread freed it.

    Each arena keeps up to 8 MiB of free memory: without it, decoding an image of usual size takes
    a few hundred page faults.
    """
    # Another allocator of Arrow keeps the memory that a thread freed.
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _FREE_MEBIBYTES * _MEBIBYTE)
        mallopt(_MMAP_THRESHOLD, _MEBIBYTE)
        mallopt(_ARENA_MAX, _ARENAS)


def freeze_gc() -> None:
    """Return the memory that loading needed, and exclude all living objects from collection.

    Collections while serving are then short. Objects that an earlier call excluded are collected
    first, since a replaced release is garbage.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
