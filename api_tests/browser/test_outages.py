"""Outages, API key, unexpected errors and changes of the release."""

import shutil

import pytest
from playwright.sync_api import expect

from api_tests.browser.fake_api import advance_clock, fake_response
from api_tests.browser.uploads import payload
from api_tests.test_swap import another_release, fingerprint, point_to, wait_for
from embeddings.release.reader import current_release
from service.settings import ServiceSettings

KEY = "correct horse battery staple"


def test_page_waits_for_a_release(open_page, serving, home, tmp_path, screenshot):
    with serving(ServiceSettings(home=tmp_path, poll=0.05)) as service:
        page = open_page("#/errors", service=service)
        # The polling interval grows, so the page's clock is advanced.
        page.clock.install()
        page.reload()
        title = page.get_by_role("heading", level=1)
        expect(title).to_have_text("The service is not ready")
        expect(page.get_by_text("belvedere publish")).to_be_visible()
        screenshot(page, "not-ready")
        page.get_by_role("button", name="Try again").press("Enter")
        expect(page.locator("main")).to_be_focused()
        for name in ("store", "releases"):
            shutil.copytree(home / name, tmp_path / name, symlinks=True)
        wait_for(service, release=fingerprint(current_release(tmp_path / "releases")))
        advance_clock(page, lambda: "error" in title.inner_text())
        expect(title).to_contain_text("error")


def test_page_recovers_from_a_lost_connection(open_page, screenshot):
    page = open_page("#/errors")
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text("error")
    page.clock.install()
    page.context.set_offline(True)
    page.get_by_role("link", name="Experiments").click()
    expect(title).to_have_text("The service cannot be reached")
    expect(page.get_by_role("alert")).to_contain_text("belvedere serve")
    expect(page.get_by_text("retries automatically")).to_be_visible()
    screenshot(page, "unreachable")
    page.context.set_offline(False)
    advance_clock(page, lambda: "experiments" in title.inner_text())
    expect(title).to_contain_text("experiments")


def test_truncated_response_is_an_error(open_page):
    page = open_page("#/errors")
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text("error")
    page.clock.install()
    truncated = {"content_type": "application/json", "body": '{"experiments": ['}
    requests = fake_response(page, "**/experiments", **truncated)
    page.get_by_role("link", name="Experiments").click()
    advance_clock(page, lambda: title.inner_text() == "The service cannot be reached")
    # The service is ready, so the page must not retry.
    page.clock.run_for(120_000)
    assert len(requests) == 2
    page.unroute("**/experiments")
    page.get_by_role("button", name="Try again").click()
    expect(title).to_contain_text("experiments")


def test_unexpected_errors_are_reported(open_page):
    page = open_page("#/errors", faulty=True)
    title = page.get_by_role("heading", level=1)
    page.route("**/experiments", lambda route: route.fulfill(json={"experiments": 5}))
    page.get_by_role("link", name="Experiments").click()
    expect(title).to_have_text("An unexpected error occurred")
    page.route("**/d3.js", lambda route: route.abort())
    page.reload()
    expect(title).to_have_text("Part of this page failed to load")


@pytest.fixture(scope="module")
def guarded(serving, home):
    with serving(ServiceSettings(home=home, api_key=KEY)) as client:
        yield client


def test_api_key_is_prompted_for_and_kept(open_page, guarded, a_jpeg, axe_violations, screenshot):
    page = open_page(service=guarded)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    screenshot(page, "key")
    assert axe_violations(page) == []
    expect(dialog.get_by_role("alert")).to_be_hidden()
    dialog.get_by_label("API key").fill("ключ")
    page.keyboard.press("Enter")
    assert dialog.get_by_label("API key").evaluate("input => input.matches(':invalid')")
    dialog.get_by_label("API key").fill("wrong")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_role("alert")).to_contain_text("rejected this API key")
    expect(dialog.get_by_label("API key")).to_have_value("")
    dialog.get_by_label("API key").fill(KEY)
    page.keyboard.press("Enter")
    expect(page.locator(".map canvas")).to_be_visible()
    page.reload()
    expect(page.locator(".map canvas")).to_be_visible()
    page.set_input_files("#file", payload(a_jpeg))
    expect(page.get_by_role("heading", level=1)).to_have_text("Your image")


def test_views_without_a_key_work(open_page, guarded, records):
    page = open_page(service=guarded)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.goto("/#/errors")
    expect(page.get_by_role("dialog")).to_be_hidden()
    # The dialog dispatches its close event in the next frame.
    page.evaluate("new Promise(requestAnimationFrame)")
    page.goto("/#/map")
    page.get_by_role("button", name="Cancel").click()
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("An API key is required")
    page.goto(f"/#/image/{records[0]['id']}")
    expect(title).to_have_text(records[0]["id"])
    expect(page.locator(".neighbours figure")).to_have_count(3)
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_new_release_reloads_the_page(open_page, serving, copied_home):
    releases = copied_home / "releases"
    new = another_release(releases)
    with serving(ServiceSettings(home=copied_home, poll=0.05)) as service:
        page = open_page("#/errors", service=service)
        expect(page.locator(".cards.wide figure").first).to_be_visible()
        point_to(releases, new)
        wait_for(service, release=fingerprint(new))
        page.get_by_role("link", name="Map").click()
        expect(page.locator("#toast")).to_contain_text("A new release is served")
        expect(page.locator("#footer")).to_contain_text(fingerprint(new))
        expect(page.locator(".map canvas")).to_be_visible()


def test_page_does_not_alternate_between_two_releases(open_page, api):
    page = open_page("#/errors")
    expect(page.locator(".cards.wide figure").first).to_be_visible()
    page.clock.install()
    releases = [api.get("/readyz").json()["release"], "0" * 16]
    urls = []

    def alternate(route):
        urls.append(route.request.url)
        response = route.fetch()
        changed = response.json() | {"release": releases[len(urls) % 2]}
        route.fulfill(response=response, json=changed)

    for path in ("readyz", "errors?*", "experiments"):
        page.route(f"**/{path}", alternate)
    for view in ("Experiments", "Errors", "Experiments", "Errors", "Experiments"):
        page.get_by_role("link", name=view, exact=True).first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(view.lower().rstrip("s"))
    assert sum(url.endswith("/readyz") for url in urls) == 1
    for path in ("readyz", "errors?*", "experiments"):
        page.unroute(f"**/{path}")
    # After a minute, the former release is accepted: operators may roll back.
    page.clock.run_for(61_000)
    with page.expect_request("**/readyz"):
        page.get_by_role("link", name="Map").click()
    expect(page.locator(".thumbnails figure").first).to_be_visible()
