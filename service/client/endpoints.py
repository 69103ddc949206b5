"""Calls of the service as data: request and parser of the response.

An image is given either as `id` (stored) or as `image` (the bytes of a file). `min_revision` is a
revision that the answer must contain, such as that of a change.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Unpack
from urllib.parse import quote

import httpx
from pydantic import BaseModel, JsonValue, TypeAdapter

from embeddings.export import FormatName, format_of
from embeddings.ingest.unset import UNSET, Unset
from embeddings.review.queue import Goal
from service.image_filter import NAMES, FilterValues, given
from service.schemas import (
    REVISION_HEADER,
    CalibrationReport,
    DecisionKeys,
    DistinctIds,
    DuplicateList,
    ErrorList,
    ExampleSearch,
    Experiment,
    ExperimentList,
    ExportedIds,
    Facets,
    Features,
    IdList,
    Image,
    ImageChange,
    ImageChanges,
    ImageHistory,
    ImageIds,
    ImageList,
    ImagesChange,
    Job,
    JobList,
    LabelIssueList,
    LabelLoopReport,
    Map,
    Neighborhood,
    NeighborStageList,
    Placement,
    Prediction,
    Readiness,
    Restored,
    ReviewQueue,
    RobustnessReport,
    SavedSelection,
    SearchExamples,
    SelectionList,
    VersionDifference,
    VersionList,
    WrittenChanges,
    WrittenImage,
    heatmap_path,
    image_path,
)

Result = TypeVar("Result")
Model = TypeVar("Model", bound=BaseModel)
Parameter = str | int | float | Sequence[str]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

_CHANGES = ("PUT", "PATCH", "DELETE")
_CHANGED = ("/images", "/restore", "/changes", "/undo", "/distinct")
_NUMBER = TypeAdapter(int)


@dataclass(frozen=True)
class Call(Generic[Result]):
    """Request to the service, which `Client.send` sends."""

    method: Method
    path: str
    """Percent-encoded."""
    read: Callable[[httpx.Response], Result]
    """Parser of the response; raises `pydantic.ValidationError`."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeated: bool = True
    """False if the caller repeats the call itself."""
    target: Path | None = None
    """File that the body of a successful response is saved to; `read` gets no body then."""

    @property
    def is_change(self) -> bool:
        """True if the call changes images; it can be repeated like all others."""
        return self.method in _CHANGES or (self.method == "POST" and self.path in _CHANGED)


def ready(*, min_revision: int | None = None) -> Call[Readiness]:
    """Return the served release and revision, if the service is ready."""
    return _get(Readiness, "/readyz", min_revision=min_revision)


def predict(
    id: str | None = None, *, image: bytes | None = None, min_revision: int | None = None
) -> Call[Prediction]:
    """Return the predicted class of an image."""
    return _about(Prediction, "/predict", id, image, min_revision=min_revision)


def neighbors(
    id: str | None = None,
    *,
    image: bytes | None = None,
    k: int = 3,
    box: Sequence[float] | None = None,
    min_revision: int | None = None,
    **filters: Unpack[FilterValues],
) -> Call[Neighborhood]:
    """Return the `k` stored images nearest to an image.

    `box` is a part of the image: left, top, width and height, as fractions of its sides.
    """
    return _about(
        Neighborhood,
        "/neighbors",
        id,
        image,
        k=k,
        box=None if box is None else ",".join(map(str, box)),
        min_revision=min_revision,
        **_conditions(filters),
    )


def search(
    like: str | Sequence[str],
    unlike: str | Sequence[str] = (),
    *,
    k: int = 20,
    min_revision: int | None = None,
    **filters: Unpack[FilterValues],
) -> Call[ExampleSearch]:
    """Return the `k` stored images most like some images and unlike others, given by id.

    These examples and counter-examples, at most 100 of each, are left out.
    """
    examples = SearchExamples(like=_several(like), unlike=_several(unlike), k=k)
    parameters = _given(min_revision=min_revision, **_conditions(filters))
    return _send_json("POST", "/search", ExampleSearch, examples, parameters)


def tsne(
    n: int = 500,
    seed: int | None = None,
    *,
    min_revision: int | None = None,
    **filters: Unpack[FilterValues],
) -> Call[Map]:
    """Return a t-SNE map of `n` random images; by default the map of the release."""
    conditions = _conditions(filters)
    return _get(Map, "/tsne", n=n, seed=seed, min_revision=min_revision, **conditions)


def place(image: bytes) -> Call[Placement]:
    """Return the position of an image on the map of the release."""
    return _about(Placement, "/tsne", None, image)


def images(
    ids: str | Sequence[str] | None = None,
    *,
    limit: int | None = None,
    offset: int = 0,
    at: str | int | None = None,
    min_revision: int | None = None,
    **filters: Unpack[FilterValues],
) -> Call[ImageList]:
    """Return a page of stored images: of 50 or `limit` images, or all images with these ids.

    `at` is a tag or revision of `versions`; by default the images of the release are listed.
    """
    if ids is not None and len(ids) == 0:
        raise ValueError("Give at least one id; without `ids` all images are listed.")
    return _get(
        ImageList,
        "/images",
        id=ids,
        limit=limit,
        offset=offset,
        at=at,
        min_revision=min_revision,
        **_conditions(filters),
    )


def random_image(
    *, min_revision: int | None = None, **filters: Unpack[FilterValues]
) -> Call[Image]:
    """Return a random stored image that meets the filters."""
    return _get(Image, "/images/random", min_revision=min_revision, **_conditions(filters))


def facets(
    values: int = 50, *, min_revision: int | None = None, **filters: Unpack[FilterValues]
) -> Call[Facets]:
    """Return the number of images for the most frequent values of each field.

    Each field is counted among the images that meet the filters on all other fields.
    """
    conditions = _conditions(filters)
    return _get(Facets, "/facets", values=values, min_revision=min_revision, **conditions)


def ids(
    *,
    limit: int = 10_000,
    offset: int = 0,
    min_revision: int | None = None,
    **filters: Unpack[FilterValues],
) -> Call[IdList]:
    """Return the ids of the images that meet the filters, in ascending order."""
    return _get(
        IdList,
        "/ids",
        limit=limit,
        offset=offset,
        min_revision=min_revision,
        **_conditions(filters),
    )


def selections() -> Call[SelectionList]:
    """Return all saved selections, ordered by name."""
    return _get(SelectionList, "/selections")


def selection(name: str) -> Call[SavedSelection]:
    """Return a saved selection; `ids(selection=name)` returns its images."""
    return _get(SavedSelection, _selection_path(name))


def save_selection(
    name: str,
    ids: Sequence[str] | None = None,
    *,
    if_match: str | None = None,
    **filters: Unpack[FilterValues],
) -> Call[SavedSelection]:
    """Save images under a name, instead of the selection that has it.

    They are a fixed set of ids, or the images that meet the filters whenever the selection is read.
    `if_match` is the `etag` of the selection on which the change is based; if it changed meanwhile,
    `ChangedMeanwhile` is raised.
    """
    if ids is not None and filters:
        raise ValueError("Give either ids or filters.")
    body: dict[str, Any] = {"filter": _known(filters)} if ids is None else {"ids": [*ids]}
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **_if_match(if_match)}
    path = _selection_path(name)
    return Call("PUT", path, _json(SavedSelection), body=content, headers=headers)


def delete_selection(name: str) -> Call[None]:
    """Delete a saved selection; its images stay stored."""
    return Call("DELETE", _selection_path(name), lambda _: None)


def _selection_path(name: str) -> str:
    return f"/selections/{quote(name)}"


def image(id: str, *, min_revision: int | None = None) -> Call[bytes]:
    """Return the JPEG file of a stored image."""
    return Call("GET", image_path(id), _content, _given(min_revision=min_revision))


def thumbnail(id: str, *, min_revision: int | None = None) -> Call[bytes]:
    """Return the thumbnail of a stored image, a JPEG file."""
    return Call("GET", f"{image_path(id)}/thumbnail", _content, _given(min_revision=min_revision))


def features(
    id: str, at: str | int | None = None, *, min_revision: int | None = None
) -> Call[Features]:
    """Return embedding and probabilities of a stored image, of its file at a dataset version.

    `at` is a tag or revision of `versions`; by default it is that of the release.
    """
    return _get(Features, "/features", id=id, at=at, min_revision=min_revision)


def export(
    path: Path | str,
    ids: str | Sequence[str] | None = None,
    *,
    file_format: FormatName | None = None,
    at: str | int | None = None,
    thumbnails: bool = False,
    min_revision: int | None = None,
    **filters: Unpack[FilterValues],
) -> Call[int]:
    """Save images with their features as a file, and return the revision that they are from.

    All images are saved, or those with these ids, or those that meet the filters. The format is by
    default that of the extension of `path`: `.csv`, `.zip` (class folders) or `.parquet`. The file
    appears, or replaces an earlier one, when it is complete.
    """
    target = Path(path)
    chosen = file_format or format_of(target.suffix)
    if ids is None:
        parameters = _given(
            format=chosen,
            at=at,
            thumbnails="true" if thumbnails else None,
            min_revision=min_revision,
            **_conditions(filters),
        )
        return Call("GET", "/export", _revision, parameters, target=target)
    if filters:
        raise ValueError("Give either ids or filters.")
    body = ExportedIds(
        ids=_several(ids),
        format=chosen,
        at=None if at is None else str(at),
        thumbnails=thumbnails,
    )
    return Call(
        "POST",
        "/export",
        _revision,
        _given(min_revision=min_revision),
        body.model_dump_json(exclude_none=True).encode(),
        {"Content-Type": "application/json"},
        target=target,
    )


def versions(limit: int = 100, offset: int = 0) -> Call[VersionList]:
    """Return the dataset versions of the feature store, newest first."""
    return _get(VersionList, "/versions", limit=limit, offset=offset)


def diff(
    a: str | int, b: str | int, *, limit: int = 100, offset: int = 0
) -> Call[VersionDifference]:
    """Return the difference between two dataset versions, given by tag or revision.

    Each list has at most `limit` ids; `total` counts all of them.
    """
    return _get(VersionDifference, "/versions/diff", a=a, b=b, limit=limit, offset=offset)


def experiments() -> Call[ExperimentList]:
    """Return the comparison of all experiments."""
    return _get(ExperimentList, "/experiments")


def experiment(name: str) -> Call[Experiment]:
    """Return the full report of one experiment."""
    return _get(Experiment, f"/experiments/{quote(name)}")


def errors(
    limit: int = 20, *, min_revision: int | None = None, **filters: Unpack[FilterValues]
) -> Call[ErrorList]:
    """Return the misclassified validation images, worst first."""
    conditions = _conditions(filters)
    return _get(ErrorList, "/errors", limit=limit, min_revision=min_revision, **conditions)


def heatmap(id: str, *, min_revision: int | None = None) -> Call[bytes]:
    """Return the heat map (Grad-CAM) of a misclassified image, a JPEG file."""
    return Call("GET", heatmap_path(id), _content, _given(min_revision=min_revision))


def label_issues(
    limit: int = 20, *, min_revision: int | None = None, **filters: Unpack[FilterValues]
) -> Call[LabelIssueList]:
    """Return the images with a likely label error, the most likely first."""
    conditions = _conditions(filters)
    return _get(
        LabelIssueList, "/labels/issues", limit=limit, min_revision=min_revision, **conditions
    )


def queue(
    goal: Goal = "review",
    *,
    limit: int = 20,
    offset: int = 0,
    min_revision: int | None = None,
    **filters: Unpack[FilterValues],
) -> Call[ReviewQueue]:
    """Return the images to look at: doubtful labels, or images without one for `label`."""
    return _get(
        ReviewQueue,
        "/queue",
        goal=goal,
        limit=limit,
        offset=offset,
        min_revision=min_revision,
        **_conditions(filters),
    )


def duplicates(
    *,
    limit: int = 20,
    offset: int = 0,
    min_revision: int | None = None,
    **filters: Unpack[FilterValues],
) -> Call[DuplicateList]:
    """Return groups of duplicates, with the best image of each."""
    return _get(
        DuplicateList,
        "/duplicates",
        limit=limit,
        offset=offset,
        min_revision=min_revision,
        **_conditions(filters),
    )


def label_loop() -> Call[LabelLoopReport]:
    """Return the effect of the review on the model, measured by simulated reviews."""
    return _get(LabelLoopReport, "/labels/loop")


def neighbor_stages() -> Call[NeighborStageList]:
    """Return the neighbours of a validation image of each class, from model to model."""
    return _get(NeighborStageList, "/neighbors/stages")


def robustness() -> Call[RobustnessReport]:
    """Return accuracy and precision at 3 of the best model of each family on corrupted images."""
    return _get(RobustnessReport, "/robustness")


def calibration() -> Call[CalibrationReport]:
    """Return calibration, prediction sets and typicality of the model."""
    return _get(CalibrationReport, "/calibration")


def changes(
    since: int, *, limit: int = 1000, offset: int = 0, min_revision: int | None = None
) -> Call[ImageChanges]:
    """Return the ids of the images that changed after a revision.

    Each list has at most `limit` ids; `total` counts all of them.
    """
    return _get(
        ImageChanges,
        "/changes",
        since=since,
        limit=limit,
        offset=offset,
        min_revision=min_revision,
    )


def history(id: str, *, min_revision: int | None = None) -> Call[ImageHistory]:
    """Return the decisions about the label of an image, which may be deleted."""
    return _get(ImageHistory, "/history", id=id, min_revision=min_revision)


def add(
    id: str,
    image: bytes,
    label: str | None = None,
    *,
    restore: bool = False,
    new_class: bool = False,
) -> Call[WrittenImage]:
    """Store an image under an id, or replace the image that has it.

    Without `label`, a known image keeps its label. `restore` stores an image again that was
    deleted, and `new_class` creates a class that neither an image nor the model has. Raises
    `Conflict` if the same image is stored under another id with another label, `DeletedBefore` and
    `UnknownClass`.
    """
    parameters = _given(
        label=label,
        restore="true" if restore else None,
        new_class="true" if new_class else None,
    )
    return Call("PUT", image_path(id), _json(WrittenImage), parameters, image)


def relabel(
    id: str,
    label: str | None = None,
    *,
    attributes: Mapping[str, JsonValue] | None = None,
    new_class: bool = False,
    if_match: str | None = None,
) -> Call[WrittenImage]:
    """Correct the label of a stored image, or its attributes.

    `attributes` is a JSON merge patch: null deletes an attribute. `new_class` creates a class that
    neither an image nor the model has; without it, such a label raises `UnknownClass`. If
    `if_match` is given, the `etag` of the record on which the change is based, an image that
    changed meanwhile raises `ChangedMeanwhile`.
    """
    change: dict[str, Any] = {} if label is None else {"label": label}
    change |= {"new_class": True} if new_class else {}
    if attributes is not None:
        change["attributes"] = {**attributes}
    body = ImageChange.model_validate(change)
    return _send_json("PATCH", "/images", WrittenImage, body, {"id": id}, _if_match(if_match))


def edit(
    ids: str | Sequence[str],
    *,
    label: str | Unset | None = UNSET,
    new_class: bool = False,
    add_tags: Sequence[str] = (),
    remove_tags: Sequence[str] = (),
    reviewed: bool = False,
    deleted: bool | None = None,
    if_match: Mapping[str, str] | None = None,
) -> Call[WrittenChanges]:
    """Change up to 10,000 images in one revision, or none of them.

    `label` None removes the labels; `new_class` is as for `relabel`. `reviewed` records that a
    person looked at the images, also if their labels stay. `deleted` deletes images, or restores
    them, and goes with no other change. `if_match` has the `etag` of records on which the change is
    based, by id: if one of them changed meanwhile, `ChangedMeanwhile` is raised. `undo` takes the
    decisions of the answer back.
    """
    given: dict[str, Any] = {"ids": _several(ids)}
    given |= {"label": label} if label is not UNSET else {}
    given |= {"new_class": True} if new_class else {}
    given |= {"add_tags": tuple(add_tags)} if add_tags else {}
    given |= {"remove_tags": tuple(remove_tags)} if remove_tags else {}
    given |= {"reviewed": True} if reviewed else {}
    given |= {"deleted": deleted} if deleted is not None else {}
    given |= {"if_match": {**if_match}} if if_match else {}
    return _send_json("POST", "/changes", WrittenChanges, ImagesChange.model_validate(given))


def undo(decisions: str | Sequence[str]) -> Call[WrittenChanges]:
    """Take decisions back, all or none, by their keys.

    Raises `ChangedMeanwhile` if a later decision about one of the images was made.
    """
    return _send_json("POST", "/undo", WrittenChanges, DecisionKeys(decisions=_several(decisions)))


def distinct(ids: Sequence[str]) -> Call[WrittenChanges]:
    """Remember near-duplicates as different images."""
    return _send_json("POST", "/distinct", WrittenChanges, DistinctIds(ids=_several(ids)))


def restore(ids: str | Sequence[str]) -> Call[Restored]:
    """Take the deletion of images back, of at most 1,000."""
    return _send_json("POST", "/restore", Restored, ImageIds(ids=_several(ids)))


def job(id: str, *, limit: int = 100, offset: int = 0) -> Call[Job]:
    """Return the progress of a job, and a page of the images that were not stored as sent."""
    return _get(Job, f"/jobs/{quote(id)}", limit=limit, offset=offset)


def jobs() -> Call[JobList]:
    """Return the last jobs, newest first."""
    return _get(JobList, "/jobs")


def cancel(id: str) -> Call[Job]:
    """Cancel a job; the images that were written before stay stored."""
    return Call("DELETE", f"/jobs/{quote(id)}", _json(Job))


def _revision(response: httpx.Response) -> int:
    """Return the revision in the header of a response."""
    return _NUMBER.validate_python(response.headers.get(REVISION_HEADER))


def _if_match(tag: str | None) -> dict[str, str]:
    return {} if tag is None else {"If-Match": f'"{tag}"'}


def _several(ids: str | Sequence[str]) -> tuple[str, ...]:
    return (ids,) if isinstance(ids, str) else tuple(ids)


def _conditions(filters: FilterValues) -> dict[str, Parameter]:
    """Return filters as query parameters. Raises `TypeError` for an unknown one."""
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in _known(filters).items()
    }


def _known(filters: FilterValues) -> dict[str, Any]:
    """Return filters as an object of JSON. Raises `TypeError` for an unknown one."""
    unknown = filters.keys() - NAMES
    if unknown:
        raise TypeError(f"There is no filter {min(unknown)!r}; use {', '.join(sorted(NAMES))}.")
    return given(filters)


def _send_json(
    method: Method,
    path: str,
    model: type[Model],
    body: BaseModel,
    parameters: Mapping[str, Parameter] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Call[Model]:
    return Call(
        method,
        path,
        _json(model),
        parameters or {},
        body.model_dump_json(exclude_unset=True).encode(),
        {"Content-Type": "application/json", **(headers or {})},
    )


def _get(model: type[Model], path: str, **parameters: Parameter | None) -> Call[Model]:
    return Call("GET", path, _json(model), _given(**parameters))


def _about(
    model: type[Model],
    path: str,
    identifier: str | None,
    image: bytes | None,
    **parameters: Parameter | None,
) -> Call[Model]:
    if (identifier is None) == (image is None):
        raise ValueError("Give either the id of a stored image or an image.")
    if image is None:
        return _get(model, path, id=identifier, **parameters)
    return Call("POST", path, _json(model), _given(**parameters), image)


def _json(model: type[Model]) -> Callable[[httpx.Response], Model]:
    return lambda response: model.model_validate_json(response.content)


def _content(response: httpx.Response) -> bytes:
    return response.content


def _given(**parameters: Parameter | None) -> dict[str, Parameter]:
    return {name: value for name, value in parameters.items() if value is not None}
