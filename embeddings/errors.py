"""Domain errors; each message is meant for the user and ends with advice."""

import errno


class BelvedereError(RuntimeError):
    """Base class of all errors that a user can cause or fix.

    The message is one or two sentences: the problem, the limit, the remedy. The command line
    prints it without a traceback.
    """


class HomeError(BelvedereError):
    """Unusable folder or file in the home."""


class SettingsError(BelvedereError):
    """Invalid value of a setting; the message gives its environment variable."""


_ADVICE = {
    errno.EACCES: "permission denied; give this user access, or choose another path",
    errno.EPERM: "permission denied; give this user access, or choose another path",
    errno.EROFS: "the file system is read-only; mount it writable, or choose another path",
    errno.EEXIST: "a folder is required, but this is a file; move it, or choose another path",
    errno.ENOTDIR: "a folder is required, but this is a file; move it, or choose another path",
    errno.EISDIR: "a file is required, but this is a folder; move it, or choose another path",
    errno.ENAMETOOLONG: "the name is too long for the file system; use a shorter name",
    errno.EFBIG: "the file exceeds the limit of the file system or of `ulimit -f`; raise the limit",
    errno.ELOOP: "the symbolic links form a loop; remove one of them",
    errno.EIO: "the disk reported an input/output error; check the disk",
    errno.ESTALE: "the network file handle is stale; mount the file system again",
    errno.ENOLCK: "the file system does not support locks; choose a path on another one",
    errno.ENOTSUP: "the file system does not support this operation; choose a path on another one",
    errno.EMFILE: "too many open files; raise the limit with `ulimit -n`",
}

_FULL = {errno.ENOSPC, errno.EDQUOT}


def explain_os_error(error: OSError) -> str | None:
    """Return a message for a file system error that the user can fix, None for other errors."""
    path = error.filename2 or error.filename
    if error.errno in _FULL or "No space left" in str(error):
        at = "" if path is None else f" of {path}"
        return f"The disk{at} is full; free some space. No file was left incomplete."
    advice = _ADVICE.get(error.errno or 0)
    if advice is None:
        return None
    return f"{path}: {advice}." if path is not None else f"A file cannot be used: {advice}."
