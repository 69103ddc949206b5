"""Publishing: write a release completely, then set the link `current` to it."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from embeddings.arrays import Doubles, Floats, Labels, Mask
from embeddings.atomic import DRAFT_PREFIX, atomic_folder, atomic_symlink
from embeddings.digests import file_digest
from embeddings.encoded import Encoded
from embeddings.encoder import Encoder, encoder_fingerprint
from embeddings.index import IndexContents
from embeddings.index.blocks import BlockSearch
from embeddings.progress import Track, no_progress
from embeddings.ray_cluster import Cluster
from embeddings.recognition import NEIGHBOR, typicalities
from embeddings.release.distributed_encoding import encode_on
from embeddings.release.encoding import Encode, encode_here, encode_images
from embeddings.release.geometry import Geometry, measure_geometry
from embeddings.release.label_loop import LabelLoop
from embeddings.release.manifest import (
    MANIFEST,
    DataInfo,
    EncoderInfo,
    IndexInfo,
    InputSpec,
    Manifest,
    Parity,
    TrainingInfo,
)
from embeddings.release.neighbor_stages import NeighborStages
from embeddings.release.parity import Reference, check_parity
from embeddings.release.reader import (
    COMPARISON,
    CURRENT,
    ENCODER,
    ERROR_LIST,
    ERRORS,
    FEATURES,
    IMAGES,
    LABEL_ISSUE_LIST,
    LABEL_ISSUES,
    LABEL_LOOP,
    NEIGHBOR_STAGES,
    ROBUSTNESS,
    TYPICALITY,
    UNCERTAINTY,
    WEIGHTS,
    HeatMap,
    LabelIssue,
    Misclassified,
    PublishedFeatures,
    Release,
    ReleaseError,
    current_release,
    is_intact,
    open_release,
    read_manifest,
    refuse_newer_release,
    write_features,
    write_images,
)
from embeddings.release.reliability import measure_uncertainty
from embeddings.release.reports import Comparison
from embeddings.release.robustness import Robustness
from embeddings.release.sealed_index import build_index
from embeddings.release.sharing import Share, keep_local
from embeddings.release.training_distances import distances_to_training
from embeddings.release.uncertainty import Reliability, Typicality, UncertaintyReport
from embeddings.runtime import Precision
from embeddings.settings import IndexSettings, is_remote
from embeddings.store.images import Snapshot
from embeddings.store.records import Images
from embeddings.store.retention import RELEASE_PREFIX
from embeddings.store.store import Store

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
    training_version: str
    """Tag of the dataset version that the model learned from."""
    label_issues: tuple[LabelIssue, ...]
    explain: Explain
    out_of_fold: tuple[Floats, Labels] | None = None
    """Calibrated out-of-fold probabilities of training images, shape (n, classes), and labels."""
    label_loop: LabelLoop | None = None
    """Report of simulated reviews, if there is one."""
    neighbor_stages: NeighborStages | None = None
    """Neighbours by several models, if they are known."""
    robustness: Robustness | None = None
    """Report on corrupted images, if there is one."""


@dataclass(frozen=True)
class _Model:
    """Model with its evidence, which stays the same when it is published again."""

    path: Path
    """OpenVINO model, `.xml`, with its weights beside it."""
    encoder: Encoder
    encode: Encode
    precision: Precision
    fingerprint: str
    comparison: Comparison
    training: TrainingInfo
    learned: frozenset[str]
    """Digests of the images that the model learned from, with those of the tuning set."""
    parity: Parity
    uncertainty: UncertaintyReport
    typicality: Typicality
    label_issues: tuple[LabelIssue, ...]
    explain: Explain | None
    """None if new errors get no heat map."""
    heat_maps: Mapping[tuple[str, str], HeatMap]
    """Known heat maps by digest of the image and predicted class."""
    geometry: Geometry | None
    """Geometry of the current release if it has the same encoder."""
    label_loop: LabelLoop | None
    neighbor_stages: NeighborStages | None
    robustness: Robustness | None
    distances: Doubles | None = None
    """Distances to the training images, of all images at the revision of `training`."""


def publish(
    candidate: Candidate,
    store: Store,
    releases: Path,
    *,
    track: Track = no_progress,
    map_seed: int = 0,
    precision: Precision = "f32",
    index: IndexSettings | None = None,
    share: Share = keep_local,
    cluster: Cluster | None = None,
) -> Path:
    """Publish a candidate over the newest revision as the current release; return its folder.

    The evidence is measured on the dataset version that the model learned from. Without `index`,
    the kind of index is that of the current release. `share` is called with the folder before the
    link `current` is set to it. With `cluster`, its nodes compute the features. The caller must
    hold the lock of the home. Raises `ParityError` if the encoder differs from the trained model,
    `ReleaseError` if a newer version published the current release, `UnknownKind` and
    `IndexUnavailable`; nothing is published then.
    """
    refuse_newer_release(releases)
    encoder = Encoder(candidate.model, precision)
    fingerprint = encoder_fingerprint(candidate.model)
    learned_from = store.at(candidate.training_version)
    encode = encode_on(cluster, candidate.model, precision) if cluster else encode_here(encoder)
    encoded = encode_images(learned_from, store.features(fingerprint), encode, track)
    model = _measured(candidate, encoder, encode, precision, fingerprint, learned_from, encoded)
    model = replace(model, geometry=_geometry(_current(releases, fingerprint)))
    return _publish(model, store, releases, map_seed, index, track, share)


def republish(
    store: Store,
    releases: Path,
    explain: Explain | None,
    *,
    track: Track = no_progress,
    index: IndexSettings | None = None,
    share: Share = keep_local,
) -> Path:
    """Publish the model of the current release over the newest revision; return the folder.

    Without `explain`, new errors get no heat map; without `index`, the kind of index stays. `share`
    is that of `publish`.
    The comparison, the parity, the calibration and the typicality of validation images stay those
    of the current release. The caller must hold the lock of the home. Raises `ReleaseError` if
    there is no current release, `StoreError` without the dataset version of the model,
    `UnknownKind` and `IndexUnavailable`.
    """
    release = open_release(current_release(releases))
    manifest = release.manifest
    precision = manifest.encoder.precision
    encoder = Encoder(release.encoder, precision)
    model = _Model(
        path=release.encoder,
        encoder=encoder,
        encode=encode_here(encoder),
        precision=precision,
        fingerprint=manifest.encoder.fingerprint,
        comparison=release.comparison,
        training=manifest.training,
        learned=store.at(manifest.training.version).training_digests,
        parity=manifest.parity,
        uncertainty=release.uncertainty,
        typicality=release.typicality,
        label_issues=release.label_issues,
        explain=explain,
        heat_maps=_heat_maps(release),
        geometry=_geometry(release),
        label_loop=release.label_loop,
        neighbor_stages=release.neighbor_stages,
        robustness=release.robustness,
    )
    return _publish(model, store, releases, manifest.map_seed, index, track, share)


def _current(releases: Path, fingerprint: str) -> Release | None:
    """Return the current release if it is intact and has the encoder with this fingerprint."""
    try:
        folder = current_release(releases)
        if read_manifest(folder).encoder.fingerprint != fingerprint:
            return None
        return open_release(folder)
    except ReleaseError:
        return None


def _geometry(release: Release | None) -> Geometry | None:
    if release is None:
        return None
    return Geometry(
        ids=release.images.ids,
        embeddings=release.embeddings,
        learned=release.learned,
        training_distances=release.training_distances,
        graph=release.graph,
        points=release.points,
        map_seed=release.manifest.map_seed,
    )


def _heat_maps(release: Release) -> dict[tuple[str, str], HeatMap]:
    digests = release.images.digests
    return {
        (digests[release.rows[error.id]], error.predicted): error.heat
        for error in release.errors
        if error.heat
    }


def _measured(
    candidate: Candidate,
    encoder: Encoder,
    encode: Encode,
    precision: Precision,
    fingerprint: str,
    learned_from: Snapshot,
    encoded: Encoded,
) -> _Model:
    """Return the model with its evidence on the dataset version that it learned from."""
    images, classes = learned_from.images, candidate.comparison.classes
    rows = {identifier: row for row, identifier in enumerate(images.ids)}
    wanted = [rows[identifier] for identifier in candidate.reference.ids]
    labels = images.labels
    parity = check_parity(
        candidate.reference,
        Encoded(encoded.embeddings[wanted], encoded.probabilities[wanted]),
        [classes.index(labels[row] or "") for row in wanted],
        precision,
    )
    validation = images.splits == "validation"
    learned = learned_from.training_digests
    search = BlockSearch(images.ids, encoded.embeddings)
    distances = distances_to_training(search, _mask_of(images, learned))
    return _Model(
        path=candidate.model,
        encoder=encoder,
        encode=encode,
        precision=precision,
        fingerprint=fingerprint,
        comparison=candidate.comparison,
        training=TrainingInfo(
            version=candidate.training_version,
            revision=learned_from.revision,
            images=len(learned),
            validation=int(validation.sum()),
        ),
        learned=learned,
        parity=parity,
        uncertainty=_measure_uncertainty(candidate, images, encoded),
        typicality=Typicality(
            neighbor=NEIGHBOR, distances=tuple(np.sort(distances[validation]).tolist())
        ),
        label_issues=candidate.label_issues,
        explain=candidate.explain,
        heat_maps={},
        geometry=None,
        label_loop=candidate.label_loop,
        neighbor_stages=candidate.neighbor_stages,
        robustness=candidate.robustness,
        distances=distances,
    )


def _mask_of(images: Images, digests: frozenset[str]) -> Mask:
    return np.array([digest in digests for digest in images.digests], dtype=np.bool_)


def _publish(
    model: _Model,
    store: Store,
    releases: Path,
    map_seed: int,
    index: IndexSettings | None,
    track: Track,
    share: Share,
) -> Path:
    index = index or IndexSettings.model_construct()
    with _newest(store, releases) as snapshot:
        folder = _publish_at(snapshot, model, store, releases, map_seed, index, track)
        share(folder)
    atomic_symlink(releases / CURRENT, folder.name)
    return folder


@contextmanager
def _newest(store: Store, releases: Path) -> Iterator[Snapshot]:
    """Yield the newest revision, kept by a tag: a service can write and clean up meanwhile."""
    snapshot = store.at()
    # Several homes can publish from one store, those of several machines from one elsewhere.
    home = os.fsencode(releases.resolve())
    if is_remote(store.uri):
        home += os.fsencode(socket.gethostname())
    tag = f"{RELEASE_PREFIX}draft-{sha256(home).hexdigest()[:12]}"
    store.tag(tag, snapshot.revision)
    try:
        yield snapshot
    finally:
        store.untag(tag)


def _publish_at(
    snapshot: Snapshot,
    model: _Model,
    store: Store,
    releases: Path,
    map_seed: int,
    index: IndexSettings,
    track: Track,
) -> Path:
    features = store.features(model.fingerprint)
    encoded = encode_images(snapshot, features, model.encode, track)
    geometry = measure_geometry(
        snapshot.images.ids,
        encoded.embeddings,
        _mask_of(snapshot.images, model.learned),
        map_seed,
        model.geometry,
        model.distances if snapshot.revision == model.training.revision else None,
    )
    releases.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=DRAFT_PREFIX, dir=releases) as temporary:
        draft = Path(temporary)
        images = snapshot.images
        _write_contents(draft, model, images, encoded, geometry)
        contents = IndexContents.of(images.ids, encoded.embeddings)
        sealed = build_index(draft, contents, releases, index)
        manifest = Manifest(
            data=DataInfo(
                name=images.name,
                fingerprint=images.fingerprint,
                photographs=len(images),
                revision=snapshot.revision,
            ),
            classes=model.comparison.classes,
            encoder=EncoderInfo(
                fingerprint=model.fingerprint,
                experiment=model.comparison.best,
                embedding_dimension=encoded.embeddings.shape[1],
                input=InputSpec(height=model.encoder.height, width=model.encoder.width),
                precision=model.precision,
            ),
            parity=model.parity,
            training=model.training,
            neighbors=IndexInfo(exact=geometry.graph.exact, recall=geometry.graph.recall),
            vectors=contents.digest,
            index=sealed,
            map_seed=map_seed,
            versions={name: version(name) for name in _LIBRARIES},
            files={
                path.relative_to(draft).as_posix(): file_digest(path)
                for path in sorted(draft.rglob("*"))
                if path.is_file()
            },
        ).sealed()
        (draft / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
        # The tag comes first: a release whose dataset version was cleaned up cannot be served.
        store.tag(manifest.tag, snapshot.revision)
        return _install(draft, releases, manifest.folder)


def _write_contents(
    draft: Path, model: _Model, images: Images, encoded: Encoded, geometry: Geometry
) -> None:
    shutil.copyfile(model.path, draft / ENCODER)
    shutil.copyfile(model.path.with_suffix(".bin"), draft / WEIGHTS)
    reference = np.array(model.typicality.distances)
    published = PublishedFeatures(
        encoded=encoded,
        points=geometry.points,
        graph=geometry.graph,
        typicalities=typicalities(reference, geometry.training_distances),
        training_distances=geometry.training_distances,
        learned=geometry.learned,
    )
    write_features(draft / FEATURES, images.ids, published)
    write_images(draft / IMAGES, images)
    errors = find_errors(images, model.comparison.classes, encoded)
    errors = _add_heat_maps(errors, images, model)
    (draft / ERRORS).write_bytes(ERROR_LIST.dump_json(errors))
    (draft / COMPARISON).write_text(model.comparison.model_dump_json(), encoding="utf-8")
    # An image that was relabelled or deleted since the training has no likely label error.
    labels = dict(zip(images.ids, images.labels, strict=True))
    issues = tuple(issue for issue in model.label_issues if labels.get(issue.id) == issue.label)
    (draft / LABEL_ISSUES).write_bytes(LABEL_ISSUE_LIST.dump_json(issues))
    (draft / UNCERTAINTY).write_text(model.uncertainty.model_dump_json(), encoding="utf-8")
    (draft / TYPICALITY).write_text(model.typicality.model_dump_json(), encoding="utf-8")
    if model.label_loop is not None:
        (draft / LABEL_LOOP).write_text(model.label_loop.model_dump_json(), encoding="utf-8")
    if model.neighbor_stages is not None:
        stages = model.neighbor_stages.among(labels)
        (draft / NEIGHBOR_STAGES).write_text(stages.model_dump_json(), encoding="utf-8")
    if model.robustness is not None:
        (draft / ROBUSTNESS).write_text(model.robustness.model_dump_json(), encoding="utf-8")


def find_errors(
    images: Images, classes: tuple[str, ...], encoded: Encoded
) -> tuple[Misclassified, ...]:
    """Return the misclassified validation images in ascending order of true probability.

    Images of classes unknown to the model are left out.
    """
    numbers = _class_numbers(images, classes)
    predicted = np.argmax(encoded.probabilities, axis=1)
    wrong = (images.splits == "validation") & (numbers >= 0) & (predicted != numbers)
    errors = [
        Misclassified(
            id=images.ids[row],
            label=classes[numbers[row]],
            predicted=classes[predicted[row]],
            true_probability=float(encoded.probabilities[row, numbers[row]]),
        )
        for row in np.flatnonzero(wrong).tolist()
    ]
    return tuple(sorted(errors, key=lambda error: (error.true_probability, error.id)))


def _class_numbers(images: Images, classes: tuple[str, ...]) -> Labels:
    """Return the class number of each image; -1 without a label or for an unknown class."""
    numbers = {label: number for number, label in enumerate(classes)}
    return np.array([numbers.get(label or "", -1) for label in images.labels], np.int64)


def _add_heat_maps(
    errors: tuple[Misclassified, ...], images: Images, model: _Model
) -> tuple[Misclassified, ...]:
    """Return the errors with heat maps; only unknown ones are computed."""
    digests = dict(zip(images.ids, images.digests, strict=True))
    known = dict(model.heat_maps)
    new = [each for each in errors if (digests[each.id], each.predicted) not in known]
    if new and model.explain is not None:
        heat = model.explain([each.id for each in new], [each.predicted for each in new])
        grids = np.round(heat.astype(float), 3).tolist()
        for error, grid in zip(new, grids, strict=True):
            known[digests[error.id], error.predicted] = tuple(map(tuple, grid))
    return tuple(
        each.model_copy(update={"heat": known.get((digests[each.id], each.predicted), ())})
        for each in errors
    )


def _measure_uncertainty(
    candidate: Candidate, images: Images, encoded: Encoded
) -> UncertaintyReport:
    """Measure calibration and prediction sets on the probabilities of the published encoder.

    The thresholds of the sets are computed on the tuning set and on out-of-fold predictions.
    """
    classes = candidate.comparison.classes
    labels = _class_numbers(images, classes)
    tuning, validation = images.tuning, images.splits == "validation"
    known = encoded.probabilities[tuning], labels[tuning]
    if candidate.out_of_fold is not None:
        probabilities, others = candidate.out_of_fold
        known = np.concatenate([known[0], probabilities]), np.concatenate([known[1], others])
    return measure_uncertainty(
        candidate.temperature,
        candidate.uncalibrated,
        known,
        (encoded.probabilities[validation], labels[validation]),
        classes,
    )


def _install(draft: Path, releases: Path, name: str) -> Path:
    """Move the finished files into the folder of the release."""
    folder = releases / name
    if not is_intact(folder):
        with atomic_folder(folder) as place:
            for path in draft.iterdir():
                path.rename(place / path.name)
    _name_copied_release(releases)
    return folder


def _name_copied_release(releases: Path) -> None:
    """Rename a folder `current`, left by a copy that followed the link, to its release name."""
    copied = releases / CURRENT
    if copied.is_symlink() or not is_intact(copied):
        return
    folder = releases / read_manifest(copied).folder
    if not folder.exists():
        copied.rename(folder)
