"""JSON responses of the service."""

from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field

from embeddings.export import FormatName
from embeddings.frozen_model import FrozenModel, StrictModel
from embeddings.ingest.outcomes import WriteOutcome
from embeddings.release.label_loop import LabelLoop
from embeddings.release.neighbor_stages import Stage, StageNeighbor
from embeddings.release.reports import ExperimentReport, ExperimentSummary, VersionComparison
from embeddings.release.robustness import Robustness
from embeddings.release.uncertainty import Calibration, PredictionSets, Typicality
from embeddings.review.queue import Goal
from embeddings.review.reasons import ReasonKind
from embeddings.store.attribution import Attribution
from embeddings.store.split import Split
from service.image_filter import ImageFilter
from service.problems import PROBLEMS, ProblemType, title_of

API_KEY_HEADER = "X-API-Key"
"""Request header for the API key."""

REVISION_HEADER = "Belvedere-Revision"
"""Response header of changes, the revision that contains the change, and of exports."""

MOST_EXPORTED = 100_000
"""Maximum number of ids in a request for an export."""

RELEASE_HEADER = "Belvedere-Release"
"""Response header of exports: the fingerprint of the release."""

MOST_NEIGHBORS = 1000
"""Maximum of `k`."""

MOST_EXAMPLES = 100
"""Maximum number of examples, and of counter-examples, of a search."""

BulkOutcome = Literal[WriteOutcome, "rejected", "failed"]
"""Outcome of one image of a bulk request."""

JobState = Literal["waiting", "running", "done", "cancelled", "failed", "interrupted"]

_FIRST_PROBLEM = next(iter(ProblemType))

_Id = Field(description="Id of the image.")
_Label = Field(description="Class assigned to the image.")
_StoredLabel = Field(description="Class assigned to the image; null for an image without a label.")
_Predicted = Field(description="Most probable class according to the served model.")
_Split = Field(
    description="Part of the data: `train`, `validation`, or `pool` for neither of them."
)
_Learned = Field(
    description="True if the served model learned from the file of the image; false for training "
    "images that came after the training."
)
_Probabilities = Field(description="Probability of each class, 0–1; the sum is 1.")
_Attribution = Field(
    description="Attribution to show with the image; null if its photographer is unknown."
)
_NewLabel = Field(
    None,
    description="New class; null removes the label, and the image joins the pool. By default the "
    "label stays.",
)
_NewClass = Field(
    False,
    description="True to create a class that neither an image nor the model has; otherwise such a "
    "label is refused.",
)
_Image = Field(description="Path of the image's JPEG file at this service.")


def heatmap_path(identifier: str) -> str:
    """Return the path of the heat map of a misclassified image, percent-encoded."""
    return f"/errors/{quote(identifier)}/heatmap"


def image_path(identifier: str) -> str:
    """Return the path of an image's JPEG file, percent-encoded."""
    return f"/images/{quote(identifier)}"


class Answer(FrozenModel):
    """Fields of every JSON response."""

    release: str = Field(description="Fingerprint of the release that the response comes from.")
    revision: int = Field(
        description="Revision of the feature store: the response contains all changes up to it."
    )


class Problem(FrozenModel):
    """Error response in the format of RFC 9457."""

    type: str = Field(
        "about:blank",
        description="Problem type as a URI; later versions may add types.",
        examples=list(ProblemType),
    )
    title: str = Field(description="Name of the problem type.", examples=[title_of(_FIRST_PROBLEM)])
    status: int = Field(description="HTTP status.", examples=[PROBLEMS[_FIRST_PROBLEM].status])
    detail: str = Field(description="Cause of the problem and its remedy.")
    ids: tuple[str, ...] | None = Field(
        None,
        description="Ids of the images concerned, at most 1,000; absent if the problem names none.",
    )
    release: str | None = Field(
        None, description="Fingerprint of the served release; absent if none is served."
    )


class Prediction(Answer):
    """Prediction for one image."""

    label: str = Field(description="Most probable class.")
    probabilities: dict[str, float] = _Probabilities
    set: tuple[str, ...] = Field(
        description="Classes that cannot be excluded, the most probable first; the set contains "
        "the true class for about 90 of 100 images. Empty if every class is too improbable."
    )
    typicality: float = Field(
        description="Share of validation images, 0–1, that are farther from the training images; a "
        "value near 0 means that the image is unlike the training images."
    )


class Query(FrozenModel):
    """Image for which neighbours were requested."""

    id: str | None = Field(description="Id of the stored image; null for an uploaded one.")


class Neighbor(FrozenModel):
    """Stored image near the query."""

    id: str = _Id
    label: str | None = _StoredLabel
    split: Split = _Split
    distance: float = Field(
        description="Euclidean distance between the two embeddings, without unit."
    )
    image: str = _Image
    attribution: Attribution | None = _Attribution


class Neighborhood(Answer):
    """Stored images with the embeddings nearest to the query's, without the query itself."""

    query: Query = Field(description="Image for which neighbours were requested.")
    k: int = Field(description="Requested number; fewer are returned if there are no more.")
    metric: Literal["euclidean"] = Field(description="Distance measure.")
    index: str = Field(
        description="Kind of the search, such as `flat`, which compares all images, `hnsw`, which "
        "follows a graph, or `ivf`, which compares the images of the nearest clusters."
    )
    exact: bool = Field(description="True if no nearer image can have been missed.")
    neighbors: tuple[Neighbor, ...] = Field(description="Neighbours by distance, then by id.")


class SearchExamples(StrictModel):
    """Examples of the images to find, and counter-examples."""

    like: tuple[str, ...] = Field(
        min_length=1,
        max_length=MOST_EXAMPLES,
        description="Ids of stored images like those to find.",
    )
    unlike: tuple[str, ...] = Field(
        (), max_length=MOST_EXAMPLES, description="Ids of stored images unlike those to find."
    )
    k: int = Field(
        20, ge=1, le=MOST_NEIGHBORS, description="Number of images; all if there are fewer."
    )


class ExampleSearch(Answer):
    """Stored images nearest to the examples and away from the counter-examples."""

    like: tuple[str, ...] = Field(description="Ids of the examples, without repetitions.")
    unlike: tuple[str, ...] = Field(description="Ids of the counter-examples, without repetitions.")
    k: int = Field(description="Requested number; fewer are returned if there are no more.")
    metric: Literal["euclidean"] = Field(description="Distance measure.")
    index: str = Field(description="Kind of the search, such as `flat`, which compares all images.")
    exact: bool = Field(description="True if no nearer image can have been missed.")
    neighbors: tuple[Neighbor, ...] = Field(
        description="Images by the distance of their embedding from the query, then by id, without "
        "examples and counter-examples. The query is the mean of the examples, moved away from "
        "that of the counter-examples."
    )


class MapPoint(FrozenModel):
    """Stored image on the map."""

    id: str = _Id
    label: str | None = _StoredLabel
    predicted: str = _Predicted
    split: Split = _Split
    learned: bool = _Learned
    x: float = Field(description="Horizontal coordinate, without unit.")
    y: float = Field(description="Vertical coordinate, without unit.")


class Map(Answer):
    """t-SNE map, on which images with similar embeddings are close."""

    points: tuple[MapPoint, ...] = Field(
        description="Images added since the release by id, then the others in the order of "
        "sampling."
    )


class Point(FrozenModel):
    """Position on the map of the release."""

    x: float = Field(description="Horizontal coordinate, without unit.")
    y: float = Field(description="Vertical coordinate, without unit.")


class Placement(Answer):
    """Position of an uploaded image on the map of the release."""

    point: Point = Field(description="Position in the coordinates of the map.")


class ImageRecord(FrozenModel):
    """Metadata of a stored image."""

    id: str = _Id
    label: str | None = _StoredLabel
    split: Split = _Split
    learned: bool = _Learned
    width: int = Field(description="Width in pixels after the EXIF rotation.")
    height: int = Field(description="Height in pixels after the EXIF rotation.")
    attribution: Attribution | None = _Attribution
    tags: tuple[str, ...] = Field(description="Tags that people gave the image, in order.")
    attributes: dict[str, Any] = Field(
        description="Facts about the image, such as `taken` and `camera`, without its location."
    )
    reviewed: datetime | None = Field(
        description="Time at which a person set or kept the label, UTC; null if none has. "
        "`GET /history` names the person."
    )
    etag: str = Field(
        description="Entity tag of the record, which changes with its contents and every review."
    )


class ImageList(Answer):
    """Page of stored images."""

    images: tuple[ImageRecord, ...] = Field(description="Images of this page, ordered by id.")
    total: int = Field(description="Number of images that match the filters, on all pages.")


class IdList(Answer):
    """Ids of stored images."""

    ids: tuple[str, ...] = Field(description="Ids of this page, in ascending order.")
    total: int = Field(description="Number of images that meet the filter, on all pages.")


class FacetValue(FrozenModel):
    """Value of a field and the number of its images."""

    value: str = Field(description="Value of the field.")
    count: int = Field(description="Number of images.")


class Facet(FrozenModel):
    """Values of a field with their numbers of images."""

    values: tuple[FacetValue, ...] = Field(
        description="The most frequent values and those of the filter, the most frequent first."
    )
    distinct: int = Field(description="Number of different values.")
    missing: int = Field(description="Number of images without a value.")


class FlagCounts(FrozenModel):
    """Numbers of images with and without a property."""

    yes: int = Field(description="Number of images with it.")
    no: int = Field(description="Number of images without it.")


class TypicalityHistogram(FrozenModel):
    """Distribution of typicality."""

    counts: tuple[int, ...] = Field(
        description="Number of images in each of 20 equal intervals of typicality, 0–1."
    )


class Facets(Answer):
    """Numbers of images for the values of each field.

    Each field is counted among the images that meet the conditions on all other fields.
    """

    total: int = Field(description="Number of images that meet the filter.")
    label: Facet = Field(description="Classes; images without a label have no value.")
    predicted: Facet = Field(description="Most probable classes.")
    split: Facet = Field(description="Parts of the data.")
    tag: Facet = Field(description="Tags; an image counts for each of its tags.")
    camera: Facet = Field(description="Cameras.")
    photographer: Facet = Field(description="Photographers.")
    year: Facet = Field(description="Years in which the images were taken.")
    labelled: FlagCounts = Field(description="Images with and without a label.")
    wrong: FlagCounts = Field(
        description="Images whose prediction differs from their label, and those whose prediction "
        "is their label."
    )
    uncertain: FlagCounts = Field(
        description="Images whose prediction set is empty or has several classes, and others."
    )
    learned: FlagCounts = Field(
        description="Images whose file the served model learned from, and others."
    )
    reviewed: FlagCounts = Field(
        description="Images whose label a person has set or kept, and others."
    )
    typicality: TypicalityHistogram = Field(description="Typicality of the images.")


class SelectionContent(StrictModel):
    """Images of a selection: either `ids` or `filter`."""

    ids: tuple[str, ...] | None = Field(
        None, max_length=100_000, description="Ids of a fixed selection."
    )
    filter: ImageFilter | None = Field(
        None, description="Filter of a live selection, with the names of the query parameters."
    )


class SelectionRecord(FrozenModel):
    """Saved selection of images."""

    name: str = Field(description="Name of the selection.")
    kind: Literal["fixed", "live"] = Field(
        description="`fixed` for a set of ids, `live` for a filter that is evaluated when the "
        "selection is read."
    )
    images: int = Field(description="Number of images.")
    missing: int = Field(description="Number of ids whose images are deleted.")
    filter: dict[str, Any] | None = Field(
        description="Conditions of a live selection, with the names of the query parameters; null "
        "for a fixed one."
    )
    by: str = Field(description="Name of the person that saved it last.")
    created: datetime = Field(description="Time at which it was saved first, UTC.")
    changed: datetime = Field(description="Time at which it was saved last, UTC.")
    etag: str = Field(description="Entity tag, which changes with the ids or the filter.")


class SavedSelection(SelectionRecord, Answer):
    """One saved selection of images."""


class SelectionList(Answer):
    """Saved selections."""

    selections: tuple[SelectionRecord, ...] = Field(description="Selections, ordered by name.")


class Image(ImageRecord, Answer):
    """One stored image."""


class WrittenImage(Answer):
    """Result of a change of one image, contained in `revision` and all later ones."""

    outcome: WriteOutcome = Field(
        description="`added`, `replaced` (other content), `relabelled`, `changed`, `reviewed`, "
        "`unchanged`, or `duplicate_of` if the content is stored under another id and nothing was "
        "written."
    )
    detail: str = Field(description="Explanation; empty if the outcome says all.")
    decisions: tuple[str, ...] = Field(
        description="Keys of the decisions that the change recorded, for `POST /undo`."
    )
    image: ImageRecord | None = Field(
        description="Image after the change; null if a later change deleted it."
    )
    prediction: Prediction | None = Field(
        description="Prediction of the served model; null for a change of labels."
    )
    neighbors: tuple[Neighbor, ...] = Field(
        description="The three nearest stored images; empty for a change of labels."
    )


class _TagChanges(StrictModel):
    """Changes of the tags of images."""

    add_tags: tuple[str, ...] = Field(
        (),
        max_length=32,
        description="Tags to add, of up to 64 characters; an image has up to 32 tags.",
    )
    remove_tags: tuple[str, ...] = Field(
        (), max_length=32, description="Tags to remove; those that an image lacks are ignored."
    )
    reviewed: bool = Field(
        False,
        description="True to record that a person looked at the image, also if its label stays.",
    )


class ImageChange(_TagChanges):
    """Change of the label, the attributes or the tags of an image."""

    label: str | None = _NewLabel
    new_class: bool = _NewClass
    attributes: dict[str, Any] | None = Field(
        None,
        description="Changed attributes (JSON merge patch); null deletes an attribute. By default "
        "all stay.",
    )


class ImagesChange(_TagChanges):
    """Change of many images: of labels, tags and reviews, or their deletion or restoration."""

    ids: tuple[str, ...] = Field(
        min_length=1, max_length=10_000, description="Ids of the images; all or none are changed."
    )
    label: str | None = _NewLabel
    new_class: bool = _NewClass
    deleted: bool | None = Field(
        None,
        description="True to delete the images, false to restore them; not with other changes.",
    )
    if_match: dict[str, str] = Field(
        {},
        max_length=10_000,
        description="Entity tags (`etag`) of the images on which the change is based, by id.",
    )


class DecisionKeys(StrictModel):
    """Keys of decisions to take back."""

    decisions: tuple[str, ...] = Field(
        min_length=1, max_length=40_000, description="Keys, from `decisions` of a change."
    )


class DistinctIds(StrictModel):
    """Ids of near-duplicates that are different images."""

    ids: tuple[str, ...] = Field(
        min_length=2, max_length=1000, description="Ids of the images of one group."
    )


class WrittenChanges(Answer):
    """Result of a change of many images, contained in `revision` and all later ones."""

    outcomes: dict[str, int] = Field(
        description="Number of images of each outcome: `relabelled`, `changed`, `reviewed`, "
        "`distinct`, `deleted`, `restored`, `undone`, `unchanged`."
    )
    decisions: tuple[str, ...] = Field(
        description="Keys of the decisions that the change recorded, for `POST /undo`."
    )
    images: dict[str, str] = Field(description="Entity tag of each image after the change, by id.")


class ImageIds(StrictModel):
    """Ids of deleted images."""

    ids: tuple[str, ...] = Field(min_length=1, max_length=1000, description="Ids to restore.")


class ExportedIds(StrictModel):
    """Images to export."""

    ids: tuple[str, ...] = Field(
        min_length=1, max_length=MOST_EXPORTED, description="Ids of the images."
    )
    format: FormatName = Field("parquet", description="Format of the file.")
    at: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Tag or revision of a dataset version; by default the served state.",
    )
    thumbnails: bool = Field(
        False, description="Contain a thumbnail of each image; in the format `parquet`."
    )


class Restored(Answer):
    """Result of taking deletions back."""

    outcome: WriteOutcome = Field(
        description="`restored`, or `unchanged` if none of the images was deleted."
    )


class ItemOutcome(FrozenModel):
    """Outcome of one image of many."""

    file: str = Field(description="Path of the image in the archive, or its name in the form.")
    id: str = Field(description="Id of the image; with `duplicate_of`, that of the stored image.")
    outcome: BulkOutcome = Field(
        description="Outcome of a change; `rejected` if image, id or label are unusable, and "
        "`failed` if the service could not process it."
    )
    detail: str = Field(description="Explanation; empty if the outcome says all.")


class JobRecord(FrozenModel):
    """Progress of a job."""

    id: str = Field(description="Id of the job.")
    kind: Literal["add"] = Field(description="Task of the job: `add` adds images.")
    state: JobState = Field(
        description="`waiting`, `running`, `done`, `cancelled`, `failed`, or `interrupted` if the "
        "service ended meanwhile."
    )
    detail: str = Field(description="Explanation of the state; empty if the state says all.")
    by: str = Field(description="Name of the caller.")
    created: datetime = Field(description="Time of the request, UTC.")
    finished: datetime | None = Field(description="Time of the end, UTC; null before it.")
    total: int = Field(description="Number of images.")
    done: int = Field(description="Number of images with an outcome.")
    eta: float | None = Field(description="Estimated seconds until the end; null if unknown.")
    outcomes: dict[str, int] = Field(description="Number of images of each outcome.")
    committed: int | None = Field(
        description="Revision that contains all images written so far; null if there are none."
    )


class Job(JobRecord, Answer):
    """One job with the images that were not stored as sent."""

    problems: tuple[ItemOutcome, ...] = Field(
        description="Outcomes other than `added`, `replaced`, `relabelled` and `unchanged`, on "
        "this page, in the order of the images."
    )
    problems_total: int = Field(description="Number of such outcomes on all pages.")


class JobList(Answer):
    """Jobs, newest first."""

    jobs: tuple[JobRecord, ...] = Field(description="The last 100 jobs.")


class WrittenImages(Answer):
    """Outcomes of up to 100 images."""

    outcomes: tuple[ItemOutcome, ...] = Field(
        description="Outcome of each image, in the order of the request."
    )


class Publishing(Answer):
    """Release that is being published; `/readyz` names it as soon as it is served."""

    changes: int = Field(
        description="Number of images that the new release contains otherwise than `release`."
    )


class AcceptedJob(Answer):
    """Job that adds more than 100 images."""

    job: JobRecord = Field(description="The job; its address is in the header `Location`.")


class Features(Answer):
    """Embedding and probabilities of a stored image."""

    id: str = _Id
    embedding: tuple[float, ...] = Field(
        description="Output of the model's penultimate layer; the encoder determines its dimension."
    )
    probabilities: dict[str, float] = _Probabilities
    label: str | None = _StoredLabel
    predicted: str = _Predicted
    split: Split = _Split


class TrainingVersion(FrozenModel):
    """Dataset version that a model learned from."""

    version: str = Field(description="Tag of the dataset version.")
    revision: int = Field(description="Revision of the feature store.")
    images: int = Field(description="Number of training images, including the tuning part.")
    validation: int = Field(description="Number of validation images.")


class DatasetVersion(FrozenModel):
    """Revision of the feature store."""

    revision: int = Field(description="Number of the revision; later revisions are larger.")
    created: datetime = Field(description="Time of the change, UTC.")
    tags: tuple[str, ...] = Field(
        description="Names, such as `release-` and the fingerprint of a release."
    )
    images: int = Field(description="Number of images.")
    classes: dict[str, int] = Field(description="Number of images of each class.")


class VersionList(Answer):
    """Page of dataset versions."""

    versions: tuple[DatasetVersion, ...] = Field(
        description="Dataset versions of this page, newest first."
    )
    total: int = Field(description="Number of dataset versions on all pages.")
    training: TrainingVersion = Field(
        description="Dataset version that the served model learned from."
    )


class Relabelled(FrozenModel):
    """Image with another label."""

    id: str = _Id
    before: str | None = Field(description="Label in the first version; null for none.")
    after: str | None = Field(description="Label in the second version; null for none.")


class ChangeCounts(FrozenModel):
    """Numbers of changed images."""

    added: int = Field(description="Images that the second version alone has.")
    removed: int = Field(description="Images that the first version alone has.")
    replaced: int = Field(description="Images with another file.")
    relabelled: int = Field(description="Images with another label.")
    moved_to_pool: int = Field(description="Images that joined the pool.")
    kept: int = Field(description="Images whose label a person kept.")


class ChangedCounts(FrozenModel):
    """Numbers of images that changed after a revision."""

    added: int = Field(description="Added images.")
    changed: int = Field(description="Changed images.")
    deleted: int = Field(description="Deleted images.")


class ClassChanges(FrozenModel):
    """Numbers of changed images of a class."""

    added: int = Field(description="Added images, and those relabelled to this class.")
    removed: int = Field(description="Removed images, and those relabelled from this class.")
    replaced: int = Field(description="Images with another file.")
    moved_to_pool: int = Field(description="Images that are no longer training or validation.")


class VersionDifference(Answer):
    """Difference between two dataset versions."""

    before: int = Field(description="Revision of the first version.")
    after: int = Field(description="Revision of the second version.")
    total: ChangeCounts = Field(description="Numbers of changed images on all pages.")
    added: tuple[str, ...] = Field(description="Ids that the second version alone has.")
    removed: tuple[str, ...] = Field(description="Ids that the first version alone has.")
    replaced: tuple[str, ...] = Field(description="Ids of images with another file.")
    relabelled: tuple[Relabelled, ...] = Field(description="Images with another label.")
    moved_to_pool: tuple[str, ...] = Field(
        description="Ids of images that joined the pool, which is neither learned from nor judged."
    )
    kept: tuple[str, ...] = Field(
        description="Ids of images that a person reviewed meanwhile, with the same file and label."
    )
    by_class: dict[str, ClassChanges] = Field(description="Numbers of changed images by class.")


class ImageChanges(Answer):
    """Images that changed after a revision, up to that of the response."""

    since: int = Field(description="The revision after which they changed.")
    total: ChangedCounts = Field(description="Numbers of changed images on all pages.")
    added: tuple[str, ...] = Field(description="Ids of added images.")
    changed: tuple[str, ...] = Field(
        description="Ids of images with another file, label, split or other facts."
    )
    deleted: tuple[str, ...] = Field(description="Ids of deleted images.")


class LabelDecision(FrozenModel):
    """Decision about the label of an image."""

    key: str = Field(description="Key of the decision.")
    time: datetime = Field(description="Time of the decision, UTC.")
    before: str | None = Field(description="Label before the decision; null for none.")
    after: str | None = Field(description="Label after the decision; null for none.")
    by: str = Field(description="Name of the person, key or command.")
    why: str = Field(
        description="Kind: `import`, `replacement`, `review`, `reviewed` (the label was kept), "
        "`attributes`, `tags:` and the changes, `distinct:` and a group, `delete`, `restore`, or "
        "`undo:` and the kind of the decision that is taken back."
    )
    undoes: str | None = Field(
        description="Key of the decision that this one takes back; null for none."
    )


class ImageHistory(Answer):
    """History of one image, which may be deleted."""

    id: str = _Id
    added: datetime | None = Field(description="Time of the first ingest, UTC.")
    changed: datetime | None = Field(description="Time of the last change, UTC.")
    deleted: datetime | None = Field(
        description="Time of the deletion, UTC; null if the image is stored."
    )
    decisions: tuple[LabelDecision, ...] = Field(
        description="Decisions about its label, the oldest first."
    )


class ExperimentList(Answer):
    """Comparison of all experiments on one split."""

    preset: str = Field(description="Set of experiments, such as `quick`.")
    classes: tuple[str, ...] = Field(
        description="All classes, in the order of the model's outputs."
    )
    training: TrainingVersion = Field(
        description="Dataset version that the served model learned from."
    )
    not_learned: int = Field(description="Number of training images that came after the training.")
    train: int = Field(description="Number of training images, including the tuning part.")
    tuning: int = Field(
        description="Number of training images reserved for early stopping and selection."
    )
    validation: int = Field(description="Number of validation images.")
    best: str = Field(description="Name of the published experiment.")
    experiments: tuple[ExperimentSummary, ...] = Field(description="Summaries of all experiments.")
    random_split: tuple[ExperimentSummary, ...] = Field(
        description="Some experiments repeated on a random split, which ignores photographers."
    )
    versions: tuple[VersionComparison, ...] = Field(
        description="Comparison with the models of earlier dataset versions, latest first."
    )


class Experiment(ExperimentReport, Answer):
    """Full report of one experiment: curves, confusion matrix, figures by class."""


class Misclassification(FrozenModel):
    """Validation image that the served model misclassifies."""

    id: str = _Id
    label: str = _Label
    predicted: str = _Predicted
    probabilities: dict[str, float] = _Probabilities
    true_probability: float = Field(description="Probability of the true class, 0–1.")
    image: str = _Image
    heatmap: str | None = Field(
        description="Path of a JPEG file that highlights the regions in favour of the prediction "
        "(Grad-CAM); null if the release has none."
    )
    nearest: tuple[Neighbor, ...] = Field(description="The three nearest training images.")
    attribution: Attribution | None = _Attribution


class ErrorList(Answer):
    """Misclassified validation images."""

    errors: tuple[Misclassification, ...] = Field(
        description="Sorted by the probability of the true class, lowest first."
    )
    total: int = Field(description="Number of all misclassified validation images.")


class LikelyLabelError(FrozenModel):
    """Image with a likely label error."""

    id: str = _Id
    label: str = _Label
    suggested: str = Field(description="More probable class.")
    label_probability: float = Field(description="Out-of-fold probability of the label, 0–1.")
    suggested_probability: float = Field(
        description="Out-of-fold probability of the suggested class, 0–1."
    )
    split: Split = _Split
    image: str = _Image
    attribution: Attribution | None = _Attribution


class LabelIssueList(Answer):
    """Images with a likely label error."""

    issues: tuple[LikelyLabelError, ...] = Field(
        description="Sorted by likelihood, the most likely error first."
    )
    total: int = Field(description="Number of all likely label errors.")
    decided: int = Field(
        description="Number of likely label errors whose label a person has set or kept, and which "
        "are left out."
    )


class ReviewReason(FrozenModel):
    """Number that speaks for a look at an image."""

    kind: Literal[ReasonKind, "entropy", "density"] = Field(
        description="`label_error`: out-of-fold probability of the label. `disagreement`: "
        "probability of the label by the served model, which predicts another class. `neighbors`: "
        "share of the three nearest images with another label. `uncertain`: number of classes in "
        "the prediction set. `untypical`: typicality. Without a label, `entropy` of the predicted "
        "probabilities and `density`, the mean cosine similarity to all images without a label."
    )
    value: float = Field(description="The number.")
    text: str = Field(description="Sentence with the numbers.")


class CorrectionEffect(FrozenModel):
    """Effect of another label of a validation image, or of its deletion, on the figures."""

    validation: int = Field(description="Number of validation images.")
    counted: bool = Field(
        description="True if the published accuracy counts the image, with its earlier label; "
        "published figures stay until a model is trained and published again."
    )
    correct: bool = Field(description="True if the served model predicts the present label.")
    correct_after: bool | None = Field(
        description="True if it predicts the suggested class; null without a suggestion, and in "
        "a group of duplicates."
    )


class ReviewItem(FrozenModel):
    """Image to look at, with the reasons."""

    id: str = _Id
    label: str | None = _StoredLabel
    suggested: str | None = Field(
        description="Class with the most support other than the label; null if all reasons concern "
        "the image and no other class."
    )
    score: float = Field(description="Place in the queue: the highest scores come first.")
    reasons: tuple[ReviewReason, ...] = Field(description="Reasons, the strongest first.")
    predicted: str = _Predicted
    probability: float = Field(description="Probability of the predicted class, 0–1.")
    set: tuple[str, ...] = Field(description="Prediction set, the most probable class first.")
    typicality: float = Field(description="Typicality, 0–1.")
    neighbors: tuple[Neighbor, ...] = Field(description="The three nearest stored images.")
    split: Split = _Split
    learned: bool = _Learned
    affects: CorrectionEffect | None = Field(
        description="Effect of a correction on the figures; null unless it is a validation image."
    )
    image: str = _Image
    attribution: Attribution | None = _Attribution
    etag: str = Field(description="Tag of the record, which changes with its contents.")


class ReviewQueue(Answer):
    """Images in the order in which to look at them."""

    goal: Goal = Field(description="`review` of labels, or `label` for images without one.")
    items: tuple[ReviewItem, ...] = Field(description="Images of this page, the first to look at.")
    total: int = Field(description="Number of images in the queue, on all pages.")
    decided: int = Field(
        description="Number of images left out because a person has set or kept their label."
    )


class DuplicateImage(FrozenModel):
    """Image of a group of duplicates."""

    id: str = _Id
    label: str | None = _StoredLabel
    split: Split = _Split
    learned: bool = _Learned
    width: int = Field(description="Width in pixels after the EXIF rotation.")
    height: int = Field(description="Height in pixels after the EXIF rotation.")
    sharpness: float = Field(
        description="Variance of the Laplacian of the grey values, at most 512 pixels wide or high."
    )
    distance: float = Field(
        description="Euclidean distance of its embedding to that of the best image, without unit."
    )
    affects: CorrectionEffect | None = Field(
        description="Effect of a deletion on the figures; null if it is no validation image."
    )
    image: str = _Image
    attribution: Attribution | None = _Attribution
    etag: str = Field(description="Tag of the record, which changes with its contents.")


class DuplicateGroup(FrozenModel):
    """Images that show the same."""

    key: str = Field(description="Name of the group: a function of its ids.")
    best: str = Field(
        description="Id of the suggested image to keep. Of the validation images, or of all if "
        "there are none, it is the one with the most pixels, of equal ones the sharpest, then the "
        "first id."
    )
    splits: tuple[Split, ...] = Field(description="Splits of its images, in alphabetical order.")
    joins: bool = Field(
        description="True if it has training and validation images: the validation accuracy of a "
        "model that learns from the former says less about other images."
    )
    distance: float = Field(description="Smallest distance of two of its images, without unit.")
    thumbnails: bool = Field(
        description="True if the thumbnails of two of its images are nearly equal."
    )
    images: tuple[DuplicateImage, ...] = Field(description="The best image, then the others by id.")


class DuplicateList(Answer):
    """Groups of duplicates."""

    groups: tuple[DuplicateGroup, ...] = Field(
        description="Groups of this page, those with the smallest distance first."
    )
    total: int = Field(description="Number of groups on all pages.")
    limit: float = Field(
        description="Largest distance of near embeddings, as a share of the distance of each image "
        "to its tenth nearest training image."
    )


class LabelLoopReport(Answer):
    """Effect of the review on the model, measured by simulated reviews."""

    loop: LabelLoop | None = Field(
        description="Simulated reviews at publishing; null if `belvedere label-loop` was not run "
        "before."
    )


class ShownStageNeighbor(StageNeighbor):
    """Training image near a query, with its file."""

    image: str = _Image
    attribution: Attribution | None = _Attribution


class ShownStage(Stage):
    """Nearest training images by one kind of representation."""

    neighbors: tuple[ShownStageNeighbor, ...] = Field(
        description="The three nearest, without images that were deleted since."
    )


class ShownStagedQuery(FrozenModel):
    """Validation image with its neighbours by each kind of representation."""

    id: str = _Id
    label: str = _Label
    image: str = _Image
    attribution: Attribution | None = _Attribution
    stages: tuple[ShownStage, ...] = Field(description="Pixels first, then the best networks.")


class NeighborStageList(Answer):
    """Neighbours of some validation images from model to model."""

    queries: tuple[ShownStagedQuery, ...] = Field(
        description="One validation image of each class, the one whose id has the smallest "
        "SHA-256; empty for a release without them."
    )


class RobustnessReport(Answer):
    """Accuracy and precision at 3 of the best model of each family on corrupted images."""

    robustness: Robustness | None = Field(
        description="Report at publishing; null if `belvedere robustness` was not run before."
    )


class CalibrationReport(Answer):
    """Calibration, prediction sets and typicality of the served model."""

    calibration: Calibration = Field(description="Calibration of the probabilities.")
    sets: PredictionSets = Field(description="Threshold and coverage of prediction sets.")
    typicality: Typicality = Field(description="Distances behind the typicality.")


class Liveness(FrozenModel):
    """Liveness of the process."""

    status: Literal["alive"] = Field(description="Always `alive`.")
    release: str | None = Field(
        description="Fingerprint of the served release; null if there is none."
    )
    revision: int | None = Field(
        description="Served revision of the feature store; null if no release is served."
    )


class Readiness(Answer):
    """Readiness: the release is verified, its images are readable, and an inference succeeded."""

    status: Literal["ready"] = Field(
        description="Always `ready`; otherwise the response is a problem with status 503."
    )
    data: str = Field(description="Name of the collection, such as `generated scenes`.")
    photographs: int = Field(description="Number of stored images.")
    classes: tuple[str, ...] = Field(
        description="All classes, in the order of the model's outputs."
    )
    network: str = Field(description="Name of the published experiment.")
    refused: str | None = Field(
        description="Reason why a newer release or later changes are not served; null if the "
        "newest ones are."
    )
    writable: bool = Field(description="True if the service accepts changes of the images.")
    keys: str | None = Field(
        description="Reason why the changed file of API keys is not used; null without such a file."
    )
