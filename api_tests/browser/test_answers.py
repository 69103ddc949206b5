"""Answers for the map that come late, or not at all."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

_MOST_ROUND_TRIPS = 1000


@pytest.fixture
def held():
    """Holds the first answer to calls back; the others get what `answer` gives them."""

    def hold(page, pattern, answer):
        routes = []

        def handle(route):
            routes.append(route)
            if len(routes) > 1:
                answer(route)

        page.route(pattern, handle)
        return routes

    return hold


def test_pictures_turned_away_are_asked_for_again(opened):
    page = opened("#/experiments", refused=("/thumbnail",))
    refused = set()

    def refuse_once(route):
        if route.request.url in refused:
            route.continue_()
        else:
            refused.add(route.request.url)
            route.fulfill(status=429)

    page.route("**/thumbnail", refuse_once)
    with page.expect_response(lambda each: each.ok and each.url.endswith("/thumbnail")) as came:
        page.get_by_role("link", name="Map").click()
    image = page.locator(f".sight img[src='{urlsplit(came.value.url).path.lstrip('/')}']")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert came.value.url in refused


def test_a_late_answer_changes_nothing_any_more(opened, held):
    page = opened("#/experiments")
    expect(page.locator("table.experiments")).to_be_visible()
    ended = []
    for event in ("requestfinished", "requestfailed"):
        page.on(event, lambda request: ended.append(request))
    routes = held(page, "**/images?*", lambda route: route.continue_())
    with page.expect_request("**/images?*"):
        page.get_by_role("link", name="Map").click()
    page.get_by_role("button", name="road").click()
    figures = page.locator(".sight figure")
    expect(figures.first).to_contain_text("road")
    late = routes[0].fetch()
    assert {each["label"] for each in late.json()["images"]} - {"road"}
    routes[0].fulfill(response=late)
    # Each answer that comes leaves time for what the page makes of the late one.
    for _ in range(_MOST_ROUND_TRIPS):
        page.evaluate("fetch('/livez').then(answer => answer.text())")
        if routes[0].request in ended:
            break
    assert routes[0].request in ended
    page.evaluate("fetch('/livez').then(answer => answer.text())")
    expect(figures.filter(has_not_text="road")).to_have_count(0)
    expect(figures.first).to_be_visible()


def test_whose_photograph_cannot_be_said_is_not_shown(opened):
    page = opened("#/experiments")
    expect(page.locator("table.experiments")).to_be_visible()
    page.route("**/images?*", lambda route: route.fulfill(status=503))
    page.get_by_role("link", name="Map").click()
    again = page.locator(".sight").get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    expect(page.locator("#said")).to_contain_text("did not say whose photographs")
    page.locator(".sheet").focus()
    page.keyboard.press("ArrowLeft")
    card = page.locator(".hover-card")
    expect(card).to_contain_text("point at it once more")
    expect(card.locator("img")).to_have_count(0)
    page.unroute("**/images?*")
    again.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".sight figure").first).to_be_visible()
    expect(page.locator(".sight")).to_be_focused()


def test_the_map_asks_for_the_key_although_another_view_waits_for_it_too(opened, held, records):
    page = opened("#/experiments")

    def lock(route):
        route.fulfill(status=401, json={"detail": "A key is needed."})

    routes = held(page, "**/tsne?*", lock)
    with page.expect_request("**/tsne?*"):
        page.goto(f"/#/image/{records[0]['id']}")
    page.get_by_role("link", name="Map").click()
    expect(page.locator(".loading")).to_have_text("Loading the map …")
    lock(routes[0])
    expect(page.get_by_role("dialog")).to_be_visible()
