"""Filters against a plain model: each condition by the record and the features of an image."""

import shutil
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embeddings.recognition import prediction_set
from embeddings.release.publish import republish
from embeddings.store.store import Store
from service.image_filter import EVERY_IMAGE, ImageFilter, as_json, from_json
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


def meets(served: ServedRelease, row: int, where: ImageFilter) -> bool:
    """Return True if an image meets a filter, condition by condition."""
    image, live = served.live.record(row), served.live
    probabilities = live.probabilities(row)
    predicted = served.manifest.classes[int(np.argmax(probabilities))]
    size = len(prediction_set(probabilities, served.model.threshold))
    taken = image.attributes.get("taken")
    day = taken[:10] if isinstance(taken, str) and taken[0] == "2" else None
    checks = (
        not where.label or image.label in where.label,
        where.labelled is None or (image.label is not None) == where.labelled,
        not where.predicted or predicted in where.predicted,
        not where.split or image.split in where.split,
        not where.tag or any(tag in image.tags for tag in where.tag),
        not any(tag in image.tags for tag in where.not_tag),
        not where.camera or image.attributes.get("camera") in where.camera,
        not where.photographer or image.photographer in where.photographer,
        where.taken_from is None or (day is not None and where.taken_from.isoformat() <= day),
        where.taken_to is None or (day is not None and day <= where.taken_to.isoformat()),
        where.typicality_min is None or live.typicality(row) >= where.typicality_min,
        where.typicality_max is None or live.typicality(row) <= where.typicality_max,
        where.wrong is None
        or (image.label is not None and (predicted != image.label) == where.wrong),
        where.uncertain is None or (size != 1) == where.uncertain,
        where.learned is None or live.learned(row) == where.learned,
    )
    return all(checks)


def some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2).map(tuple)


DAYS = st.none() | st.dates(date(1999, 12, 1), date(2007, 1, 31))
SHARES = st.none() | st.floats(0, 1)
FLAGS = st.sampled_from((None, True, False))

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
    },
).map(lambda chosen: ImageFilter(**chosen))


def test_the_filters_of_this_test_have_all_conditions(served: ServedRelease) -> None:
    """A condition without an example here is not compared with the model."""
    given = {"label", "labelled", "predicted", "split", "tag", "not_tag", "camera"}
    given |= {"photographer", "taken_from", "taken_to", "typicality_min", "typicality_max"}
    given |= {"wrong", "uncertain", "learned"}
    assert {each.name for each in fields(ImageFilter)} == given


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(where=FILTERS)
def test_masks_agree_with_records(served: ServedRelease, where: ImageFilter) -> None:
    found = np.flatnonzero(served.mask(where)).tolist()
    live = np.flatnonzero(served.live.live).tolist()
    assert found == [row for row in live if meets(served, row, where)]
    assert from_json(as_json(where)) == where


@pytest.mark.parametrize("each", fields(ImageFilter), ids=lambda each: each.name)
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
