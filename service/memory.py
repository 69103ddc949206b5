"""Memory of the process: little that was freed is kept, and nothing that stays is looked through.

Only glibc knows these calls; elsewhere the allocator does as it likes.
"""

import ctypes
import gc

# Parameters of `mallopt`.
_MMAP_THRESHOLD = -3
_ARENA_MAX = -8

_MEBIBYTE = 1024 * 1024
_ARENAS = 2


def tune_malloc() -> None:
    """Let large images return to the system when they are done with, whichever thread had them.

    Else each thread's part of the heap keeps the largest one that it ever held, in pieces.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _MEBIBYTE)
        mallopt(_ARENA_MAX, _ARENAS)


def freeze_gc() -> None:
    """Give back what loading needed, and never look for garbage among what stays.

    Collections while serving are then short, and so are the waits that they cause. What an earlier
    call kept is looked through once more, since a release that is replaced is garbage.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
