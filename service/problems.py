"""Problem types: the values of `type` in error responses (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ProblemType(StrEnum):
    """Kind of problem, as a URI that neither depends on the service's address nor changes."""

    MALFORMED_REQUEST = "urn:problem-type:belvedere:malformed-request"
    KEY_REQUIRED = "urn:problem-type:belvedere:key-required"
    ROLE_REQUIRED = "urn:problem-type:belvedere:role-required"
    READ_ONLY = "urn:problem-type:belvedere:read-only"
    UNKNOWN_IMAGE = "urn:problem-type:belvedere:unknown-image"
    UNKNOWN_EXPERIMENT = "urn:problem-type:belvedere:unknown-experiment"
    UNKNOWN_VERSION = "urn:problem-type:belvedere:unknown-version"
    UNKNOWN_DECISION = "urn:problem-type:belvedere:unknown-decision"
    UNKNOWN_JOB = "urn:problem-type:belvedere:unknown-job"
    UNKNOWN_SELECTION = "urn:problem-type:belvedere:unknown-selection"
    NO_MATCH = "urn:problem-type:belvedere:no-match"
    NO_HEATMAP = "urn:problem-type:belvedere:no-heatmap"
    NO_FEATURES = "urn:problem-type:belvedere:no-features"
    UNKNOWN_PATH = "urn:problem-type:belvedere:unknown-path"
    METHOD_NOT_ALLOWED = "urn:problem-type:belvedere:method-not-allowed"
    UPLOAD_TIMED_OUT = "urn:problem-type:belvedere:upload-timed-out"
    CONFLICT = "urn:problem-type:belvedere:conflict"
    DELETED_BEFORE = "urn:problem-type:belvedere:deleted-before"
    CHANGED_MEANWHILE = "urn:problem-type:belvedere:changed-meanwhile"
    BODY_TOO_LARGE = "urn:problem-type:belvedere:body-too-large"
    IMAGE_TOO_LARGE = "urn:problem-type:belvedere:image-too-large"
    URL_TOO_LONG = "urn:problem-type:belvedere:url-too-long"
    IMAGE_UNREADABLE = "urn:problem-type:belvedere:image-unreadable"
    IMAGE_ANIMATED = "urn:problem-type:belvedere:image-animated"
    ENCODED_BODY = "urn:problem-type:belvedere:encoded-body"
    UNKNOWN_CLASS = "urn:problem-type:belvedere:unknown-class"
    INVALID_PARAMETER = "urn:problem-type:belvedere:invalid-parameter"
    IMAGE_TOO_SMALL = "urn:problem-type:belvedere:image-too-small"
    QUEUE_FULL = "urn:problem-type:belvedere:queue-full"
    INTERNAL_ERROR = "urn:problem-type:belvedere:internal-error"
    NOT_READY = "urn:problem-type:belvedere:not-ready"
    STORE_UNREADABLE = "urn:problem-type:belvedere:store-unreadable"
    INDEX_UNAVAILABLE = "urn:problem-type:belvedere:index-unavailable"
    REVISION_NOT_REACHED = "urn:problem-type:belvedere:revision-not-reached"
    QUEUE_TIMED_OUT = "urn:problem-type:belvedere:queue-timed-out"
    WORKER_FAILED = "urn:problem-type:belvedere:worker-failed"
    STORE_FULL = "urn:problem-type:belvedere:store-full"


@dataclass(frozen=True)
class ProblemDescription:
    """HTTP status of a problem type, its cause and its remedy; both texts are sentences."""

    status: int
    cause: str
    remedy: str


PROBLEMS: Mapping[ProblemType, ProblemDescription] = {
    ProblemType.MALFORMED_REQUEST: ProblemDescription(
        400,
        "A parameter is missing or has the wrong type, or the uploaded form or body is incomplete.",
        "Correct the request.",
    ),
    ProblemType.KEY_REQUIRED: ProblemDescription(
        401,
        "The service requires an API key, and the header `X-API-Key` is missing or wrong.",
        "Send the key, which the operator of the service knows.",
    ),
    ProblemType.ROLE_REQUIRED: ProblemDescription(
        403,
        "The role of the API key does not permit this call.",
        "Send a key of the role that the detail names; the operator creates it with "
        "`belvedere key`.",
    ),
    ProblemType.READ_ONLY: ProblemDescription(
        403,
        "The service does not accept changes: `BELVEDERE_WRITABLE` is off.",
        "Send the change to the service that writes the feature store.",
    ),
    ProblemType.UNKNOWN_IMAGE: ProblemDescription(
        404,
        "No stored image has this id, or the image is not misclassified.",
        "List the ids with `GET /images`, or the misclassified images with `GET /errors`.",
    ),
    ProblemType.UNKNOWN_EXPERIMENT: ProblemDescription(
        404,
        "No experiment has this name.",
        "List the names with `GET /experiments`.",
    ),
    ProblemType.UNKNOWN_VERSION: ProblemDescription(
        404,
        "The feature store has no dataset version with this tag or revision; old ones without a "
        "tag are deleted.",
        "List the dataset versions with `GET /versions`.",
    ),
    ProblemType.UNKNOWN_DECISION: ProblemDescription(
        404,
        "The label journal has no decision with this key.",
        "List the decisions about an image with `GET /history`.",
    ),
    ProblemType.UNKNOWN_JOB: ProblemDescription(
        404,
        "No job has this id; the records of the oldest jobs are deleted.",
        "List the jobs with `GET /jobs`.",
    ),
    ProblemType.UNKNOWN_SELECTION: ProblemDescription(
        404,
        "No saved selection has this name.",
        "List the selections with `GET /selections`.",
    ),
    ProblemType.NO_MATCH: ProblemDescription(
        404,
        "No image matches the filters.",
        "Remove a filter.",
    ),
    ProblemType.NO_HEATMAP: ProblemDescription(
        404,
        "The release contains no heat map of this image.",
        "Publish the release again.",
    ),
    ProblemType.NO_FEATURES: ProblemDescription(
        404,
        "The served encoder has not encoded the file that the image had in this dataset version.",
        "Leave `at` out for the features of the served release.",
    ),
    ProblemType.UNKNOWN_PATH: ProblemDescription(
        404,
        "The service has no such path.",
        "Look the path up in `GET /docs`.",
    ),
    ProblemType.METHOD_NOT_ALLOWED: ProblemDescription(
        405,
        "The path does not support this method.",
        "Use one of the methods in the header `Allow`.",
    ),
    ProblemType.UPLOAD_TIMED_OUT: ProblemDescription(
        408,
        "The request body took longer than `BELVEDERE_UPLOAD_SECONDS` to arrive.",
        "Send a smaller image, or use a faster connection.",
    ),
    ProblemType.CONFLICT: ProblemDescription(
        409,
        "The same image is stored under another id with another label.",
        "Correct the label of the stored image with `PATCH /images`, or leave the image out.",
    ),
    ProblemType.DELETED_BEFORE: ProblemDescription(
        409,
        "The same image was stored and deleted.",
        "Send it with `restore=true` to store it again.",
    ),
    ProblemType.CHANGED_MEANWHILE: ProblemDescription(
        412,
        "An image or a selection changed since the answer with the given entity tag, or a later "
        "decision about the image exists.",
        "Read it again, and repeat the call with its new entity tag.",
    ),
    ProblemType.BODY_TOO_LARGE: ProblemDescription(
        413,
        "The request body has more than `BELVEDERE_UPLOAD_LIMIT` bytes, or that of `POST /images` "
        "has more than `BELVEDERE_BULK_LIMIT` bytes.",
        "Send a smaller image, or fewer images at a time.",
    ),
    ProblemType.IMAGE_TOO_LARGE: ProblemDescription(
        413,
        "The image has more than 40 million pixels or too many parts.",
        "Send a smaller image.",
    ),
    ProblemType.URL_TOO_LONG: ProblemDescription(
        414,
        "Path and query together have more than 8 KiB.",
        "Split the request into several.",
    ),
    ProblemType.IMAGE_UNREADABLE: ProblemDescription(
        415,
        "The uploaded file is not a complete JPEG, PNG or WebP image.",
        "Send an image in one of these formats.",
    ),
    ProblemType.IMAGE_ANIMATED: ProblemDescription(
        415,
        "The uploaded image is animated.",
        "Send a single frame.",
    ),
    ProblemType.ENCODED_BODY: ProblemDescription(
        415,
        "The request body has a `Content-Encoding` other than `identity`.",
        "Send the image file without that encoding.",
    ),
    ProblemType.UNKNOWN_CLASS: ProblemDescription(
        422,
        "A change gives images a label that no image has and that is no class of the model.",
        "Correct the label, or send the change with `new_class=true` to create the class.",
    ),
    ProblemType.INVALID_PARAMETER: ProblemDescription(
        422,
        "A parameter is out of range, or the class is unknown.",
        "Choose a value within the limits that the detail names.",
    ),
    ProblemType.IMAGE_TOO_SMALL: ProblemDescription(
        422,
        "A side of the uploaded image, or of the box in an image, has fewer than 8 pixels.",
        "Send a larger image, or a larger box.",
    ),
    ProblemType.QUEUE_FULL: ProblemDescription(
        429,
        "The request queue or the memory reserved for uploads is full.",
        "Retry after the number of seconds in `Retry-After`.",
    ),
    ProblemType.INTERNAL_ERROR: ProblemDescription(
        500,
        "The service failed unexpectedly; its log has a traceback under the `X-Request-ID`.",
        "Report the request id to the operator of the service.",
    ),
    ProblemType.NOT_READY: ProblemDescription(
        503,
        "No release is served, or a thread of the service is being replaced.",
        "Retry when `GET /readyz` answers with 200.",
    ),
    ProblemType.STORE_UNREADABLE: ProblemDescription(
        503,
        "The file of the image cannot be read from the feature store.",
        "The operator of the service checks that the files of the store exist.",
    ),
    ProblemType.INDEX_UNAVAILABLE: ProblemDescription(
        503,
        "The server of the vector index does not answer, or lacks the collection of the release. "
        "Predictions, images, the map and the nearest neighbours of stored images do not need it.",
        "Retry after the number of seconds in `Retry-After`; the log of the service has the cause.",
    ),
    ProblemType.REVISION_NOT_REACHED: ProblemDescription(
        503,
        "The service has not read the revision `min_revision` of the feature store yet.",
        "Retry after the number of seconds in `Retry-After`.",
    ),
    ProblemType.QUEUE_TIMED_OUT: ProblemDescription(
        503,
        "The request timed out in the queue.",
        "Retry later.",
    ),
    ProblemType.WORKER_FAILED: ProblemDescription(
        503,
        "The worker that handled this request failed or took too long.",
        "Retry after the number of seconds in `Retry-After`.",
    ),
    ProblemType.STORE_FULL: ProblemDescription(
        507,
        "The disk of the feature store is full; nothing of the change was written.",
        "The operator of the service frees some space; then repeat the call.",
    ),
}


def title_of(problem: ProblemType) -> str:
    """Return the short English name of a problem type, such as `Queue full`."""
    return problem.name.replace("_", " ").capitalize()
