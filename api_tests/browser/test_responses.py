"""Late and failed responses for the map."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

_MAX_ROUND_TRIPS = 1000


@pytest.fixture
def hold_first():
    """Hold back the response to the first matching request; `handle_others` handles the others."""

    def hold(page, pattern, handle_others):
        routes = []

        def handle(route):
            routes.append(route)
            if len(routes) > 1:
                handle_others(route)

        page.route(pattern, handle)
        return routes

    return hold


def test_rejected_thumbnails_are_requested_again(open_page):
    page = open_page("#/experiments", refused=("/thumbnail",))
    rejected = set()

    def reject_once(route):
        if route.request.url in rejected:
            route.continue_()
        else:
            rejected.add(route.request.url)
            route.fulfill(status=429)

    page.route("**/thumbnail", reject_once)
    with page.expect_response(lambda each: each.ok and each.url.endswith("/thumbnail")) as response:
        page.get_by_role("link", name="Map").click()
    image = page.locator(f".thumbnails img[src='{urlsplit(response.value.url).path.lstrip('/')}']")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert response.value.url in rejected


def test_late_response_is_ignored(open_page, hold_first):
    page = open_page("#/experiments")
    expect(page.locator("table.experiments")).to_be_visible()
    ended = []
    for event in ("requestfinished", "requestfailed"):
        page.on(event, lambda request: ended.append(request))
    routes = hold_first(page, "**/images?*", lambda route: route.continue_())
    with page.expect_request("**/images?*"):
        page.get_by_role("link", name="Map").click()
    page.get_by_role("button", name="road").click()
    figures = page.locator(".thumbnails figure")
    expect(figures.first).to_contain_text("road")
    late = routes[0].fetch()
    assert {each["label"] for each in late.json()["images"]} - {"road"}
    routes[0].fulfill(response=late)
    # Each round trip gives the page time to process the late response.
    for _ in range(_MAX_ROUND_TRIPS):
        page.evaluate("fetch('/livez').then(response => response.text())")
        if routes[0].request in ended:
            break
    assert routes[0].request in ended
    page.evaluate("fetch('/livez').then(response => response.text())")
    expect(figures.filter(has_not_text="road")).to_have_count(0)
    expect(figures.first).to_be_visible()


def test_images_without_attribution_are_not_shown(open_page):
    page = open_page("#/experiments")
    expect(page.locator("table.experiments")).to_be_visible()
    page.route("**/images?*", lambda route: route.fulfill(status=503))
    page.get_by_role("link", name="Map").click()
    again = page.locator(".thumbnails").get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    expect(page.locator("#announcement")).to_contain_text(
        "could not be loaded, so they are not shown"
    )
    page.locator(".canvas-host").focus()
    page.keyboard.press("ArrowLeft")
    card = page.locator(".hover-card")
    expect(card).to_contain_text("Point at it again to retry")
    expect(card.locator("img")).to_have_count(0)
    page.unroute("**/images?*")
    again.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".thumbnails figure").first).to_be_visible()
    expect(page.locator(".thumbnails")).to_be_focused()


def test_map_prompts_for_key_while_a_view_without_prompt_waits(open_page, hold_first, records):
    page = open_page("#/experiments")

    def lock(route):
        route.fulfill(status=401, json={"detail": "A key is needed."})

    routes = hold_first(page, "**/tsne?*", lock)
    with page.expect_request("**/tsne?*"):
        page.goto(f"/#/image/{records[0]['id']}")
    page.get_by_role("link", name="Map").click()
    expect(page.locator(".loading")).to_have_text("Loading the map …")
    lock(routes[0])
    expect(page.get_by_role("dialog")).to_be_visible()
