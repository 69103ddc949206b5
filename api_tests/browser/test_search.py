"""Search by examples, and by a part of an image: mouse, touch and keyboard."""

import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW
from api_tests.browser.test_keyboard import activate, focus
from api_tests.browser.uploads import drop
from api_tests.conftest import served
from service.settings import ServiceSettings

PAGE_SIZE = 24


def examples_in(page):
    """Return the examples and the counter-examples in the address of a page."""
    query = parse_qs(urlsplit(page.url).fragment.partition("?")[2])
    return query.get("like", []), query.get("unlike", [])


def shown(page):
    """Return the ids of the found images, in their order."""
    groups = page.locator("main .cards .example-buttons")
    return groups.evaluate_all("groups => groups.map(each => each.dataset.id)")


def answer(api, like, unlike=(), k=PAGE_SIZE, **filters):
    body = {"like": like, "unlike": list(unlike), "k": k}
    found = api.post("/search", json=body, params=filters).json()["neighbors"]
    return [each["id"] for each in found]


def expect_box(page, box, within=0.01):
    """Wait until the address has a box."""
    page.wait_for_function(
        """([box, within]) => {
          const text = new URLSearchParams(location.hash.split("?")[1]).get("box") ?? "";
          const found = text.split(",").map(Number);
          return box.every((each, index) => Math.abs(each - found[index]) <= within);
        }""",
        arg=[box, within],
    )


def box_in(page):
    text = parse_qs(urlsplit(page.url).fragment.partition("?")[2])["box"][0]
    return [float(each) for each in text.split(",")]


@pytest.fixture(scope="module")
def ids(records):
    return [record["id"] for record in records]


def test_examples_are_collected_from_other_views(open_page, api, ids):
    page = open_page(f"#/image/{ids[0]}")
    page.locator(".details").get_by_role("button", name="More like this").click()
    expect(page.get_by_role("link", name="Search (1)")).to_be_visible()
    near = page.locator(".neighbours figure").first
    near.get_by_role("button", name="Less like this").click()
    other = near.locator(".example-buttons").get_attribute("data-id")
    near.get_by_role("link", name="Search with 2 images").click()
    expect(page.get_by_role("heading", name=f"{PAGE_SIZE} images")).to_be_visible()
    assert examples_in(page) == ([ids[0]], [other])
    assert shown(page) == answer(api, [ids[0]], [other])

    page.goto("/#/errors")
    card = page.locator(".cards.wide figure").first
    card.get_by_role("button", name="More like this").click()
    expect(card.get_by_role("button", name="More like this")).to_have_attribute(
        "aria-pressed", "true"
    )
    error = card.locator(".example-buttons").get_attribute("data-id")
    page.get_by_role("navigation").get_by_role("link", name="Search").click()
    expect(page.locator(".examples li")).to_have_count(3 if error not in (ids[0], other) else 2)
    assert error in examples_in(page)[0]


def test_the_address_holds_a_search(open_page, api, ids):
    like, unlike, label = ids[:2], ids[40:41], "lake"
    query = "&".join(
        [*(f"like={quote(each)}" for each in like), f"unlike={quote(unlike[0])}", f"label={label}"]
    )
    page = open_page(f"#/search?{query}")
    expect(page.locator("main .cards figure").first).to_be_visible()
    assert shown(page) == answer(api, like, unlike, label=label)
    expect(page.get_by_role("button", name=f"Remove the filter label: {label}")).to_be_visible()
    page.reload()
    expect(page.locator("main .cards figure").first).to_be_visible()
    assert shown(page) == answer(api, like, unlike, label=label)


def test_results_become_examples_and_the_back_button_takes_that_back(open_page, api, ids):
    page = open_page(f"#/search?like={quote(ids[0])}")
    results = page.locator("main .cards figure")
    expect(results).to_have_count(PAGE_SIZE)
    first = shown(page)
    results.nth(2).get_by_role("button", name="Less like this").click()
    expect(page.locator(f".cards [data-id='{first[2]}']")).to_have_count(0)
    assert shown(page) == answer(api, [ids[0]], [first[2]])
    expect(page.get_by_role("heading", name=f"{PAGE_SIZE} images")).to_be_focused()
    page.go_back()
    expect(page.locator(f".cards [data-id='{first[2]}']")).to_be_visible()
    assert shown(page) == first
    page.go_forward()
    expect(page.locator(".examples li")).to_have_count(2)
    page.get_by_role("button", name=f"Remove {ids[0]}").click()
    expect(page.get_by_role("heading", name="No example")).to_be_visible()
    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_role("button", name="Start with a random image")).to_be_visible()
    page.get_by_role("button", name="Start with a random image").click()
    expect(results).to_have_count(PAGE_SIZE)


def test_filters_and_more_images(open_page, api, ids):
    page = open_page(f"#/search?like={quote(ids[0])}")
    results = page.locator("main .cards figure")
    expect(results).to_have_count(PAGE_SIZE)
    page.get_by_role("button", name="Show more").click()
    expect(results).to_have_count(2 * PAGE_SIZE)
    expect(results.nth(PAGE_SIZE).get_by_role("link").first).to_be_focused()
    assert shown(page) == answer(api, [ids[0]], k=2 * PAGE_SIZE)
    page.get_by_text("Filters", exact=True).click()
    page.get_by_role("radio", name="Validation").check()
    expect(page).to_have_url(re.compile("split=validation"))
    wanted = answer(api, [ids[0]], split="validation")
    expect(results).to_have_count(len(wanted))
    assert shown(page) == wanted
    page.get_by_role("group", name="Classes").get_by_role("button", name="lake").click()
    wanted = answer(api, [ids[0]], split="validation", label="lake")
    expect(results).to_have_count(len(wanted))
    assert shown(page) == wanted


def test_all_filters_are_in_the_address(open_page, api, ids):
    page = open_page(f"#/search?like={quote(ids[0])}&label=lake&label=city")
    results = page.locator("main .cards figure")
    expect(results).to_have_count(PAGE_SIZE)
    assert shown(page) == answer(api, [ids[0]], label=["lake", "city"])
    page.get_by_text("Filters", exact=True).click()
    wrong = page.get_by_label("Only errors")
    total = api.get("/ids", params={"label": ["lake", "city"], "wrong": True}).json()["total"]
    expect(page.locator("label", has=wrong)).to_have_text(f"Only errors ({total})")
    wrong.check()
    expect(page).to_have_url(re.compile("label=lake&label=city&wrong=true"))
    wanted = answer(api, [ids[0]], label=["lake", "city"], wrong=True)
    assert 0 < len(wanted) < PAGE_SIZE
    expect(results).to_have_count(len(wanted))
    assert shown(page) == wanted
    page.get_by_role("button", name=f"Select all {len(wanted)}").click()
    expect(page.get_by_role("region", name="Selection")).to_contain_text(f"{len(wanted)} image")
    # Each condition is shown, and can be removed alone.
    active = page.get_by_role("list", name="Active filters").get_by_role("button")
    expect(active).to_have_count(3)
    page.get_by_role("button", name="Remove the filter label: city").click()
    expect(page).to_have_url(re.compile("wrong=true&label=lake"))
    expect(
        page.get_by_role("group", name="Classes").get_by_role("button", name="city")
    ).to_have_attribute("aria-pressed", "false")
    expect(active).to_have_count(2)
    page.get_by_text("More filters").click()
    page.get_by_role("slider", name="Typicality from").press("End")
    expect(page.get_by_role("heading", name="No images")).to_be_visible()
    expect(page.get_by_role("button", name="Select all")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("button", name="Remove the filter typicality min: 1")).to_be_visible()
    page.get_by_role("button", name="Remove the filter typicality min: 1").focus()
    page.keyboard.press("Enter")
    wanted = answer(api, [ids[0]], label="lake", wrong=True)
    expect(results).to_have_count(len(wanted))
    assert shown(page) == wanted


def test_a_deleted_example_is_removed(open_page, copied_home, ids):
    with served(ServiceSettings(home=copied_home, writable=True)) as (client, _):
        page = open_page(f"#/search?like={quote(ids[0])}&like={quote(ids[1])}", service=client)
        expect(page.locator(".examples li")).to_have_count(2)
        assert client.delete("/images", params={"id": ids[1]}).status_code == 204
        expect(page.locator(".examples li")).to_have_count(1)
        expect(page.locator("#toast")).to_contain_text("1 example no longer stored")
        expect(page.locator("main .cards figure")).to_have_count(PAGE_SIZE)
        assert examples_in(page) == ([ids[0]], [])


def test_odd_ids_can_be_examples(open_page, odd):
    names = [each["id"] for each in odd.get("/images").json()["images"]]
    odd_one = next(each for each in names if "#" in each)
    page = open_page(f"#/search?like={quote(odd_one, safe='')}", service=odd, refused=("/",))
    expect(page.locator("main .cards figure")).to_have_count(len(names) - 1)
    expect(page.get_by_role("button", name=f"Remove {odd_one}")).to_be_visible()


def test_a_search_with_the_keyboard_alone(open_page, ids):
    page = open_page(f"#/image/{ids[0]}")
    expect(page.locator(".neighbours figure")).to_have_count(3)
    button = page.locator(".details").get_by_role("button", name="More like this")
    activate(page, button)
    expect(page.locator("#announcement")).to_contain_text("1 example")
    activate(page, page.locator(".details").get_by_role("link", name="Search with 1 image"))
    expect(page.locator("main .cards figure")).to_have_count(PAGE_SIZE)
    less = page.locator("main .cards").get_by_role("button", name="Less like this").first
    activate(page, less)
    expect(page.locator(".examples li")).to_have_count(2)
    expect(page.locator("#announcement")).to_contain_text(f"{PAGE_SIZE} images")


def near_part(api, identifier, box, k=6):
    params = {"id": identifier, "k": k, "box": ",".join(map(str, box))}
    return [each["id"] for each in api.get("/neighbors", params=params).json()["neighbors"]]


def test_a_box_is_drawn_moved_and_resized_with_the_mouse(open_page, api, ids, screenshot):
    page = open_page(f"#/image/{ids[0]}")
    expect(page.locator(".neighbours figure")).to_have_count(3)
    page.get_by_role("button", name="Search a part").click()
    expect(page.get_by_role("heading", name="Nearest to this part")).to_be_visible()
    expect_box(page, [0.25, 0.25, 0.5, 0.5])
    area = page.locator(".picture").bounding_box()

    def drag(start, end):
        points = [
            (area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in (start, end)
        ]
        page.mouse.move(*points[0])
        page.mouse.down()
        page.mouse.move(*points[1], steps=4)
        page.mouse.up()

    drag((0.05, 0.1), (0.2, 0.9))
    expect_box(page, [0.05, 0.1, 0.15, 0.8])
    drag((0.1, 0.5), (0.6, 0.5))
    expect_box(page, [0.55, 0.1, 0.15, 0.8])
    drag((0.7, 0.9), (1.2, 1.2))
    expect_box(page, [0.55, 0.1, 0.45, 0.9])
    expect(page.locator(".neighbours figure")).to_have_count(6)
    found = page.locator(".neighbours .example-buttons")
    expect(found.first).to_have_attribute("data-id", near_part(api, ids[0], box_in(page))[0])
    names = found.evaluate_all("groups => groups.map(each => each.dataset.id)")
    assert names == near_part(api, ids[0], box_in(page))
    drag((0.3, 0.5), (0.31, 0.5))
    expect_box(page, [0.55, 0.1, 0.45, 0.9])
    screenshot(page, "part-of-an-image")
    page.reload()
    expect(page.locator(".part")).to_be_visible()
    expect(page.locator(".neighbours figure")).to_have_count(6)
    page.get_by_role("button", name="Search a part").click()
    expect(page.locator(".part")).to_be_hidden()
    expect(page.locator(".neighbours figure")).to_have_count(3)
    expect(page).not_to_have_url(re.compile("box"))


def test_a_part_of_an_uploaded_image_is_searched(open_page, api, a_jpeg):
    page = open_page("#/experiments")
    expect(page.get_by_role("heading", level=1)).to_contain_text("experiment")
    drop(page, a_jpeg)
    expect(page.locator(".neighbours figure")).to_have_count(3)
    page.get_by_role("button", name="Search a part").click()
    page.locator(".part").press("ArrowRight")
    box = [0.27, 0.25, 0.5, 0.5]
    expect_box(page, box)
    expect(page.get_by_role("heading", name="Nearest to this part")).to_be_visible()
    expect(page.locator(".neighbours figure")).to_have_count(6)
    params = {"k": 6, "box": ",".join(map(str, box))}
    near = api.post("/neighbors", params=params, content=a_jpeg).json()["neighbors"]
    found = page.locator(".neighbours .example-buttons")
    wanted = [each["id"] for each in near]
    assert found.evaluate_all("groups => groups.map(each => each.dataset.id)") == wanted
    # The part is still selected when the user returns from one of the images.
    page.locator(".neighbours a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(wanted[0])
    page.go_back()
    expect(page.locator(".part")).to_be_visible()
    assert found.evaluate_all("groups => groups.map(each => each.dataset.id)") == wanted
    # Another file is searched as a whole.
    drop(page, a_jpeg)
    expect(page.locator(".neighbours figure")).to_have_count(3)
    expect(page.locator(".part")).to_be_hidden()


def test_a_box_is_drawn_with_a_finger(open_page, ids):
    page = open_page(f"#/image/{ids[0]}", size=NARROW, touch=True)
    page.get_by_role("button", name="Search a part").tap()
    expect(page.locator(".neighbours figure")).to_have_count(6)
    page.locator(".picture").scroll_into_view_if_needed()
    area = page.locator(".picture").bounding_box()
    session = page.context.new_cdp_session(page)

    def touch(kind, *point):
        points = [
            {"x": area["x"] + x * area["width"], "y": area["y"] + y * area["height"]}
            for x, y in point
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0.1, 0.9))
    for step in range(1, 5):
        touch("touchMove", (0.1 + 0.2 * step, 0.9 - 0.1 * step))
    touch("touchEnd")
    expect_box(page, [0.1, 0.5, 0.8, 0.4], within=0.02)


def test_a_box_is_moved_and_resized_with_the_keyboard(open_page, api, ids):
    page = open_page(f"#/image/{ids[0]}")
    expect(page.locator(".neighbours figure")).to_have_count(3)
    button = page.get_by_role("button", name="Search a part")
    activate(page, button)
    part = page.locator(".part")
    expect(part).to_be_focused()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    expect(page).to_have_url(re.compile(r"box=0\.19,0\.27,0\.52,0\.48"))
    expect(part).to_have_attribute("aria-label", re.compile(r"52.% of the width from 19"))
    first = near_part(api, ids[0], [0.19, 0.27, 0.52, 0.48])[0]
    expect(page.locator(".neighbours .example-buttons").first).to_have_attribute("data-id", first)
    expect(part).to_be_focused()
    for _ in range(80):
        page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"box=0,0\.27,0\.52,0\.48"))
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(page.get_by_role("heading", name="Nearest images")).to_be_visible()
    focus(page, page.locator(".neighbours a").first)
