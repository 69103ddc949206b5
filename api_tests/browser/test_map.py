"""The map and the way from photograph to photograph."""

import re

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import UNREACHABLE
from api_tests.browser.on_map import in_sight, place_of_a_point

GROUND = "each => getComputedStyle(each).backgroundColor"

# Whether there is nothing on the map.
BLANK = """() => {
  const canvas = document.querySelector(".map canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.every(each => each === 0);
}"""


def test_pointing_shows_photograph_and_maker(opened, odd, pictured):
    # Among the lakes there is one whose picture cannot be asked for.
    page = opened("#/map?label=forest", service=odd, refused=UNREACHABLE)
    page.mouse.move(*place_of_a_point(page))
    card = page.locator(".hover-card")
    expect(card).to_contain_text(re.compile(r"Number \d by A. Photographer, CC BY 2.0"))
    expect(card).to_contain_text(re.compile("recognised as|taken for"))
    assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)")
    pictured(page, "pointing")
    page.mouse.move(5, 5)
    expect(card).to_be_hidden()


def test_one_photograph_leads_to_the_next_and_back(opened, api):
    page = opened()
    page.mouse.click(*place_of_a_point(page))
    expect(page).to_have_url(re.compile("#/image/"))
    first = page.url.split("#/image/")[1]
    nearest = api.get("/neighbors", params={"id": first}).json()["neighbors"]
    cards = page.locator(".neighbours figure")
    expect(cards).to_have_count(3)
    for card, neighbour in zip(cards.all(), nearest, strict=True):
        expect(card).to_contain_text(f"{neighbour['label']}distance {neighbour['distance']:,.2f}")
    where = page.get_by_role("img", name="The map, with lines from this one to the nearest")
    expect(where).to_be_visible()
    where.click()
    expect(page).to_have_url(re.compile(f"#/image/{first}$"))
    cards.first.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(f"#/image/{nearest[0]['id']}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(nearest[0]["id"])
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text(first)
    page.go_back()
    expect(page.locator(".map canvas")).to_be_visible()


@pytest.mark.parametrize(
    ("split", "said"), [("train", "belongs to the training part"), ("validation", "Calibrated:")]
)
def test_only_a_new_photograph_tells_how_sure_the_network_is(opened, records, split, said):
    record = next(each for each in records if each["split"] == split)
    page = opened(f"#/image/{record['id']}")
    expect(page.locator(".verdict")).to_contain_text(said)
    shown = page.locator(".verdict").inner_text()
    assert ("Calibrated" in shown) == (split == "validation")


def test_filters_choose_and_can_be_shared(opened, points, pictured):
    chosen = [each for each in points if each["label"] in ("lake", "road")]
    wrong = [each for each in chosen if each["predicted"] != each["label"]]
    validation = [each for each in wrong if each["split"] == "validation"]
    page = opened()
    in_sight(page, len(points))
    page.get_by_role("button", name="lake").click()
    page.get_by_role("button", name="road").click()
    in_sight(page, len(chosen))
    page.get_by_label("Only errors").check()
    in_sight(page, len(wrong))
    page.get_by_role("radio", name="Validation").check()
    in_sight(page, len(validation))
    page.reload()
    in_sight(page, len(validation))
    expect(page.get_by_role("button", name="lake")).to_have_attribute("aria-pressed", "true")
    # Who chooses all colours in the system sees what is chosen, too.
    page.emulate_media(forced_colors="active")
    for group in (".classes button", ".choice span"):
        assert len({each.evaluate(GROUND) for each in page.locator(group).all()}) == 2
    pictured(page, "forced-colours")
    page.emulate_media(forced_colors="none")
    for name in ("lake", "road"):
        page.get_by_role("button", name=name).click()
    page.get_by_label("Only errors").uncheck()
    page.get_by_role("radio", name="All").check()
    in_sight(page, len(points))
    assert page.url.endswith("#/map")


def test_where_nothing_fits_all_can_be_shown_again(opened, api, points):
    page = opened("#/experiments")
    flawless = [each | {"predicted": each["label"]} for each in points]
    answer = {"release": api.get("/readyz").json()["release"], "points": flawless}
    page.route("**/tsne?*", lambda route: route.fulfill(json=answer))
    page.get_by_role("link", name="Map").click()
    page.get_by_role("button", name="lake").click()
    # A photograph that goes away under the mouse leaves no ring on the map.
    page.locator(".sight figure").first.hover()
    page.get_by_label("Only errors").focus()
    page.keyboard.press("Space")
    in_sight(page, 0)
    page.wait_for_function(BLANK)
    expect(page.locator("#said")).to_have_text("No photograph fits.")
    page.get_by_role("button", name="Take the filters away").click()
    in_sight(page, len(points))
    expect(page.get_by_role("button", name="lake")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_label("Only errors")).not_to_be_checked()
    expect(page.locator(".sheet")).to_be_focused()
    assert page.url.endswith("#/map")


def test_a_second_touch_opens_what_the_first_one_showed(opened):
    page = opened(touch=True)
    place = place_of_a_point(page)
    page.touchscreen.tap(*place)
    card = page.locator(".hover-card")
    expect(card).to_contain_text(re.compile("recognised as|taken for"))
    address = card.get_by_role("link").first.get_attribute("href")
    assert "#/image/" not in page.url
    page.touchscreen.tap(*place)
    expect(page).to_have_url(re.compile(re.escape(address) + "$"))


@pytest.mark.parametrize("place", [-0.9, -0.3, 0.3, 0.9])
def test_the_card_leaves_with_its_point(opened, api, points, place):
    # The place of the point decides on which side of it the card lies.
    point, other = points[:2]
    sides = [other | {"x": side, "y": 0} for side in (-1, 1)]
    answer = {
        "release": api.get("/readyz").json()["release"],
        "points": [point | {"x": place, "y": 1}, *sides],
    }
    page = opened("#/experiments", touch=True)
    page.route("**/tsne?*", lambda route: route.fulfill(json=answer))
    page.get_by_role("link", name="Map").tap()
    x, y = place_of_a_point(page)
    page.touchscreen.tap(x, y)
    card = page.locator(".hover-card")
    expect(card).to_be_visible()
    for _ in range(6):
        page.get_by_role("button", name="Zoom in").tap()
    in_sight(page, 1)
    expect(card).to_be_visible()
    fingers = page.context.new_cdp_session(page)

    def touch(kind, *heights):
        touched = [{"x": x, "y": height} for height in heights]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    # The finger begins at the point, which the card never covers: a touch of the card moves no map.
    touch("touchStart", y)
    for height in (y / 2, 1):
        touch("touchMove", height)
    touch("touchEnd")
    expect(card).to_be_hidden()
    in_sight(page, 0)


@pytest.mark.parametrize("service", ["api", "odd"])
def test_who_painted_is_said(request, opened, service):
    page = opened(service=request.getfixturevalue(service), refused=UNREACHABLE)
    expect(page.locator(".sight figure").first).to_be_visible()
    said = page.locator(".sight .credit").all_inner_texts()
    if service == "api":
        expect(page.locator("#banner")).to_be_visible()
        assert set(said) == {"Generated scene"}
    else:
        expect(page.locator("#banner")).to_be_hidden()
        assert all(re.fullmatch(r"Number \d by A. Photographer, CC BY 2.0", each) for each in said)
        link = page.locator(".sight .credit a").first
        assert link.get_attribute("href").startswith("https://www.flickr.com/photos/12345@N01/")


def test_ids_that_are_hard_to_put_into_an_address_work(opened, odd):
    page = opened(service=odd, refused=UNREACHABLE)
    for record in odd.get("/images").json()["images"]:
        # The one cannot be asked for, and `/images/random` is a call of its own.
        if record["id"] in ("lake/..", "random"):
            continue
        page.evaluate("id => location.hash = '#/image/' + encodeURIComponent(id)", record["id"])
        title = record["attribution"]["title"]
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        image = page.locator(".large img")
        expect(image).to_have_attribute("alt", f"{record['label']}: {title}")
        width = image.evaluate("image => image.decode().then(() => image.naturalWidth)")
        assert width == record["width"]
