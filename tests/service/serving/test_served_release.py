"""A state that follows the store equals one that is opened anew."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from embeddings.release.publish import republish
from embeddings.release.reader import ReleaseError
from embeddings.settings import IndexSettings
from embeddings.store.retention import Retention
from embeddings.store.store import Store
from service.serving.precomputed import neighborhood_of, prediction_of, published_map
from service.serving.served_release import ServedRelease, load_current_release
from service.settings import ServiceSettings

REPLACED, RELABELLED, DELETED, ERASED = (
    "field/field_0000",
    "lake/lake_0003",
    "road/road_0000",
    "ocean/ocean_0002",
)


@pytest.fixture
def changing(home: Path, tmp_path: Path) -> Path:
    for name in ("releases", "store"):
        shutil.copytree(home / name, tmp_path / name, symlinks=True)
    return tmp_path


def change(store: Store) -> None:
    """Add, replace, relabel and delete images, each in a revision of its own."""
    known = {image.id: image for image in store.at().images}
    twin = known["city/city_0001"]
    store.put([twin.model_copy(update={"id": "city/twin", "group": 900})])
    files = {"digest": twin.digest, "width": twin.width, "height": twin.height}
    store.put([known[REPLACED].model_copy(update=files)])
    store.put([known[RELABELLED].model_copy(update={"label": "city"})])
    store.delete([DELETED])


def answers(served: ServedRelease) -> dict[str, object]:
    """Return all precomputed answers of a state."""
    found: dict[str, object] = {"map": published_map(served, 1000, compressed=False)}
    for row in served.live.ids_in_order().tolist():
        identifier = served.live.record(row).id
        found[identifier] = neighborhood_of(served, row), prediction_of(served, row)
    found["errors"] = served.errors
    found["issues"] = served.label_issues
    found["counts"] = served.count, served.change_count, served.not_learned
    return found


def erase(store: Store) -> None:
    store.erase(store.find_traces([ERASED]))


def clean_up(store: Store) -> None:
    store.compact(Retention(versions=1, days=0))


def nothing(store: Store) -> None:
    del store


@pytest.mark.parametrize("afterwards", [nothing, clean_up])
def test_a_state_that_fell_behind_equals_one_that_is_opened_anew(
    changing: Path, afterwards: Callable[[Store], None]
) -> None:
    settings, store = ServiceSettings(home=changing), Store(str(changing / "store"))
    served = load_current_release(settings)
    answers(served)
    change(store)
    afterwards(store)
    served = served.with_changes(served.changes())
    anew = load_current_release(settings)
    assert served.revision == anew.revision == store.at().revision
    assert answers(served) == answers(anew)
    assert served.changes() is None


def test_every_order_of_reading_gives_the_same_answers(changing: Path) -> None:
    settings, store = ServiceSettings(home=changing), Store(str(changing / "store"))
    at_once = step_by_step = load_current_release(settings)
    known = {image.id: image for image in store.at().images}
    for label in ("city", "lake", "ocean"):
        store.put([known[RELABELLED].model_copy(update={"label": label})])
        step_by_step = step_by_step.with_changes(step_by_step.changes())
        answers(step_by_step)
    change(store)
    store.restore([DELETED])
    for served in (at_once, step_by_step):
        assert answers(served.with_changes(served.changes())) == answers(
            load_current_release(settings)
        )


def test_an_erased_image_is_gone(changing: Path) -> None:
    settings, store = ServiceSettings(home=changing), Store(str(changing / "store"))
    served = load_current_release(settings)
    change(store)
    erase(store)
    after = served.with_changes(served.changes())
    assert after.live.row(ERASED) is None
    assert after.live.row("city/twin") is not None
    for row in after.live.ids_in_order().tolist():
        assert ERASED.encode() not in neighborhood_of(after, row)
    assert ERASED.encode() not in published_map(after, 1000, compressed=False)
    # The state itself never changes.
    assert served.live.row(ERASED) is not None


def test_answers_of_untouched_images_stay_cached(changing: Path) -> None:
    store = Store(str(changing / "store"))
    served = load_current_release(ServiceSettings(home=changing))
    answers(served)
    kept = dict(served.caches.neighborhoods._kept)
    store.delete([DELETED])
    after = served.with_changes(served.changes())
    answers(after)
    again = dict(after.caches.neighborhoods._kept)
    changed = {row for row in kept if again[row] is not kept[row]}
    near = {
        row
        for row in range(len(served.release.images))
        if served.live.row(DELETED) in served.release.graph.of(row).rows
    }
    assert changed == near


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_a_release_is_served_with_its_index_and_the_changes_before_it(
    changing: Path, kind: str
) -> None:
    store = Store(str(changing / "store"))
    chosen = IndexSettings(home=changing, index=kind)
    republish(store, changing / "releases", explain=None, index=chosen)
    change(store)
    served = load_current_release(ServiceSettings(home=changing))
    query = served.release.embeddings[0]
    found = served.live.index.search(query, 3)
    assert (found.kind, found.exact) == (kind, False)
    deleted = served.release.rows[DELETED]
    everything = served.live.index.search(query, len(served.live))
    assert everything.exact
    assert deleted not in everything.rows
    assert len(everything.rows) == served.count
    with pytest.raises(ReleaseError, match="belvedere publish"):
        load_current_release(ServiceSettings(home=changing, index="flat-f16"))
