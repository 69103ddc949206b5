"""Errors of serving: overload, lost work, unknown images and unavailable releases."""

from embeddings.errors import BelvedereError

_SHOWN_CHARACTERS = 100


class QueueFull(BelvedereError):
    """The request queue is full; retry after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"The service is busy; try again in {retry_after} s.")
        self.retry_after = retry_after


class QueueTimeout(BelvedereError):
    """No thread took the job within the time limit."""

    def __init__(self) -> None:
        super().__init__("The request timed out in the queue; try again later.")


class WorkerFailed(BelvedereError):
    """The thread of a job died or hung; retry after `retry_after` seconds."""

    retry_after = 1

    def __init__(self) -> None:
        super().__init__("The worker that handled this request failed. Retry the request.")


class UnknownImage(BelvedereError):
    """No stored image has the id."""

    def __init__(self, identifier: str) -> None:
        shown = f"{identifier!r:.{_SHOWN_CHARACTERS}}"
        super().__init__(f"There is no image {shown}; `/images` lists all of them.")


class UnknownVersion(BelvedereError):
    """The feature store has no dataset version with the tag or revision."""

    def __init__(self, version: str) -> None:
        shown = f"{version!r:.{_SHOWN_CHARACTERS}}"
        super().__init__(
            f"There is no dataset version {shown}; `/versions` lists those that exist."
        )


class UnknownSelection(BelvedereError):
    """No saved selection has the name."""

    def __init__(self, name: str) -> None:
        shown = f"{name!r:.{_SHOWN_CHARACTERS}}"
        super().__init__(f"There is no selection {shown}; `/selections` lists all of them.")


class SelectionChanged(BelvedereError):
    """The saved selection differs from the one on which a change is based."""

    def __init__(self, name: str) -> None:
        shown = f"{name!r:.{_SHOWN_CHARACTERS}}"
        super().__init__(
            f"The selection {shown} was saved or deleted meanwhile; read it again and repeat the "
            "change."
        )


class UnknownJob(BelvedereError):
    """No job has the id."""

    def __init__(self, identifier: str) -> None:
        shown = f"{identifier!r:.{_SHOWN_CHARACTERS}}"
        super().__init__(f"There is no job {shown}; `/jobs` lists those that are kept.")


class StoreUnreadable(BelvedereError):
    """The file of a stored image cannot be read from the feature store."""

    def __init__(self) -> None:
        super().__init__("The feature store cannot be read; check that its files are still there.")


class ReleaseUnavailable(BelvedereError):
    """No release is served; retry after `retry_after` seconds, None if the time is unknown."""

    def __init__(self, reason: str, retry_after: int | None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class RevisionNotReached(BelvedereError):
    """The served state lacks a revision that a request needs; retry after `retry_after` seconds."""

    retry_after = 1

    def __init__(self, wanted: int, served: int) -> None:
        super().__init__(
            f"Revision {wanted} is not served yet, only {served}; try again in a moment, or lower "
            "`min_revision`."
        )
