"""History of a collection that changed, and the marks of images that came after the training."""

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW, WIDE
from tests.tiny_release import DELETED, IN_POOL, LABELS, MOVED, NEW, RELABELLED, UNLABELLED


@pytest.fixture
def open_grown(open_page, grown):
    return lambda url, **options: open_page(url, service=grown, **options)


def test_versions_with_their_sizes_and_changes(open_grown, grown, screenshot):
    page = open_grown("#/map")
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("History")
    expect(page).to_have_title("History · Belvedere")
    expect(page.locator(".lead")).to_contain_text("2 training images came later")
    versions = grown.get("/versions").json()["versions"]
    items = page.locator(".versions > li")
    expect(items).to_have_count(len(versions))
    expect(items.first).to_contain_text(f"Revision {versions[0]['revision']}")
    expect(items.first).to_contain_text("this release")
    expect(items.first.locator(".sizes")).to_contain_text("170 images")
    expect(items.first.locator(".sizes")).to_contain_text("no label 1")
    expect(items.last).to_contain_text("its model learned from this")
    expect(items.last).to_contain_text("first")
    expect(items.last.locator(".sizes > span")).to_have_count(len(LABELS))
    expect(items.last.locator("details")).to_have_count(0)
    for item in items.all()[:-1]:
        item.locator("summary").click()
    expect(items.first.locator(".changes")).to_contain_text(f"Deleted: 1{DELETED}")
    expect(items.nth(1).locator(".changes")).to_contain_text(f"{RELABELLED}: lake → ocean")
    added = items.nth(2).locator(".changes")
    expect(added).to_contain_text("Added: 3")
    expect(added).to_contain_text(f"Moved to the pool: 1{MOVED}")
    screenshot(page, "history-changes")
    added.get_by_role("link", name=NEW).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(NEW)


def test_history_fits_a_phone(open_grown, axe_violations, screenshot):
    page = open_grown("#/history", size=NARROW, scheme="dark")
    summaries = page.locator(".versions summary")
    expect(summaries.first).to_be_visible()
    for summary in summaries.all():
        summary.click()
    expect(page.locator(".changes section")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    assert axe_violations(page) == []
    screenshot(page, "history-changes-390")


def test_older_versions_are_shown_on_request(open_grown, grown):
    answer = grown.get("/versions").json()
    newest = answer["versions"][0]
    many = [newest | {"revision": number} for number in range(60, 0, -1)]

    def fulfil(route):
        _, _, query = route.request.url.partition("?")
        given = dict(each.split("=") for each in query.split("&"))
        begin = int(given["offset"])
        page_of = many[begin : begin + int(given["limit"])]
        route.fulfill(json=answer | {"versions": page_of, "total": len(many)})

    page = open_grown("#/experiments")
    page.route("**/versions?*", fulfil)
    page.get_by_role("link", name="History").click()
    items = page.locator(".versions > li")
    expect(items).to_have_count(50)
    page.get_by_role("button", name="Show older versions").click()
    expect(items).to_have_count(60)
    expect(page.get_by_role("button", name="Show older versions")).to_be_hidden()
    expect(items.nth(49)).to_contain_text("Changes since revision 10")
    expect(items.nth(50)).to_contain_text("Revision 10")
    expect(items.last).to_contain_text("Revision 1")


@pytest.mark.parametrize(
    ("identifier", "text", "absent"),
    [
        (NEW, "has not learned from it yet", "The model learned from this image"),
        (MOVED, "learned from this image before it was moved to the pool", "came after"),
        (IN_POOL, "The pool is used neither for training nor for validation", "learned from"),
        (UNLABELLED, "no label, pool", "incorrect"),
    ],
)
def test_images_say_whether_the_model_learned_from_them(
    open_grown, screenshot, identifier, text, absent
):
    page = open_grown(f"#/image/{identifier}")
    details = page.locator(".details")
    expect(details).to_contain_text(text)
    expect(details).not_to_contain_text(absent)
    screenshot(page, f"image-{identifier.replace('/', '-')}")


@pytest.mark.parametrize(
    ("identifier", "texts"),
    [
        (NEW, ("lake, training", "The model has not learned from this image yet")),
        (UNLABELLED, ("no label, pool", "classified as")),
    ],
)
def test_the_card_on_the_map_marks_new_and_unlabelled_images(
    open_grown, grown, screenshot, identifier, texts
):
    answer = grown.get("/tsne", params={"n": 1000}).json()
    shown = next(each for each in answer["points"] if each["id"] == identifier)
    page = open_grown("#/experiments", size=WIDE)
    page.route("**/tsne?*", lambda route: route.fulfill(json=answer | {"points": [shown]}))
    page.get_by_role("link", name="Map").click()
    box = page.locator(".canvas-host").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    card = page.locator(".hover-card")
    for text in texts:
        expect(card).to_contain_text(text)
    expect(card).not_to_contain_text("misclassified")
    screenshot(page, f"card-{identifier.replace('/', '-')}")


def test_the_pool_is_a_filter_of_the_map(open_grown, open_page):
    page = open_grown("#/map?split=pool")
    expect(page.get_by_role("radio", name="Pool")).to_be_checked()
    expect(page.locator(".thumbnails figure")).to_have_count(3)
    page = open_page("#/map")
    expect(page.get_by_role("radio", name="Validation")).to_be_visible()
    expect(page.get_by_role("radio", name="Pool")).to_have_count(0)
