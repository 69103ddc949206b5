"""Client of the service and version of the package.

`Client` and `AsyncClient` call a running service; they raise subclasses of `ServiceError`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.client import (
        AsyncClient,
        BodyTooLarge,
        ChangedMeanwhile,
        Client,
        Conflict,
        DeletedBefore,
        EncodedBody,
        ImageAnimated,
        ImageRejected,
        ImageTooLarge,
        ImageTooSmall,
        ImageUnreadable,
        IndexUnavailable,
        InternalError,
        InvalidParameter,
        KeyRequired,
        MalformedRequest,
        MethodNotAllowed,
        NoFeatures,
        NoHeatmap,
        NoMatch,
        NotReady,
        QueueFull,
        QueueTimedOut,
        ReadOnly,
        RevisionNotReached,
        RoleRequired,
        ServiceError,
        ServiceUnreachable,
        StoreFull,
        StoreUnreadable,
        TimedOut,
        UnexpectedResponse,
        UnknownClass,
        UnknownDecision,
        UnknownExperiment,
        UnknownImage,
        UnknownJob,
        UnknownPath,
        UnknownSelection,
        UnknownVersion,
        UploadTimedOut,
        UrlTooLong,
        WorkerFailed,
    )

__version__ = "0.1.0"

__all__ = [
    "AsyncClient",
    "BodyTooLarge",
    "ChangedMeanwhile",
    "Client",
    "Conflict",
    "DeletedBefore",
    "EncodedBody",
    "ImageAnimated",
    "ImageRejected",
    "ImageTooLarge",
    "ImageTooSmall",
    "ImageUnreadable",
    "IndexUnavailable",
    "InternalError",
    "InvalidParameter",
    "KeyRequired",
    "MalformedRequest",
    "MethodNotAllowed",
    "NoFeatures",
    "NoHeatmap",
    "NoMatch",
    "NotReady",
    "QueueFull",
    "QueueTimedOut",
    "ReadOnly",
    "RevisionNotReached",
    "RoleRequired",
    "ServiceError",
    "ServiceUnreachable",
    "StoreFull",
    "StoreUnreadable",
    "TimedOut",
    "UnexpectedResponse",
    "UnknownClass",
    "UnknownDecision",
    "UnknownExperiment",
    "UnknownImage",
    "UnknownJob",
    "UnknownPath",
    "UnknownSelection",
    "UnknownVersion",
    "UploadTimedOut",
    "UrlTooLong",
    "WorkerFailed",
    "__version__",
]


def __getattr__(name: str) -> Any:
    # Commands that need no client start without loading its HTTP library.
    if name in __all__:
        import service.client

        return getattr(service.client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
