"""Ingest of a data set into the feature store: inspection, licences, groups and split."""

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256

from embeddings.images import Formats, is_jpeg, measure, to_jpeg
from embeddings.progress import Track
from embeddings.store.records import Blob, Split, StoredImage
from embeddings.store.store import Store
from training.data.files import DataSource
from training.data.formats import find_heic_opener, ingest_formats
from training.data.inspection import Inspected, Inspection, count_reasons, inspect
from training.data.licences import NO_LICENCE, Licences, read_licences
from training.data.near_duplicates import connected_groups
from training.data.split import SPLIT_RULE, TUNING_SHARE, VALIDATION_SHARE, split_groups
from training.errors import DataError

SMALLEST_CLASS = 10
_LONGEST_SIDE = 2048
_SHOWN = 5
_BATCH = 256


def collect(
    source: DataSource,
    store: Store,
    seed: int,
    workers: int,
    track: Track,
    report: Callable[[Inspection], None],
) -> None:
    """Write a data set to the store in one atomic commit.

    `report` receives the inspection first. Raises `DataError`, before the first write, if the data
    set cannot be used for training.
    """
    licences = read_licences(source.licences)
    formats = ingest_formats(find_heic_opener())
    inspection = inspect(source.list_files(), workers, track, formats)
    report(inspection)
    _check_classes(inspection, source)
    images = _describe(inspection, licences, seed, source.name)
    store.create(split_seed=seed, split_rule=SPLIT_RULE)
    known = store.blobs.known()
    stored: list[StoredImage] = []
    blobs: list[Blob] = []
    for inspected, image in zip(inspection.images, images, strict=True):
        described, jpeg = _as_stored(inspected.file.read(), image, formats)
        digest = sha256(jpeg).hexdigest()
        stored.append(described.model_copy(update={"digest": digest}))
        if digest not in known:
            thumbnail = inspected.thumbnail.tobytes()
            blobs.append(Blob(digest, jpeg, described.width, described.height, thumbnail))
        if len(blobs) == _BATCH:
            store.blobs.append(blobs)
            blobs = []
    store.blobs.append(blobs)
    store.put(stored)


def _check_classes(inspection: Inspection, source: DataSource) -> None:
    counts = Counter(dict.fromkeys(inspection.labels, 0))
    counts.update(image.label for image in inspection.images)
    if not counts:
        reasons = count_reasons(inspection.left_out)
        raise DataError(
            f"{source.setting} contains no images; it needs one folder of JPEG, PNG, WebP, AVIF or "
            f"HEIC files for each class.{f' Left out: {reasons}.' if reasons else ''}"
        )
    small = [label for label, count in sorted(counts.items()) if count < SMALLEST_CLASS]
    if small:
        named = [_with_reasons(label, counts[label], inspection) for label in small[:_SHOWN]]
        more = f" and {len(small) - _SHOWN} more" if len(small) > _SHOWN else ""
        raise DataError(
            f"These classes have fewer than {SMALLEST_CLASS} usable images: "
            f"{', '.join(named)}{more}; add images or remove the folders."
        )
    if len(counts) < 2:
        raise DataError(
            f"The data set has only the class {next(iter(counts))!r}; it needs at least two "
            "folders of images."
        )


def _with_reasons(label: str, count: int, inspection: Inspection) -> str:
    reasons = count_reasons(inspection.left_out_of(label), name_copied=True)
    return f"{label!r} ({count}: {reasons})" if reasons else f"{label!r} ({count})"


def _describe(
    inspection: Inspection, licences: Licences, seed: int, source: str
) -> tuple[StoredImage, ...]:
    found = inspection.images
    known = [licences.get((image.label, image.file.path.name), NO_LICENCE) for image in found]
    groups = _groups(inspection.clusters, [licence.photographer_id for licence in known])
    splits = _splits(found, groups, seed)
    train = [row for row, split in enumerate(splits) if split == "train"]
    tuning = split_groups(
        [found[row].label for row in train], [groups[row] for row in train], TUNING_SHARE, seed
    )
    return tuple(
        StoredImage(
            id=image.id,
            label=image.label,
            split=split,
            width=image.width,
            height=image.height,
            group=group,
            tuning=split == "train" and group in tuning,
            digest="",
            source_digest=image.digest,
            source=source,
            path=str(image.file.path),
            title=licence.title,
            photographer=licence.photographer,
            photographer_id=licence.photographer_id,
            licence=licence.licence,
            url=licence.source,
        )
        for image, licence, group, split in zip(found, known, groups, splits, strict=True)
    )


def _groups(clusters: Sequence[int], photographers: Sequence[str | None]) -> list[int]:
    """Return the group of each image: images linked by photographer or near-duplicate cluster."""
    first: dict[tuple[str, int | str | None], int] = {}
    rows, partners = [], []
    for row, (cluster, photographer) in enumerate(zip(clusters, photographers, strict=True)):
        keys: list[tuple[str, int | str | None]] = [
            ("cluster", cluster),
            ("photographer", photographer),
        ]
        for key in keys:
            if key[1] is not None:
                rows.append(row)
                partners.append(first.setdefault(key, row))
    numbers: list[int] = connected_groups(len(clusters), rows, partners).tolist()
    return numbers


def _splits(found: Sequence[Inspected], groups: Sequence[int], seed: int) -> list[Split]:
    own = [image.split for image in found]
    labels = [image.label for image in found]
    if all(own):
        splits: list[Split] = [split for split in own if split]
    else:
        held_out = split_groups(labels, groups, VALIDATION_SHARE, seed)
        splits = ["validation" if group in held_out else "train" for group in groups]
    for label in sorted(set(labels)):
        sides = {split for split, other in zip(splits, labels, strict=True) if other == label}
        if len(sides) < 2:
            advice = (
                "of that class to the other side"
                if all(own)
                else "of other photographers or scenes to that class"
            )
            raise DataError(
                f"All images of {label!r} are on the {sides.pop()} side of the split; "
                f"add images {advice}."
            )
    return splits


def _as_stored(content: bytes, image: StoredImage, formats: Formats) -> tuple[StoredImage, bytes]:
    """Return the record and the JPEG to store; a JPEG up to 2,048 pixels is stored unchanged."""
    if is_jpeg(content) and max(image.width, image.height) <= _LONGEST_SIDE:
        return image, content
    jpeg = to_jpeg(content, _LONGEST_SIDE, formats=formats)
    width, height = measure(jpeg)
    return image.model_copy(update={"width": width, "height": height}), jpeg
