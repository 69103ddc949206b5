"""Changes of the stored images while the page is open."""

import re

import pytest
from playwright.sync_api import expect

from api_tests.browser.map_helpers import expect_in_view
from api_tests.conftest import served
from api_tests.test_live import DELETED, RELABELLED, Collection
from api_tests.test_swap import POLL
from service.settings import ServiceSettings
from tests.tiny_release import LABELS, PER_CLASS

ALL = len(LABELS) * PER_CLASS

POINTS = """async () => {
  const { loadPoints } = await import("/web/js/map/points.js");
  return loadPoints();
}"""


@pytest.fixture
def collection(copied_home):
    with served(ServiceSettings(home=copied_home, poll=POLL)) as (client, state):
        yield Collection(copied_home, client, state)


def test_the_map_shows_added_images_and_hides_deleted_ones(open_page, collection):
    page = open_page("#/map", service=collection.client)
    expect_in_view(page, ALL)
    before = {each["id"]: each for each in page.evaluate(POINTS)}
    collection.put("new/one", 3, label="lake", split="train", group=900)
    collection.put("new/two", 4, label="lake", split="train", group=901)
    collection.store.delete([DELETED])
    expect_in_view(page, ALL + 1)
    expect(page.get_by_role("application")).to_have_attribute(
        "aria-label", f"Map of {ALL + 1} images"
    )
    expect(page.get_by_role("button", name="lake")).to_have_text(f"lake{PER_CLASS + 2}")
    expect(page.locator("#footer")).to_contain_text(f"{ALL + 1} images")
    after = {each["id"]: each for each in page.evaluate(POINTS)}
    assert not after["new/one"]["learned"]
    assert {each for each in before if before[each] != after.get(each)} == {DELETED}


def test_region_filters_and_selection_of_the_map_stay(open_page, collection):
    page = open_page("#/map?label=lake", service=collection.client)
    expect_in_view(page, PER_CLASS)
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowRight")
    card = page.locator(".hover-card")
    expect(card).to_be_visible()
    text = card.inner_text()
    collection.put("new/one", 3, label="lake", split="train", group=900)
    expect_in_view(page, PER_CLASS + 1)
    expect(card).to_be_visible()
    assert card.inner_text() == text
    expect(page.get_by_role("button", name="lake")).to_have_attribute("aria-pressed", "true")
    assert page.url.endswith("#/map?label=lake")


def test_the_view_of_an_image_follows_its_record(open_page, collection):
    page = open_page(f"#/image/{RELABELLED}", service=collection.client)
    details = page.locator(".details")
    expect(details).to_contain_text(re.compile("lake, training"))
    collection.relabel(RELABELLED, "city")
    expect(details).to_contain_text(re.compile("city, training"))
    collection.store.delete([RELABELLED])
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")


def test_the_errors_are_those_of_the_latest_labels(open_page, collection):
    error = collection.get("/errors")["errors"][0]
    total = collection.get("/errors")["total"]
    page = open_page("#/errors", service=collection.client)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{total} errors")
    collection.relabel(error["id"], error["predicted"])
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{total - 1} errors")
