"""Errors of the domain: each message is for the user and says what to do."""


class BelvedereError(RuntimeError):
    """Base class of every error that a user can cause or mend.

    The message is one or two sentences: what happened, the limit, what to do. The command line
    prints it without a traceback.
    """


class HomeError(BelvedereError):
    """A folder or file of the home cannot be used as it is."""


class SettingsError(BelvedereError):
    """A setting has a value that cannot be used; the message names its variable."""
