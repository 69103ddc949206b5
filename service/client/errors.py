"""Exceptions of the clients, one for each problem type of the service."""

from typing import Any, ClassVar, TypeVar

import httpx
from pydantic import ValidationError

from embeddings.errors import BelvedereError
from service.client.endpoints import Call
from service.problems import ProblemType
from service.schemas import Problem

Result = TypeVar("Result")

Outcome = httpx.Response | httpx.RequestError
"""Response to a call, or the error that prevented one."""


class ServiceError(BelvedereError):
    """Call that the service did not answer as requested.

    Base class of all exceptions of the clients. It is raised itself for a problem type that this
    version of the client does not define, and for invalid arguments of a client.
    """

    problem_type: ClassVar[ProblemType | None] = None
    """Problem type of the responses that raise this class; None if there is no such response."""

    def __init__(self, message: str, status: int | None = None, retryable: bool = False) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status; None if no response arrived."""
        self.retryable = retryable
        """True if the response has a `Retry-After`, so that a later attempt can succeed."""


class ServiceUnreachable(ServiceError):
    """No connection to the service, or a connection that broke before the response."""


class TimedOut(ServiceError):
    """No response within the client's `timeout`."""


class UnexpectedResponse(ServiceError):
    """Response of another service, or of an incompatible version of this one."""


class MalformedRequest(ServiceError):
    """Missing or mistyped parameter, or an incomplete upload (400)."""

    problem_type = ProblemType.MALFORMED_REQUEST


class KeyRequired(ServiceError):
    """Missing or wrong API key (401)."""

    problem_type = ProblemType.KEY_REQUIRED


class RoleRequired(ServiceError):
    """API key whose role does not permit the call (403)."""

    problem_type = ProblemType.ROLE_REQUIRED


class ReadOnly(ServiceError):
    """Change sent to a service that does not accept changes (403)."""

    problem_type = ProblemType.READ_ONLY


class UnknownImage(ServiceError):
    """Id that no stored image has (404)."""

    problem_type = ProblemType.UNKNOWN_IMAGE


class UnknownExperiment(ServiceError):
    """Name that no experiment has (404)."""

    problem_type = ProblemType.UNKNOWN_EXPERIMENT


class UnknownVersion(ServiceError):
    """Tag or revision that no dataset version has (404)."""

    problem_type = ProblemType.UNKNOWN_VERSION


class UnknownDecision(ServiceError):
    """Key that no decision of the label journal has (404)."""

    problem_type = ProblemType.UNKNOWN_DECISION


class UnknownJob(ServiceError):
    """Id that no job has (404)."""

    problem_type = ProblemType.UNKNOWN_JOB


class UnknownSelection(ServiceError):
    """Name that no saved selection has (404)."""

    problem_type = ProblemType.UNKNOWN_SELECTION


class NoMatch(ServiceError):
    """Filters that no image matches (404)."""

    problem_type = ProblemType.NO_MATCH


class NoHeatmap(ServiceError):
    """Image without a heat map in the release (404)."""

    problem_type = ProblemType.NO_HEATMAP


class NoFeatures(ServiceError):
    """Image whose file at a dataset version was not encoded (404)."""

    problem_type = ProblemType.NO_FEATURES


class UnknownPath(ServiceError):
    """Path that the service does not have (404)."""

    problem_type = ProblemType.UNKNOWN_PATH


class MethodNotAllowed(ServiceError):
    """Method that the path does not support (405)."""

    problem_type = ProblemType.METHOD_NOT_ALLOWED


class UploadTimedOut(ServiceError):
    """Request body that took too long to arrive (408)."""

    problem_type = ProblemType.UPLOAD_TIMED_OUT


class Conflict(ServiceError):
    """Image stored under another id with another label (409)."""

    problem_type = ProblemType.CONFLICT


class DeletedBefore(ServiceError):
    """Image that was stored and deleted (409)."""

    problem_type = ProblemType.DELETED_BEFORE


class ChangedMeanwhile(ServiceError):
    """Image changed since the answer with the given entity tag (412)."""

    problem_type = ProblemType.CHANGED_MEANWHILE


class BodyTooLarge(ServiceError):
    """Request body with too many bytes (413)."""

    problem_type = ProblemType.BODY_TOO_LARGE


class UrlTooLong(ServiceError):
    """Path and query with too many bytes (414)."""

    problem_type = ProblemType.URL_TOO_LONG


class EncodedBody(ServiceError):
    """Request body with a `Content-Encoding` (415)."""

    problem_type = ProblemType.ENCODED_BODY


class UnknownClass(ServiceError):
    """Label that would be a new class, without `new_class` (422)."""

    problem_type = ProblemType.UNKNOWN_CLASS


class InvalidParameter(ServiceError):
    """Parameter out of range, or unknown class (422)."""

    problem_type = ProblemType.INVALID_PARAMETER


class ImageRejected(ServiceError):
    """Upload that is not an acceptable image; base class of the four reasons."""


class ImageUnreadable(ImageRejected):
    """Upload that is not a complete JPEG, PNG or WebP image (415)."""

    problem_type = ProblemType.IMAGE_UNREADABLE


class ImageAnimated(ImageRejected):
    """Animated upload (415)."""

    problem_type = ProblemType.IMAGE_ANIMATED


class ImageTooLarge(ImageRejected):
    """Upload with too many pixels (413)."""

    problem_type = ProblemType.IMAGE_TOO_LARGE


class ImageTooSmall(ImageRejected):
    """Upload with too few pixels on one side (422)."""

    problem_type = ProblemType.IMAGE_TOO_SMALL


class QueueFull(ServiceError):
    """Request queue that is still full after all retries (429)."""

    problem_type = ProblemType.QUEUE_FULL


class InternalError(ServiceError):
    """Unexpected failure of the service (500)."""

    problem_type = ProblemType.INTERNAL_ERROR


class NotReady(ServiceError):
    """Service without a release, or one that replaces a thread (503)."""

    problem_type = ProblemType.NOT_READY


class StoreUnreadable(ServiceError):
    """Feature store that the service cannot read (503)."""

    problem_type = ProblemType.STORE_UNREADABLE


class IndexUnavailable(ServiceError):
    """Server of the vector index that does not answer (503)."""

    problem_type = ProblemType.INDEX_UNAVAILABLE


class RevisionNotReached(ServiceError):
    """Revision that the service has not read from the feature store yet (503)."""

    problem_type = ProblemType.REVISION_NOT_REACHED


class QueueTimedOut(ServiceError):
    """Request that waited too long in the queue of the service (503)."""

    problem_type = ProblemType.QUEUE_TIMED_OUT


class WorkerFailed(ServiceError):
    """Request whose worker failed or took too long (503)."""

    problem_type = ProblemType.WORKER_FAILED


class StoreFull(ServiceError):
    """Feature store on a full disk (507)."""

    problem_type = ProblemType.STORE_FULL


PROBLEM_ERRORS: dict[str, type[ServiceError]] = {
    str(each.problem_type): each
    for each in (*ServiceError.__subclasses__(), *ImageRejected.__subclasses__())
    if each.problem_type is not None
}
"""Exception of each problem type, by its URI."""


def result_of(call: Call[Result], outcome: Outcome, service: httpx.URL) -> Result:
    """Return the result of a call to the service at this address. Raises `ServiceError`."""
    if not isinstance(outcome, httpx.Response):
        raise _unanswered(call, outcome, _shown(service)) from outcome
    if not outcome.is_success:
        raise _problem(outcome)
    try:
        return call.read(outcome)
    except ValidationError as error:
        raise UnexpectedResponse(
            f"Unexpected response from {_shown(outcome.url)}; check the "
            "base URL and that client and service have the same version.",
            outcome.status_code,
        ) from error


def _shown(address: httpx.URL) -> str:
    """Return the address without user name and password."""
    return str(address.copy_with(username=None, password=None))


def _unanswered(call: Call[Any], error: httpx.RequestError, service: str) -> ServiceError:
    """Return the exception for a call without a response."""
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        change = " The change may have been made; it can be repeated." if call.is_change else ""
        return TimedOut(
            f"The service at {service} did not respond in time; request less, or give the client a "
            f"longer `timeout`.{change}"
        )
    reason = str(error) or type(error).__name__
    return ServiceUnreachable(
        f"The service at {service} cannot be reached ({reason}); start it with `belvedere serve`, "
        "or give the client its address."
    )


def _problem(response: httpx.Response) -> ServiceError:
    """Return the exception for an error response."""
    retryable = "Retry-After" in response.headers
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return UnexpectedResponse(
            f"{_shown(response.url)} answered {response.status_code} without a problem "
            "document; check the base URL.",
            response.status_code,
            retryable,
        )
    kind = PROBLEM_ERRORS.get(problem.type, ServiceError)
    return kind(problem.detail, response.status_code, retryable)
