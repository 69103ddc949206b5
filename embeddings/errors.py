"""Errors of the domain: each message is for the user and says what to do."""

import errno


class BelvedereError(RuntimeError):
    """Base class of every error that a user can cause or mend.

    The message is one or two sentences: what happened, the limit, what to do. The command line
    prints it without a traceback.
    """


class HomeError(BelvedereError):
    """A folder or file of the home cannot be used as it is."""


class SettingsError(BelvedereError):
    """A setting has a value that cannot be used; the message names its variable."""


_ADVICE = {
    errno.EACCES: "permission is denied; give this user access, or name another path",
    errno.EPERM: "permission is denied; give this user access, or name another path",
    errno.EROFS: "its file system is read-only; mount it writable, or name another path",
    errno.EEXIST: "a file stands where a folder is needed; move it away, or name another path",
    errno.ENOTDIR: "a file stands where a folder is needed; move it away, or name another path",
    errno.EISDIR: "a folder stands where a file is needed; move it away, or name another path",
    errno.ENAMETOOLONG: "the name is too long for its file system; use a shorter one",
    errno.EFBIG: "the file is larger than its file system or `ulimit -f` allows; raise that limit",
    errno.ELOOP: "its symbolic links lead in a circle; remove one of them",
    errno.EIO: "the disk reports an error in reading or writing; check the disk",
    errno.ESTALE: "its network file system has lost it; mount it again",
    errno.ENOLCK: "its file system has no locks; name a path on another one",
    errno.ENOTSUP: "its file system lacks a function that is needed; name a path on another one",
    errno.EMFILE: "too many files are open; raise the limit with `ulimit -n`",
}

_FULL = {errno.ENOSPC, errno.EDQUOT}


def explain_os_error(error: OSError) -> str | None:
    """Return a sentence on an error of the file system that the user can mend; None for others."""
    path = error.filename2 or error.filename
    if error.errno in _FULL or "No space left" in str(error):
        at = "" if path is None else f" of {path}"
        return f"The disk{at} is full; make room, nothing was left half-written."
    advice = _ADVICE.get(error.errno or 0)
    if advice is None:
        return None
    return f"{path}: {advice}." if path is not None else f"A file cannot be used: {advice}."
