"""Name of the user of this process."""

import os
from getpass import getuser


def user_name() -> str:
    """Return the login name, or `user` and a number."""
    try:
        return getuser()
    except (KeyError, OSError):
        # A container may run under a number without a name.
        return f"user {os.getuid()}"
