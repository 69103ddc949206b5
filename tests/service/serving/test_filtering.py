"""Filters against a plain model: each condition by the record and the features of an image."""

import shutil
from collections import Counter
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.recognition import prediction_set
from embeddings.release.publish import republish
from embeddings.store.records import REVIEW_TIME, StoredImage
from embeddings.store.store import Store
from service.image_filter import EVERY_IMAGE, ImageFilter, as_json, from_json
from service.schemas import Facet
from service.serving.facets import FacetCounts
from service.serving.served_release import ServedRelease, load_current_release
from service.settings import ServiceSettings
from tests.tiny_release import LABELS, explain_evenly

CAMERAS = ("Canon EOS 5D", "NIKON D90")
PHOTOGRAPHERS = ("Zoë", "lin")
TAGS = ("blurry", "night", "café")
UNLABELLED, DELETED, TWIN = "city/city_0003", "road/road_0000", "city/twin"


def described(store: Store) -> None:
    """Give attributes, tags and photographers to images, as they are in a release."""
    images = []
    for number, image in enumerate(store.at().images):
        attributes: dict[str, Any] = {}
        if number % 3:
            attributes["camera"] = CAMERAS[number % 2]
        if number % 4:
            attributes["taken"] = f"{2000 + number % 7}-05-{number % 28 + 1:02}T10:00:00+02:00"
        if number % 5 == 0:
            attributes[REVIEW_TIME] = f"2024-05-01T10:00:{number % 60:02}+00:00"
        if number % 11 == 0:
            attributes = {"taken": "last summer", "camera": 5}
        photographer = (None, *PHOTOGRAPHERS)[number % 3]
        tags = tuple(tag for place, tag in enumerate(TAGS) if number >> place & 1)
        update = {"attributes": attributes, "tags": tags, "photographer": photographer}
        images.append(image.model_copy(update=update))
    store.put(images)


def changed(store: Store) -> None:
    """Change images after the release."""
    known = {image.id: image for image in store.at().images}
    store.put([known[UNLABELLED].model_copy(update={"label": None, "tags": ("night", "new")})])
    store.put([known["lake/lake_0003"].model_copy(update={"label": "harbour"})])
    store.put([known["city/city_0001"].model_copy(update={"id": TWIN, "group": 900})])
    store.put([known["field/field_0002"].model_copy(update={"attributes": {"camera": "Other"}})])
    review = {"attributes": {REVIEW_TIME: "2024-05-02T10:00:00+00:00"}}
    store.put([known["field/field_0003"].model_copy(update=review)])
    store.delete([DELETED])


@pytest.fixture(scope="module")
def served(home: Path, tmp_path_factory: pytest.TempPathFactory) -> ServedRelease:
    folder = tmp_path_factory.mktemp("filters")
    shutil.copytree(home, folder, symlinks=True, dirs_exist_ok=True)
    store = Store(str(folder / "store"))
    described(store)
    republish(store, folder / "releases", explain_evenly)
    changed(store)
    return load_current_release(ServiceSettings(home=folder))


class Fact(NamedTuple):
    """Facts about a live row."""

    row: int
    image: StoredImage
    predicted: str
    size: int
    """Number of classes in the prediction set."""
    day: str | None
    typicality: float
    learned: bool

    @property
    def camera(self) -> str | None:
        camera = self.image.attributes.get("camera")
        return camera if isinstance(camera, str) else None


def facts_of(served: ServedRelease) -> list[Fact]:
    live, facts = served.live, []
    for row in np.flatnonzero(live.live).tolist():
        image, probabilities = live.record(row), live.probabilities(row)
        taken = image.attributes.get("taken")
        fact = Fact(
            row,
            image,
            predicted=served.manifest.classes[int(np.argmax(probabilities))],
            size=len(prediction_set(probabilities, served.model.thresholds)),
            day=taken[:10] if isinstance(taken, str) and taken[0] == "2" else None,
            typicality=live.typicality(row),
            learned=live.learned(row),
        )
        facts.append(fact)
    return facts


@pytest.fixture(scope="module")
def facts(served: ServedRelease) -> list[Fact]:
    return facts_of(served)


def meets(fact: Fact, where: ImageFilter) -> bool:
    """Return True if an image meets a filter, condition by condition."""
    image, day = fact.image, fact.day
    checks = (
        not where.label or image.label in where.label,
        where.labelled is None or (image.label is not None) == where.labelled,
        not where.predicted or fact.predicted in where.predicted,
        not where.split or image.split in where.split,
        not where.tag or any(tag in image.tags for tag in where.tag),
        not any(tag in image.tags for tag in where.not_tag),
        not where.camera or fact.camera in where.camera,
        not where.photographer or image.photographer in where.photographer,
        where.taken_from is None or (day is not None and where.taken_from.isoformat() <= day),
        where.taken_to is None or (day is not None and day <= where.taken_to.isoformat()),
        where.typicality_min is None or fact.typicality >= where.typicality_min,
        where.typicality_max is None or fact.typicality <= where.typicality_max,
        where.wrong is None
        or (image.label is not None and (fact.predicted != image.label) == where.wrong),
        where.uncertain is None or (fact.size != 1) == where.uncertain,
        where.learned is None or fact.learned == where.learned,
        where.reviewed is None or (REVIEW_TIME in image.attributes) == where.reviewed,
    )
    return all(checks)


def some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2).map(tuple)


DAYS = st.none() | st.dates(date(1999, 12, 1), date(2007, 1, 31))
SHARES = st.none() | st.floats(0, 1)
FLAGS = st.sampled_from((None, True, False))


def _filter_of(chosen: dict[str, Any]) -> ImageFilter:
    return ImageFilter(**chosen)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "label": some((*LABELS, "harbour", "unknown")),
        "labelled": FLAGS,
        "predicted": some(LABELS),
        "split": some(("train", "validation", "pool")),
        "tag": some((*TAGS, "new", "unknown")),
        "not_tag": some((*TAGS, "new")),
        "camera": some((*CAMERAS, "Other")),
        "photographer": some(PHOTOGRAPHERS),
        "taken_from": DAYS,
        "taken_to": DAYS,
        "typicality_min": SHARES,
        "typicality_max": SHARES,
        "wrong": FLAGS,
        "uncertain": FLAGS,
        "learned": FLAGS,
        "reviewed": FLAGS,
    },
).map(_filter_of)


def test_the_filters_of_this_test_have_all_conditions(served: ServedRelease) -> None:
    """A condition without an example here is not compared with the model."""
    given = {"label", "labelled", "predicted", "split", "tag", "not_tag", "camera"}
    given |= {"photographer", "taken_from", "taken_to", "typicality_min", "typicality_max"}
    given |= {"wrong", "uncertain", "learned", "reviewed"}
    # `api_tests/test_selections.py` tests selections.
    assert {each.name for each in fields(ImageFilter)} == given | {"selection"}


def test_masks_agree_with_records(served: ServedRelease, facts: list[Fact]) -> None:
    @settings(max_examples=300, deadline=None)
    @given(where=FILTERS)
    def check(where: ImageFilter) -> None:
        found = np.flatnonzero(served.mask(where)).tolist()
        assert found == [fact.row for fact in facts if meets(fact, where)]
        assert from_json(as_json(where)) == where

    check()


FIELDS: dict[str, tuple[str, ...]] = {
    "label": ("label",),
    "predicted": ("predicted",),
    "split": ("split",),
    "tag": ("tag", "not_tag"),
    "camera": ("camera",),
    "photographer": ("photographer",),
    "year": ("taken_from", "taken_to"),
}
"""Conditions on each field of the facets."""


def values_of(fact: Fact, field: str) -> list[str]:
    """Return the values of a field of an image."""
    found: dict[str, list[str | None]] = {
        "label": [fact.image.label],
        "predicted": [fact.predicted],
        "split": [fact.image.split],
        "tag": [*fact.image.tags],
        "camera": [fact.camera],
        "photographer": [fact.image.photographer],
        "year": [fact.day and fact.day[:4]],
    }
    return [value for value in found[field] if value is not None]


def without(where: ImageFilter, names: tuple[str, ...]) -> ImageFilter:
    """Return a filter without the conditions of these names."""
    return replace(where, **{each: getattr(EVERY_IMAGE, each) for each in names})


def test_facets_count_a_field_under_the_other_conditions(
    served: ServedRelease, facts: list[Fact]
) -> None:
    def matching(where: ImageFilter) -> list[Fact]:
        return [fact for fact in facts if meets(fact, where)]

    def check_field(facet: Facet, name: str, where: ImageFilter, most: int) -> None:
        others = matching(without(where, FIELDS[name]))
        counts = Counter(each for fact in others for each in values_of(fact, name))
        asked: set[str] = set()
        if name != "year":
            asked.update(*(getattr(where, condition) for condition in FIELDS[name]))
        shown = {*sorted(counts, key=lambda each: (-counts[each], each))[:most], *asked}
        assert {each.value: each.count for each in facet.values} == {
            each: counts[each] for each in shown
        }
        assert facet.distinct == len(counts)
        assert facet.missing == sum(not values_of(fact, name) for fact in others)
        numbers = [each.count for each in facet.values]
        assert numbers == sorted(numbers, reverse=True)

    @settings(max_examples=150, deadline=None)
    @given(where=FILTERS, most=st.integers(1, 5))
    def check(where: ImageFilter, most: int) -> None:
        counts = FacetCounts(served, where, most)
        assert counts.total == len(matching(where))
        for name, facet in counts.facets().items():
            check_field(facet, name, where, most)
        for name, flags in counts.flags().items():
            for count, value in ((flags.yes, True), (flags.no, False)):
                condition: dict[str, Any] = {name: value}
                assert count == len(matching(replace(where, **condition)))
        others = matching(without(where, ("typicality_min", "typicality_max")))
        expected, _ = np.histogram([fact.typicality for fact in others], np.arange(21) / 20)
        assert counts.typicality().counts == tuple(expected.tolist())

    check()


CONDITIONS = [each for each in fields(ImageFilter) if each.name != "selection"]


@pytest.mark.parametrize("each", CONDITIONS, ids=lambda each: each.name)
def test_each_condition_selects_some_images_and_not_all(served: ServedRelease, each: Any) -> None:
    values: dict[str, Any] = {
        "label": ("lake", "harbour"),
        "predicted": ("lake",),
        "split": ("validation",),
        "tag": ("café",),
        "not_tag": ("night",),
        "camera": CAMERAS[:1],
        "photographer": PHOTOGRAPHERS[:1],
        "taken_from": date(2003, 1, 1),
        "taken_to": date(2003, 1, 1),
        "typicality_min": 0.5,
        "typicality_max": 0.5,
    }
    mask = served.mask(ImageFilter(**{each.name: values.get(each.name, True)}))
    assert 0 < mask.sum() < served.count


def test_names_in_another_unicode_form_are_found(served: ServedRelease) -> None:
    decomposed = from_json({"photographer": ["Zoe\u0308"], "tag": ["cafe\u0301"]})
    assert decomposed == ImageFilter(photographer=("Zoë",), tag=("café",))


def test_masks_are_shared_and_cannot_be_changed(served: ServedRelease) -> None:
    where = ImageFilter(split=("train",))
    mask = served.mask(where)
    assert served.mask(replace(where)) is mask
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = True
    assert served.among(EVERY_IMAGE) is None
