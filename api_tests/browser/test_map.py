"""Map, filters and links between images."""

import re

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import UNREACHABLE
from api_tests.browser.map_helpers import expect_in_view, point_position

BACKGROUND = "each => getComputedStyle(each).backgroundColor"

# The map shows no points.
BLANK = """() => {
  const canvas = document.querySelector(".map canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.every(each => each === 0);
}"""


def test_hovering_shows_image_and_attribution(open_page, odd, screenshot):
    # One image of the class lake has an id that no browser can request.
    page = open_page("#/map?label=forest", service=odd, refused=UNREACHABLE)
    page.mouse.move(*point_position(page))
    card = page.locator(".hover-card")
    expect(card).to_contain_text(re.compile(r"Number \d by A. Photographer, CC BY 2.0"))
    expect(card).to_contain_text(re.compile("(mis)?classified as"))
    assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)")
    screenshot(page, "hover")
    page.mouse.move(5, 5)
    expect(card).to_be_hidden()


def test_neighbours_are_linked(open_page, api):
    page = open_page()
    page.mouse.click(*point_position(page))
    expect(page).to_have_url(re.compile("#/image/"))
    first = page.url.split("#/image/")[1]
    nearest = api.get("/neighbors", params={"id": first}).json()["neighbors"]
    cards = page.locator(".neighbours figure")
    expect(cards).to_have_count(3)
    for card, neighbour in zip(cards.all(), nearest, strict=True):
        expect(card).to_contain_text(f"{neighbour['label']}distance {neighbour['distance']:,.2f}")
    minimap = page.get_by_role("img", name="Map with lines from this image to its nearest")
    expect(minimap).to_be_visible()
    minimap.click()
    expect(page).to_have_url(re.compile(f"#/image/{first}$"))
    cards.first.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(f"#/image/{nearest[0]['id']}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(nearest[0]["id"])
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text(first)
    page.go_back()
    expect(page.locator(".map canvas")).to_be_visible()


@pytest.mark.parametrize(
    ("split", "text"), [("train", "learned from this image"), ("validation", "Calibrated:")]
)
def test_uncertainty_is_shown_for_validation_images_only(open_page, records, split, text):
    record = next(each for each in records if each["split"] == split)
    page = open_page(f"#/image/{record['id']}")
    expect(page.locator(".prediction")).to_contain_text(text)
    shown = page.locator(".prediction").inner_text()
    assert ("Calibrated" in shown) == (split == "validation")


def test_filters_are_part_of_the_url(open_page, points, screenshot):
    chosen = [each for each in points if each["label"] in ("lake", "road")]
    wrong = [each for each in chosen if each["predicted"] != each["label"]]
    validation = [each for each in wrong if each["split"] == "validation"]
    page = open_page()
    expect_in_view(page, len(points))
    page.get_by_role("button", name="lake").click()
    page.get_by_role("button", name="road").click()
    expect_in_view(page, len(chosen))
    page.get_by_label("Only errors").check()
    expect_in_view(page, len(wrong))
    page.get_by_role("radio", name="Validation").check()
    expect_in_view(page, len(validation))
    page.reload()
    expect_in_view(page, len(validation))
    expect(page.get_by_role("button", name="lake")).to_have_attribute("aria-pressed", "true")
    # Selected filters are visible with forced colours, too.
    page.emulate_media(forced_colors="active")
    for group in (".classes button", ".choice span"):
        assert len({each.evaluate(BACKGROUND) for each in page.locator(group).all()}) == 2
    screenshot(page, "forced-colours")
    page.emulate_media(forced_colors="none")
    for name in ("lake", "road"):
        page.get_by_role("button", name=name).click()
    page.get_by_label("Only errors").uncheck()
    page.get_by_role("radio", name="All").check()
    expect_in_view(page, len(points))
    assert page.url.endswith("#/map")


def test_filters_without_matches_can_be_cleared(open_page, api, points):
    page = open_page("#/experiments")
    correct = [each | {"predicted": each["label"]} for each in points]
    response = {"release": api.get("/readyz").json()["release"], "points": correct}
    page.route("**/tsne?*", lambda route: route.fulfill(json=response))
    page.get_by_role("link", name="Map").click()
    page.get_by_role("button", name="lake").click()
    # An image that is removed while hovered leaves no ring on the map.
    page.locator(".thumbnails figure").first.hover()
    page.get_by_label("Only errors").focus()
    page.keyboard.press("Space")
    expect_in_view(page, 0)
    page.wait_for_function(BLANK)
    expect(page.locator("#announcement")).to_have_text("No images match the filters.")
    page.get_by_role("button", name="Clear filters").click()
    expect_in_view(page, len(points))
    expect(page.get_by_role("button", name="lake")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_label("Only errors")).not_to_be_checked()
    expect(page.locator(".canvas-host")).to_be_focused()
    assert page.url.endswith("#/map")


def test_second_touch_opens_the_image(open_page):
    page = open_page(touch=True)
    position = point_position(page)
    page.touchscreen.tap(*position)
    card = page.locator(".hover-card")
    expect(card).to_contain_text(re.compile("(mis)?classified as"))
    href = card.get_by_role("link").first.get_attribute("href")
    assert "#/image/" not in page.url
    page.touchscreen.tap(*position)
    expect(page).to_have_url(re.compile(re.escape(href) + "$"))


@pytest.mark.parametrize("x_position", [-0.9, -0.3, 0.3, 0.9])
def test_card_is_hidden_with_its_point(open_page, api, points, x_position):
    # The position of the point decides on which side of it the card is shown.
    point, other = points[:2]
    sides = [other | {"x": side, "y": 0} for side in (-1, 1)]
    response = {
        "release": api.get("/readyz").json()["release"],
        "points": [point | {"x": x_position, "y": 1}, *sides],
    }
    page = open_page("#/experiments", touch=True)
    page.route("**/tsne?*", lambda route: route.fulfill(json=response))
    page.get_by_role("link", name="Map").tap()
    x, y = point_position(page)
    page.touchscreen.tap(x, y)
    card = page.locator(".hover-card")
    expect(card).to_be_visible()
    for _ in range(6):
        page.get_by_role("button", name="Zoom in").tap()
    expect_in_view(page, 1)
    expect(card).to_be_visible()
    fingers = page.context.new_cdp_session(page)

    def touch(kind, *heights):
        touched = [{"x": x, "y": height} for height in heights]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    # The gesture starts at the point, which the card never covers; on the card it would not pan.
    touch("touchStart", y)
    for height in (y / 2, 1):
        touch("touchMove", height)
    touch("touchEnd")
    expect(card).to_be_hidden()
    expect_in_view(page, 0)


@pytest.mark.parametrize("service", ["api", "odd"])
def test_attribution_is_shown(request, open_page, service):
    page = open_page(service=request.getfixturevalue(service), refused=UNREACHABLE)
    expect(page.locator(".thumbnails figure").first).to_be_visible()
    texts = page.locator(".thumbnails .attribution").all_inner_texts()
    if service == "api":
        expect(page.locator("#banner")).to_be_visible()
        assert set(texts) == {"Generated scene"}
    else:
        expect(page.locator("#banner")).to_be_hidden()
        assert all(re.fullmatch(r"Number \d by A. Photographer, CC BY 2.0", each) for each in texts)
        link = page.locator(".thumbnails .attribution a").first
        assert link.get_attribute("href").startswith("https://www.flickr.com/photos/12345@N01/")


def test_ids_with_special_characters_work(open_page, odd):
    page = open_page(service=odd, refused=UNREACHABLE)
    for record in odd.get("/images").json()["images"]:
        # Browsers normalise the first path, and `/images/random` is another endpoint.
        if record["id"] in ("lake/..", "random"):
            continue
        page.evaluate("id => location.hash = '#/image/' + encodeURIComponent(id)", record["id"])
        title = record["attribution"]["title"]
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        image = page.locator(".large img")
        expect(image).to_have_attribute("alt", f"{record['label']}: {title}")
        width = image.evaluate("image => image.decode().then(() => image.naturalWidth)")
        assert width == record["width"]
