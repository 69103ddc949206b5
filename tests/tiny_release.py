"""Tiny release without TensorFlow: drawn images, an encoder of a few operations, all reports.

The encoder pools an image to a coarse grid of colours, projects it on principal components (the
embedding) and compares that with the mean embedding of each class (the probabilities).
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as ops
from PIL import Image

from embeddings.arrays import Floats, Labels, Mask, Pixels
from embeddings.encoded import Encoded
from embeddings.images import read_pixels
from embeddings.release.label_loop import (
    LabelLoop,
    LoopStep,
    SimulatedAccuracy,
    SimulatedReview,
)
from embeddings.release.neighbor_stages import (
    NeighborStages,
    StagedQuery,
    StageNeighbor,
    StageNeighbors,
)
from embeddings.release.parity import Reference
from embeddings.release.publish import Candidate, Explain, publish, republish
from embeddings.release.reader import LabelIssue
from embeddings.release.reliability import reliability
from embeddings.release.reports import (
    ClassReport,
    Comparison,
    Cost,
    Curves,
    Evidence,
    ExperimentReport,
    PairedAccuracy,
    VersionComparison,
    choose_best,
)
from embeddings.release.retrieval import (
    ClassRetrieval,
    Estimate,
    Retrieval,
    RetrievalScores,
)
from embeddings.release.robustness import (
    CorruptionName,
    CorruptionRobustness,
    ModelRobustness,
    Robustness,
    RobustnessStep,
)
from embeddings.store.blobs import THUMBNAIL_BYTES
from embeddings.store.records import GENERATED_SCENES, Blob, StoredImage
from embeddings.store.store import Store

SIZE = (48, 72)
DIMENSION = 16
TRAINING_VERSION = "training-tiny"
PER_CLASS = 24

NEW, IN_POOL, UNLABELLED = "lake/new", "ocean/new", "unsorted/new"
REPLACED, MOVED = "field/field_0000", "city/city_0000"
RELABELLED, DELETED = "lake/lake_0001", "road/road_0000"
"""Images that `grow` adds and changes."""

# Colours of sky, middle and ground, in RGB; each pair of classes shares some of them.
CLASSES = {
    "city": ((150, 165, 190), (120, 110, 105), (80, 80, 90)),
    "field": ((140, 185, 235), (200, 180, 90), (150, 160, 60)),
    "forest": ((120, 160, 150), (40, 90, 50), (35, 60, 35)),
    "lake": ((140, 185, 235), (60, 110, 90), (50, 100, 150)),
    "mountain": ((140, 185, 235), (140, 140, 150), (90, 110, 80)),
    "ocean": ((150, 190, 225), (60, 110, 160), (40, 90, 150)),
    "road": ((150, 165, 190), (150, 160, 90), (80, 80, 85)),
}
LABELS = tuple(CLASSES)

_SIZES = ((240, 160), (160, 240), (180, 180))
"""Width and height in pixels of a class's images in turn."""
_GROUP = 4
"""Consecutive images of a class that form one group, with a light of its own."""
_TUNING, _VALIDATION = (3,), (4, 5)
"""Groups of each class that are held out."""
_WRONG_LABELS = {("lake", 1): "ocean", ("road", 6): "city", ("field", 9): "forest"}
"""Images whose content is that of another class."""


@dataclass(frozen=True)
class Network:
    """Linear classifier on the principal components of a pooled image."""

    cell: int
    """Side in pixels of the squares that are averaged."""
    mean: Floats
    """Mean of the pooled images, shape (cells * 3,)."""
    projection: Floats
    """Principal components, shape (cells * 3, dimension)."""
    prototypes: Floats
    """Mean embedding of each class, shape (classes, dimension)."""
    temperature: float = 1.0

    @classmethod
    def fitted(cls, pixels: Pixels, labels: Labels, *, cell: int, dimension: int) -> "Network":
        """Fit components and prototypes to images of shape (n, height, width, 3)."""
        pooled = _pooled(pixels, cell)
        mean = pooled.mean(axis=0)
        _, _, components = np.linalg.svd(pooled - mean, full_matrices=False)
        projection = components[:dimension].T
        embeddings = (pooled - mean) @ projection
        prototypes = [embeddings[labels == number].mean(axis=0) for number in range(len(LABELS))]
        return cls(cell, mean, projection, np.stack(prototypes))

    @property
    def parameters(self) -> int:
        """Count of all numbers that were fitted."""
        return self.mean.size + self.projection.size + self.prototypes.size

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode images of shape (n, height, width, 3)."""
        centred: Floats = _pooled(pixels, self.cell) - self.mean
        embeddings: Floats = centred @ self.projection
        logits = embeddings @ self._weights + self._biases
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return Encoded(embeddings, powers / powers.sum(axis=1, keepdims=True))

    def heat(self, pixels: Pixels, predicted: Labels) -> Floats:
        """Return the contribution of each cell to the logit of a class, scaled to 0-1 per image."""
        weights = (self.projection @ self._weights)[:, predicted].T
        added = (_pooled(pixels, self.cell) - self.mean) * weights
        height, width = (side // self.cell for side in SIZE)
        heat = added.reshape(-1, height, width, 3).sum(axis=3)
        heat -= heat.min(axis=(1, 2), keepdims=True)
        scaled: Floats = heat / heat.max(axis=(1, 2), keepdims=True)
        return scaled

    def save(self, path: Path) -> None:
        """Write the network as an OpenVINO model with outputs `embedding` and `probabilities`."""
        image = ops.parameter([-1, *SIZE, 3], ov.Type.u8)
        planar = ops.transpose(ops.convert(image, "f32"), np.array([0, 3, 1, 2]))
        sides = [self.cell, self.cell]
        pooled = ops.avg_pool(planar, sides, [0, 0], [0, 0], sides, exclude_pad=False)
        flat = ops.reshape(
            ops.transpose(pooled, np.array([0, 2, 3, 1])), np.array([0, -1]), special_zero=True
        )
        centred = ops.subtract(ops.divide(flat, np.float32(255)), self.mean[np.newaxis])
        embedding = ops.matmul(centred, self.projection, False, False)
        logits = ops.add(
            ops.matmul(embedding, self._weights, False, False), self._biases[np.newaxis]
        )
        model = ov.Model([embedding, ops.softmax(logits, 1)], [image], "tiny")
        # OpenVINO gives each model of a process other names.
        for number, operation in enumerate(model.get_ordered_ops()):
            operation.set_friendly_name(f"operation_{number}")
        for port, name in zip(
            (*model.inputs, *model.outputs), ("image", "embedding", "probabilities"), strict=True
        ):
            port.tensor.set_names({name})
        ov.save_model(model, path, compress_to_fp16=False)

    @property
    def _weights(self) -> Floats:
        weights: Floats = 2 * self.prototypes.T / np.float32(self.temperature)
        return weights

    @property
    def _biases(self) -> Floats:
        biases: Floats = -(self.prototypes**2).sum(axis=1) / np.float32(self.temperature)
        return biases


@dataclass(frozen=True)
class Drawn:
    """Drawn images in the order of the store."""

    images: tuple[StoredImage, ...]
    jpegs: tuple[bytes, ...]

    @cached_property
    def pixels(self) -> Pixels:
        """Inputs of the networks, of shape (n, height, width, 3)."""
        return np.stack([read_pixels(jpeg, *SIZE) for jpeg in self.jpegs])

    @cached_property
    def labels(self) -> Labels:
        """Number of each image's class, of shape (n,)."""
        return np.array([LABELS.index(image.label) for image in self.images])

    @cached_property
    def tuning(self) -> npt.NDArray[np.bool_]:
        """Mask of the tuning part."""
        return self._of_groups(_TUNING)

    @cached_property
    def validation(self) -> npt.NDArray[np.bool_]:
        """Mask of the validation set."""
        return self._of_groups(_VALIDATION)

    @cached_property
    def fit(self) -> npt.NDArray[np.bool_]:
        """Mask of the images that networks are fitted to."""
        return ~(self.tuning | self.validation)

    def _of_groups(self, groups: Sequence[int]) -> npt.NDArray[np.bool_]:
        per_class = PER_CLASS // _GROUP
        return np.array([each.group % per_class in groups for each in self.images])


def make_home(home: Path) -> None:
    """Fill a folder BELVEDERE_HOME with a store and the published release."""
    drawn = draw()
    store = Store(str(home / "store"))
    fill_store(store, drawn)
    with TemporaryDirectory() as folder:
        publish(candidate(drawn, Path(folder)), store, home / "releases")


def grow(home: Path) -> None:
    """Change the collection of a home and publish its model again.

    Dataset version `first` has the images as drawn. After it, a training image, a pool image and
    an image without a label were added; one image each was relabelled, deleted, replaced and moved
    to the pool.
    """
    store = Store(str(home / "store"))
    store.tag("first")
    known = {image.id: image for image in store.at().images}
    jpegs = [
        _jpeg(_scene(label, (160, 240), np.random.default_rng([9, number]), np.zeros(3)))
        for number, label in enumerate(("lake", "ocean", "forest", "field"))
    ]
    digests = [sha256(jpeg).hexdigest() for jpeg in jpegs]
    store.blobs.append(
        [
            Blob(digest, jpeg, 240, 160, bytes(THUMBNAIL_BYTES))
            for digest, jpeg in zip(digests, jpegs, strict=True)
        ]
    )
    pool = {"split": "pool", "pool_reason": "It joins two groups.", "tuning": False}
    new: list[dict[str, object]] = [
        {"id": NEW, "label": "lake", "split": "train", "group": 100, "tuning": False},
        {"id": IN_POOL, "label": "ocean", "group": 101, **pool},
        {"id": UNLABELLED, "label": None, "group": 102, **pool},
        {"id": REPLACED},
    ]
    added = [
        known[REPLACED].model_copy(
            update={**facts, "digest": digest, "source_digest": digest, "width": 240, "height": 160}
        )
        for facts, digest in zip(new, digests, strict=True)
    ]
    store.put([*added, known[MOVED].model_copy(update=pool)])
    store.put([known[RELABELLED].model_copy(update={"label": "ocean"})])
    store.delete([DELETED])

    republish(store, home / "releases", explain_evenly)


def publish_another(home: Path, dimension: int) -> None:
    """Publish another model with embeddings of this dimension over the newest revision."""
    drawn = draw()
    network = Network.fitted(
        drawn.pixels[drawn.fit], drawn.labels[drawn.fit], cell=12, dimension=dimension
    )
    chosen = np.array([each.id for each in drawn.images])[drawn.validation]
    with TemporaryDirectory() as folder:
        found = candidate(drawn, Path(folder))
        network.save(found.model)
        other = replace(
            found,
            reference=Reference(
                tuple(chosen.tolist()), network.encode(drawn.pixels[drawn.validation])
            ),
            temperature=1.0,
            explain=explain_evenly,
        )
        publish(other, Store(str(home / "store")), home / "releases")


def explain_evenly(ids: Sequence[str], _: Sequence[str]) -> Floats:
    """Return heat maps without contrast."""
    return np.ones((len(ids), 2, 3), np.float32)


def fill_store(store: Store, drawn: Drawn) -> None:
    """Write the drawn images to a new store and tag the dataset version of the networks."""
    store.create(split_seed=0, split_rule=3)
    store.blobs.append(
        [
            Blob(image.digest, jpeg, image.width, image.height, bytes(THUMBNAIL_BYTES))
            for image, jpeg in zip(drawn.images, drawn.jpegs, strict=True)
        ]
    )
    store.put(drawn.images)
    store.tag(TRAINING_VERSION)


def candidate(drawn: Drawn, folder: Path) -> Candidate:
    """Fit the networks, compare them, and write the best one to a folder."""
    experiments = {
        "baseline": ("own network", 24, "The mean colours of six squares."),
        "fine-grid": ("technique", 8, "Smaller squares."),
        "single-colour": ("transfer", 12, "One component of the colours."),
    }
    networks = {
        name: Network.fitted(
            drawn.pixels[drawn.fit],
            drawn.labels[drawn.fit],
            cell=cell,
            dimension=1 if name == "single-colour" else DIMENSION,
        )
        for name, (_, cell, _) in experiments.items()
    }
    reports = [
        _report(network, drawn, name=name, family=experiments[name][0], change=experiments[name][2])
        for name, network in networks.items()
    ]
    best = choose_best(reports, int(drawn.tuning.sum()))
    trained = networks[best.name]
    network = replace(trained, temperature=_temperature(trained, drawn))
    network.save(folder / "encoder.xml")
    ids = tuple(each.id for each in drawn.images)
    return Candidate(
        model=folder / "encoder.xml",
        comparison=Comparison(
            preset="tiny",
            version=TRAINING_VERSION,
            revision=2,
            classes=LABELS,
            train=int((~drawn.validation).sum()),
            tuning=int(drawn.tuning.sum()),
            validation=int(drawn.validation.sum()),
            best=best.name,
            experiments=tuple(reports),
            versions=(_against_fewer_images(drawn, networks["baseline"]),),
        ),
        reference=Reference(
            tuple(np.array(ids)[drawn.validation].tolist()),
            network.encode(drawn.pixels[drawn.validation]),
        ),
        temperature=network.temperature,
        uncalibrated=reliability(
            trained.encode(drawn.pixels[drawn.validation]).probabilities,
            drawn.labels[drawn.validation],
        ),
        training_version=TRAINING_VERSION,
        label_issues=_label_issues(network, drawn),
        explain=_explaining(network, drawn),
        label_loop=_label_loop(drawn, trained),
        neighbor_stages=_neighbor_stages(drawn, networks["baseline"]),
        robustness=_robustness(drawn, trained),
    )


def _neighbor_stages(drawn: Drawn, network: Network) -> NeighborStages:
    """Return the neighbours of the first validation image of each class, by two kinds."""
    train = np.flatnonzero(~drawn.validation)

    def stage(title: str, experiment: str | None, vectors: Floats, query: int) -> StageNeighbors:
        distances = np.linalg.norm(vectors[train] - vectors[query], axis=1)
        nearest = [drawn.images[row] for row in train[np.argsort(distances)[:3]]]
        label = drawn.images[query].label
        return StageNeighbors(
            title=title,
            experiment=experiment,
            neighbors=tuple(
                StageNeighbor(id=each.id, label=each.label or "", right=each.label == label)
                for each in nearest
            ),
        )

    kinds = (
        ("pixels", None, _pooled(drawn.pixels, network.cell)),
        ("own network", "baseline", network.encode(drawn.pixels).embeddings),
    )
    queries = [int(np.flatnonzero(drawn.validation & (drawn.labels == n))[0]) for n in range(7)]
    return NeighborStages(
        queries=tuple(
            StagedQuery(
                id=drawn.images[query].id,
                label=LABELS[drawn.labels[query]],
                stages=tuple(stage(title, name, vectors, query) for title, name, vectors in kinds),
            )
            for query in queries
        )
    )


def _against_fewer_images(drawn: Drawn, present: Network) -> VersionComparison:
    """Compare the baseline with one fitted to every second image to fit on."""
    fewer = np.flatnonzero(drawn.fit)[::2]
    earlier = Network.fitted(drawn.pixels[fewer], drawn.labels[fewer], cell=24, dimension=DIMENSION)
    pixels, labels = drawn.pixels[drawn.validation], drawn.labels[drawn.validation]
    before, after = (_accuracy(network, pixels, labels) for network in (earlier, present))
    pair = PairedAccuracy(
        experiment="baseline",
        before=before,
        after=after,
        p_value=1.0,
        verdict="no evidence of a difference",
    )
    return VersionComparison(
        version="training-earlier",
        revision=1,
        train=len(fewer),
        validation=len(labels),
        common=len(labels),
        best="baseline",
        accuracy=before,
        experiments=(pair,),
    )


def draw() -> Drawn:
    """Draw all images, class by class; the same ones each time."""
    images, jpegs = [], []
    for label in LABELS:
        for number in range(PER_CLASS):
            rng = np.random.default_rng([LABELS.index(label), number])
            width, height = _SIZES[number % len(_SIZES)]
            light = np.random.default_rng([LABELS.index(label), number // _GROUP, 1])
            shown = _WRONG_LABELS.get((label, number), label)
            jpeg = _jpeg(_scene(shown, (height, width), rng, light.normal(0, 14, 3)))
            jpegs.append(jpeg)
            digest = sha256(jpeg).hexdigest()
            group = number // _GROUP
            images.append(
                StoredImage(
                    id=f"{label}/{label}_{number:04d}",
                    label=label,
                    split="validation" if group in _VALIDATION else "train",
                    tuning=group in _TUNING,
                    width=width,
                    height=height,
                    group=LABELS.index(label) * (PER_CLASS // _GROUP) + group,
                    digest=digest,
                    source_digest=digest,
                    source=GENERATED_SCENES,
                )
            )
    return Drawn(tuple(images), tuple(jpegs))


def _scene(
    label: str, size: tuple[int, int], rng: np.random.Generator, light: npt.NDArray[np.float64]
) -> Pixels:
    """Return a scene: three bands in the colours of the class, with light, shapes and noise."""
    height, width = size
    horizon, shore = sorted(rng.uniform(0.3, 0.75, 2))
    bands = np.digitize(np.linspace(0, 1, height), [horizon, max(shore, horizon + 0.1)])
    colours = np.array(CLASSES[label], float) + rng.normal(0, 16, (3, 3)) + light
    image = np.repeat(colours[bands][:, np.newaxis], width, axis=1)
    rows, columns = np.mgrid[:height, :width] / max(size)
    for _ in range(3):
        row, column, radius = rng.uniform((0, 0, 0.05), (0.7, 1, 0.25))
        inside = (rows - row) ** 2 + (columns - column) ** 2 < radius**2
        image[inside] += rng.normal(0, 30, 3)
    grain = rng.integers(-8, 9, (height, width, 1))
    return (image + grain).clip(0, 255).astype(np.uint8)


def _jpeg(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _pooled(pixels: Pixels, cell: int) -> Floats:
    """Return mean colours in 0-1 of square cells, of shape (n, cells * 3)."""
    count, height, width, _ = pixels.shape
    cells = pixels.reshape(count, height // cell, cell, width // cell, cell, 3)
    means: Floats = cells.mean(axis=(2, 4), dtype=np.float64).reshape(count, -1) / 255
    return means.astype(np.float32)


def _temperature(network: Network, drawn: Drawn) -> float:
    """Return the temperature with the lowest cross-entropy on the tuning part."""
    pixels, labels = drawn.pixels[drawn.tuning], drawn.labels[drawn.tuning]

    def loss(temperature: float) -> float:
        return _cross_entropy(replace(network, temperature=temperature), pixels, labels)

    return float(min(np.geomspace(0.02, 5, 60), key=loss))


def _cross_entropy(network: Network, pixels: Pixels, labels: Labels) -> float:
    probabilities = network.encode(pixels).probabilities
    return float(-np.log(probabilities[np.arange(len(labels)), labels] + 1e-12).mean())


def _explaining(network: Network, drawn: Drawn) -> Explain:
    rows = {image.id: row for row, image in enumerate(drawn.images)}

    def explain(ids: Sequence[str], predicted: Sequence[str]) -> Floats:
        numbers = np.array([LABELS.index(label) for label in predicted])
        return network.heat(drawn.pixels[[rows[each] for each in ids]], numbers)

    return explain


def _label_issues(network: Network, drawn: Drawn) -> tuple[LabelIssue, ...]:
    """Return the training images whose label is improbable, the least probable first."""
    probabilities = network.encode(drawn.pixels).probabilities
    issues = [
        LabelIssue(
            id=image.id,
            label=image.label,
            suggested=LABELS[int(chances.argmax())],
            label_probability=float(chances[LABELS.index(image.label)]),
            suggested_probability=float(chances.max()),
        )
        for image, chances in zip(drawn.images, probabilities, strict=True)
        if image.split == "train"
    ]
    doubtful = [each for each in issues if each.label_probability < 0.1]
    return tuple(sorted(doubtful, key=lambda issue: issue.label_probability))


def _label_loop(drawn: Drawn, network: Network) -> LabelLoop:
    """Return a report of reviews whose queue finds every wrong label first."""
    train, validation = int((~drawn.validation).sum()), int(drawn.validation.sum())
    best = _accuracy(network, drawn.pixels[drawn.validation], drawn.labels[drawn.validation])
    wrong, low = train // 10, best - 0.1

    def accuracy(value: float) -> SimulatedAccuracy:
        return SimulatedAccuracy(accuracy=value, interval=(value - 0.02, value + 0.02))

    def step(share: int) -> LoopStep:
        return LoopStep(
            checked=train // share,
            found_by_queue=min(wrong, train // share),
            found_at_random=train / share / 10,
            queue=accuracy(best if train // share >= wrong else best - 0.05),
            random=accuracy(low + 0.1 / share),
            difference=0.1 - 0.1 / share,
            interval=(0.01, 0.15),
            p_value=0.004,
            p_adjusted=0.012,
            verdict="better",
        )

    return LabelLoop(
        experiment="baseline",
        train=train,
        validation=validation,
        share=0.1,
        repeats=5,
        seed=0,
        reviews=(
            SimulatedReview(
                noise="class",
                wrong=wrong,
                none=accuracy(low),
                everything=accuracy(best),
                steps=tuple(map(step, (20, 10, 5))),
            ),
        ),
    )


def _robustness(drawn: Drawn, network: Network) -> Robustness:
    """Return a report on a model that loses accuracy in proportion to the strength."""
    best = _accuracy(network, drawn.pixels[drawn.validation], drawn.labels[drawn.validation])
    names: tuple[CorruptionName, ...] = ("blur", "grey")

    def step(strength: int) -> RobustnessStep:
        left = best * (1 - strength / 10)
        return RobustnessStep(strength=strength, value=strength, accuracy=left, precision_at_3=left)

    return Robustness(
        validation=int(drawn.validation.sum()),
        seed=0,
        models=(
            ModelRobustness(
                experiment="baseline",
                family="own network",
                accuracy=best,
                precision_at_3=best,
                corruptions=tuple(
                    CorruptionRobustness(
                        corruption=name, unit="%", steps=tuple(map(step, range(1, 6)))
                    )
                    for name in names
                ),
            ),
        ),
    )


def _report(
    network: Network, drawn: Drawn, *, name: str, family: str, change: str
) -> ExperimentReport:
    validation = drawn.validation
    labels = drawn.labels[validation]
    predicted = network.encode(drawn.pixels[validation]).probabilities.argmax(axis=1)
    confusion = np.zeros((len(LABELS), len(LABELS)), int)
    np.add.at(confusion, (labels, predicted), 1)
    per_class = _per_class(confusion)
    accuracy = float((predicted == labels).mean())
    error = 1.96 * (accuracy * (1 - accuracy) / len(labels)) ** 0.5
    first = name == "baseline"
    curves = _curves(network, drawn)
    return ExperimentReport(
        name=name,
        family=family,
        base=None if first else "baseline",
        change=change,
        status="done",
        accuracy=accuracy,
        macro_f1=float(np.mean([each.f1 for each in per_class])),
        tuning_accuracy=curves.tuning_accuracy[-1],
        tuning_loss=curves.tuning_loss[-1],
        precision_at_3=_precision_at_3(network, drawn, validation, ~validation),
        pooled_precision_at_3=_precision_at_3(network, drawn, validation, ~validation),
        tuning_precision_at_3=_precision_at_3(network, drawn, drawn.tuning, drawn.fit),
        parameters=network.parameters,
        trainable_parameters=network.parameters,
        train_seconds=0.1,
        epochs=len(curves.loss),
        input=SIZE,
        cost=Cost(latency_ms=0.2, images_per_second=5000),
        evidence=Evidence(
            seeds=1,
            lowest=accuracy,
            highest=accuracy,
            interval=(max(accuracy - error, 0.0), min(accuracy + error, 1.0)),
            p_value=None if first else 0.4,
            p_adjusted=None if first else 0.8,
            verdict=None if first else "no evidence of a difference",
        ),
        seed=0,
        curves=curves,
        classes=LABELS,
        confusion=tuple(map(tuple, confusion.tolist())),
        per_class=per_class,
        retrieval=_retrieval(network, drawn),
    )


def _retrieval(network: Network, drawn: Drawn) -> Retrieval:
    """Return a report whose measures are all the precision at 3."""

    def scores(queries: Mask) -> RetrievalScores:
        value = _precision_at_3(network, drawn, queries, ~drawn.validation)
        found = Estimate(value=value, interval=(0.9 * value, 0.9 * value + 0.1))
        return RetrievalScores(
            precision_at_1=found,
            precision_at_3=found,
            mean_average_precision=found,
            r_precision=found,
        )

    def of_class(number: int) -> ClassRetrieval:
        queries = drawn.validation & (drawn.labels == number)
        found = scores(queries)
        support = int(queries.sum())
        return ClassRetrieval(label=LABELS[number], support=support, embedding=found, pooled=found)

    found = scores(drawn.validation)
    per_class = tuple(map(of_class, range(len(LABELS))))
    return Retrieval(embedding=found, pooled=found, per_class=per_class)


def _curves(network: Network, drawn: Drawn) -> Curves:
    """Return metrics of the network with its first 1, 2, 4, ... components, in place of epochs."""
    counts = (1, 2, 4, 8, DIMENSION)
    epochs = [
        replace(
            network,
            projection=network.projection[:, :count],
            prototypes=network.prototypes[:, :count],
        )
        for count in counts
    ]

    def figures(rows: npt.NDArray[np.bool_]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        pixels, labels = drawn.pixels[rows], drawn.labels[rows]
        return (
            tuple(_cross_entropy(each, pixels, labels) for each in epochs),
            tuple(_accuracy(each, pixels, labels) for each in epochs),
        )

    (loss, accuracy), (tuning_loss, tuning_accuracy) = figures(drawn.fit), figures(drawn.tuning)
    return Curves(
        loss=loss, accuracy=accuracy, tuning_loss=tuning_loss, tuning_accuracy=tuning_accuracy
    )


def _accuracy(network: Network, pixels: Pixels, labels: Labels) -> float:
    return float((network.encode(pixels).probabilities.argmax(axis=1) == labels).mean())


def _per_class(confusion: npt.NDArray[np.int64]) -> tuple[ClassReport, ...]:
    right = confusion.diagonal()
    precision = right / np.maximum(confusion.sum(axis=0), 1)
    recall = right / confusion.sum(axis=1)
    f1 = 2 * right / (confusion.sum(axis=0) + confusion.sum(axis=1))
    return tuple(
        ClassReport(
            label=label,
            precision=float(precision[number]),
            recall=float(recall[number]),
            f1=float(f1[number]),
            support=int(confusion[number].sum()),
        )
        for number, label in enumerate(LABELS)
    )


def _precision_at_3(network: Network, drawn: Drawn, queries: Mask, among: Mask) -> float:
    embeddings = network.encode(drawn.pixels).embeddings
    distances = np.linalg.norm(embeddings[queries][:, np.newaxis] - embeddings[among], axis=2)
    nearest = drawn.labels[among][np.argsort(distances, axis=1)[:, :3]]
    return float((nearest == drawn.labels[queries][:, np.newaxis]).mean())
