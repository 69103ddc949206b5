"""Memory of the process once everything is loaded."""

import ctypes
import gc


def keep_what_is_loaded() -> None:
    """Give back what loading needed, and never look for garbage among what stays.

    Collections while serving are then short, and so are the waits that they cause.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    # Only glibc knows this call.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
