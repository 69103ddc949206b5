"""Publishing: write a release completely, then set the link `current` to it."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from embeddings.arrays import Doubles, Floats, Pixels
from embeddings.atomic import DRAFT_PREFIX, atomic_folder, atomic_symlink
from embeddings.digests import file_digest
from embeddings.encoder import Encoded, Encoder, encoder_fingerprint
from embeddings.images import read_pixels
from embeddings.index.flat import FlatIndex
from embeddings.index.knn_graph import build_neighbor_graph
from embeddings.progress import Track, no_progress
from embeddings.recognition import NEIGHBOR, distance_to_training, typicality
from embeddings.release.manifest import (
    MANIFEST,
    DataInfo,
    EncoderInfo,
    InputSpec,
    Manifest,
    StoreVersions,
)
from embeddings.release.parity import Reference, check_parity
from embeddings.release.reader import (
    COMPARISON,
    CURRENT,
    ENCODER,
    ERROR_LIST,
    ERRORS,
    FEATURES,
    IMAGE_LIST,
    IMAGES,
    LABEL_ISSUE_LIST,
    LABEL_ISSUES,
    TYPICALITY,
    UNCERTAINTY,
    WEIGHTS,
    LabelIssue,
    Misclassified,
    ReleaseError,
    read_manifest,
    refuse_newer_release,
    verify_release,
    write_features,
)
from embeddings.release.reliability import measure_uncertainty
from embeddings.release.reports import Comparison
from embeddings.release.uncertainty import Reliability, Typicality, UncertaintyReport
from embeddings.runtime import Precision
from embeddings.store.features import FeatureTable
from embeddings.store.images import ImageTable
from embeddings.store.records import StoredImage
from embeddings.tsne import fit_map

_LIBRARIES = ("faiss-cpu", "numpy", "openTSNE", "openvino", "Pillow", "pylance")


Explain = Callable[[Sequence[str], Sequence[str]], Floats]
"""Callable (ids, predicted classes) -> heat maps of shape (n, rows, columns)."""


@dataclass(frozen=True)
class Candidate:
    """Trained model with everything that its release contains."""

    model: Path
    """OpenVINO model with two outputs: embedding and probabilities."""
    comparison: Comparison
    reference: Reference
    """Outputs of the trained model for the parity check."""
    temperature: float
    """Temperature already applied to the probabilities of `model`."""
    uncalibrated: Reliability
    """Reliability without temperature scaling, on the validation set."""
    tuning: tuple[str, ...]
    """Ids of the tuning set, used for the threshold of the prediction sets."""
    label_issues: tuple[LabelIssue, ...]
    explain: Explain


def publish(
    candidate: Candidate,
    store_uri: str,
    releases: Path,
    *,
    track: Track = no_progress,
    map_seed: int = 0,
    precision: Precision = "f32",
) -> Path:
    """Publish a candidate as the current release and return its folder.

    The caller must hold the lock of the home. Raises `ParityError` if the encoder differs from the
    trained model, and `ReleaseError` if a newer version published the current release; nothing is
    published then.
    """
    refuse_newer_release(releases)
    table = ImageTable.open(store_uri)
    encoder = Encoder(candidate.model, precision)
    fingerprint = encoder_fingerprint(candidate.model)
    encoded = _features(table, FeatureTable(store_uri), encoder, fingerprint, track)
    rows = {image.id: row for row, image in enumerate(table.images)}
    wanted = [rows[identifier] for identifier in candidate.reference.ids]
    classes = candidate.comparison.classes
    parity = check_parity(
        candidate.reference,
        Encoded(encoded.embeddings[wanted], encoded.probabilities[wanted]),
        [classes.index(table.images[row].label) for row in wanted],
        precision,
    )
    releases.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=DRAFT_PREFIX, dir=releases) as temporary:
        draft = Path(temporary)
        _write_contents(draft, candidate, table, encoded, map_seed)
        manifest = Manifest(
            data=DataInfo(
                name=table.collection.name,
                fingerprint=table.collection.fingerprint,
                photographs=len(table.images),
            ),
            classes=candidate.comparison.classes,
            encoder=EncoderInfo(
                fingerprint=fingerprint,
                experiment=candidate.comparison.best,
                embedding_dimension=encoded.embeddings.shape[1],
                input=InputSpec(height=encoder.height, width=encoder.width),
                precision=precision,
            ),
            parity=parity,
            store=StoreVersions(images=table.version, features=FeatureTable(store_uri).version),
            map_seed=map_seed,
            versions={name: version(name) for name in _LIBRARIES},
            files={path.name: file_digest(path) for path in sorted(draft.iterdir())},
        ).sealed()
        (draft / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
        return _install(draft, releases, manifest.folder)


def _features(
    table: ImageTable, features: FeatureTable, encoder: Encoder, fingerprint: str, track: Track
) -> Encoded:
    """Return the features of all images, computing and storing those missing for this encoder."""
    kept = features.read(fingerprint, table.images)
    missing = [image for image in table.images if image.id not in kept]
    if missing:
        results = encoder.encode_all(_pixels(table, set(kept), encoder))
        computed = Encoded.concatenate(track(results, "Features", len(missing)))
        features.upsert(fingerprint, missing, computed)
        kept |= {image.id: computed.row(i) for i, image in enumerate(missing)}
    return Encoded.concatenate(kept[image.id] for image in table.images)


def _pixels(table: ImageTable, known: set[str], encoder: Encoder) -> Iterator[Pixels]:
    for image, jpeg in zip(table.images, table.jpegs(), strict=True):
        if image.id not in known:
            yield read_pixels(jpeg, encoder.height, encoder.width)


def _write_contents(
    draft: Path, candidate: Candidate, table: ImageTable, encoded: Encoded, map_seed: int
) -> None:
    shutil.copyfile(candidate.model, draft / ENCODER)
    shutil.copyfile(candidate.model.with_suffix(".bin"), draft / WEIGHTS)
    points = fit_map(encoded.embeddings, map_seed)
    images = table.images
    index = FlatIndex([image.id for image in images], encoded.embeddings)
    distances = _distances_to_training(index, images)
    reference = np.sort(distances[np.array([image.split == "validation" for image in images])])
    scores = np.array([typicality(reference, distance) for distance in distances])
    write_features(draft / FEATURES, images, encoded, points, build_neighbor_graph(index), scores)
    errors = _add_heat_maps(
        find_errors(images, candidate.comparison.classes, encoded), candidate.explain
    )
    (draft / IMAGES).write_bytes(IMAGE_LIST.dump_json(images))
    (draft / ERRORS).write_bytes(ERROR_LIST.dump_json(errors))
    (draft / COMPARISON).write_text(candidate.comparison.model_dump_json(), encoding="utf-8")
    (draft / LABEL_ISSUES).write_bytes(LABEL_ISSUE_LIST.dump_json(candidate.label_issues))
    uncertainty = _measure_uncertainty(candidate, images, encoded)
    (draft / UNCERTAINTY).write_text(uncertainty.model_dump_json(), encoding="utf-8")
    (draft / TYPICALITY).write_text(
        Typicality(neighbor=NEIGHBOR, distances=tuple(reference.tolist())).model_dump_json(),
        encoding="utf-8",
    )


def find_errors(
    images: tuple[StoredImage, ...], classes: tuple[str, ...], encoded: Encoded
) -> tuple[Misclassified, ...]:
    """Return the misclassified validation images in ascending order of true probability."""
    predicted = np.argmax(encoded.probabilities, axis=1)
    errors = [
        Misclassified(
            id=image.id,
            label=image.label,
            predicted=classes[predicted[row]],
            true_probability=float(encoded.probabilities[row, classes.index(image.label)]),
        )
        for row, image in enumerate(images)
        if image.split == "validation" and classes[predicted[row]] != image.label
    ]
    return tuple(sorted(errors, key=lambda error: (error.true_probability, error.id)))


def _add_heat_maps(
    errors: tuple[Misclassified, ...], explain: Explain
) -> tuple[Misclassified, ...]:
    if not errors:
        return errors
    heat = explain([error.id for error in errors], [error.predicted for error in errors])
    return tuple(
        error.model_copy(update={"heat": tuple(map(tuple, grid))})
        for error, grid in zip(errors, np.round(heat.astype(float), 3).tolist(), strict=True)
    )


def _measure_uncertainty(
    candidate: Candidate, images: tuple[StoredImage, ...], encoded: Encoded
) -> UncertaintyReport:
    """Measure calibration and prediction sets on the probabilities of the published encoder."""
    classes = candidate.comparison.classes
    numbers = {label: number for number, label in enumerate(classes)}
    labels = np.array([numbers[image.label] for image in images], np.int64)
    ids = set(candidate.tuning)
    tuning = np.array([image.id in ids for image in images])
    validation = np.array([image.split == "validation" for image in images])
    return measure_uncertainty(
        candidate.temperature,
        candidate.uncalibrated,
        (encoded.probabilities[tuning], labels[tuning]),
        (encoded.probabilities[validation], labels[validation]),
        classes,
    )


def _distances_to_training(index: FlatIndex, images: tuple[StoredImage, ...]) -> Doubles:
    """Return the distance of every image to its tenth nearest training image, itself left out."""
    training = np.array([image.split == "train" for image in images])
    return np.array(
        [
            distance_to_training(index, training, embedding, exclude=row)
            for row, embedding in enumerate(index.embeddings)
        ]
    )


def _install(draft: Path, releases: Path, name: str) -> Path:
    """Move the finished files into the folder of the release, then set the link `current`."""
    folder = releases / name
    if not _is_intact(folder):
        with atomic_folder(folder) as place:
            for path in draft.iterdir():
                path.rename(place / path.name)
    _name_copied_release(releases)
    atomic_symlink(releases / CURRENT, name)
    return folder


def _name_copied_release(releases: Path) -> None:
    """Rename a folder `current`, left by a copy that followed the link, to its release name."""
    copied = releases / CURRENT
    if copied.is_symlink() or not _is_intact(copied):
        return
    folder = releases / read_manifest(copied).folder
    if not folder.exists():
        copied.rename(folder)


def _is_intact(folder: Path) -> bool:
    try:
        verify_release(folder)
    except ReleaseError:
        return False
    return True
