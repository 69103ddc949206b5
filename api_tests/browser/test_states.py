"""What people see while there is nothing to show, and how the page goes on."""

import shutil

import pytest
from playwright.sync_api import expect

from api_tests.browser.giving import payload
from api_tests.browser.standing_in import pass_time, stand_in
from api_tests.test_swap import another_release, fingerprint, point_to, wait_for
from embeddings.release.reader import current_release
from service.settings import ServiceSettings

KEY = "correct horse battery staple"


def test_it_waits_for_a_release_and_goes_on_by_itself(opened, serving, home, tmp_path, pictured):
    with serving(ServiceSettings(home=tmp_path, poll=0.05)) as service:
        page = opened("#/errors", service=service)
        # The longer it waits the less often it looks, so its time must pass faster than ours.
        page.clock.install()
        page.reload()
        title = page.get_by_role("heading", level=1)
        expect(title).to_have_text("The service is not ready")
        expect(page.get_by_text("belvedere publish")).to_be_visible()
        pictured(page, "not-ready")
        page.get_by_role("button", name="Try again").press("Enter")
        expect(page.locator("main")).to_be_focused()
        for name in ("store", "releases"):
            shutil.copytree(home / name, tmp_path / name, symlinks=True)
        wait_for(service, release=fingerprint(current_release(tmp_path / "releases")))
        pass_time(page, lambda: "error" in title.inner_text())
        expect(title).to_contain_text("error")


def test_it_says_that_the_service_is_gone_and_goes_on(opened, pictured):
    page = opened("#/errors")
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text("error")
    page.clock.install()
    page.context.set_offline(True)
    page.get_by_role("link", name="Experiments").click()
    expect(title).to_have_text("The service does not answer")
    expect(page.get_by_role("alert")).to_contain_text("belvedere serve")
    expect(page.get_by_text("goes on by itself")).to_be_visible()
    pictured(page, "gone")
    page.context.set_offline(False)
    pass_time(page, lambda: "experiments" in title.inner_text())
    expect(title).to_contain_text("experiments")


def test_half_an_answer_is_none(opened):
    page = opened("#/errors")
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text("error")
    page.clock.install()
    half = {"content_type": "application/json", "body": '{"experiments": ['}
    came = stand_in(page, "**/experiments", **half)
    page.get_by_role("link", name="Experiments").click()
    pass_time(page, lambda: title.inner_text() == "The service does not answer")
    # The service itself is ready, so asking for ever would only load it.
    page.clock.run_for(120_000)
    assert len(came) == 2
    page.unroute("**/experiments")
    page.get_by_role("button", name="Try again").click()
    expect(title).to_contain_text("experiments")


def test_what_nobody_foresaw_is_said(opened, pictured):
    page = opened("#/errors", faulty=True)
    title = page.get_by_role("heading", level=1)
    page.route("**/experiments", lambda route: route.fulfill(json={"experiments": 5}))
    page.get_by_role("link", name="Experiments").click()
    expect(title).to_have_text("This page has a fault")
    page.route("**/d3.js", lambda route: route.abort())
    page.reload()
    expect(title).to_have_text("A part of this page did not arrive")


@pytest.fixture(scope="module")
def guarded(serving, home):
    with serving(ServiceSettings(home=home, api_key=KEY)) as client:
        yield client


def test_the_key_is_asked_for_and_kept(opened, guarded, a_jpeg, breaches, pictured):
    page = opened(service=guarded)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    pictured(page, "key")
    assert breaches(page) == []
    expect(dialog.get_by_role("alert")).to_be_hidden()
    dialog.get_by_label("Key").fill("ключ")
    page.keyboard.press("Enter")
    assert dialog.get_by_label("Key").evaluate("input => input.matches(':invalid')")
    dialog.get_by_label("Key").fill("wrong")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog.get_by_role("alert")).to_contain_text("did not accept this key")
    expect(dialog.get_by_label("Key")).to_have_value("")
    dialog.get_by_label("Key").fill(KEY)
    page.keyboard.press("Enter")
    expect(page.locator(".map canvas")).to_be_visible()
    page.reload()
    expect(page.locator(".map canvas")).to_be_visible()
    page.set_input_files("#file", payload(a_jpeg))
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph")


def test_without_the_key_the_rest_can_be_looked_at(opened, guarded, records):
    page = opened(service=guarded)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.goto("/#/errors")
    expect(page.get_by_role("dialog")).to_be_hidden()
    # A dialog tells that it was closed with the next frame.
    page.evaluate("new Promise(requestAnimationFrame)")
    page.goto("/#/map")
    page.get_by_role("button", name="Not now").click()
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("This needs the key of the service")
    page.goto(f"/#/image/{records[0]['id']}")
    expect(title).to_have_text(records[0]["id"])
    expect(page.locator(".neighbours figure")).to_have_count(3)
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_new_release_is_told_and_shown(opened, serving, copied_home):
    releases = copied_home / "releases"
    new = another_release(releases)
    with serving(ServiceSettings(home=copied_home, poll=0.05)) as service:
        page = opened("#/errors", service=service)
        expect(page.locator(".cards.wide figure").first).to_be_visible()
        point_to(releases, new)
        wait_for(service, release=fingerprint(new))
        page.get_by_role("link", name="Map").click()
        expect(page.locator("#remark")).to_contain_text("A new release is served")
        expect(page.locator("#footer")).to_contain_text(fingerprint(new))
        expect(page.locator(".map canvas")).to_be_visible()


def test_two_releases_behind_one_address_do_not_make_it_go_to_and_fro(opened, api):
    page = opened("#/errors")
    expect(page.locator(".cards.wide figure").first).to_be_visible()
    page.clock.install()
    releases = [api.get("/readyz").json()["release"], "0" * 16]
    asked = []

    def answer_in_turn(route):
        asked.append(route.request.url)
        answer = route.fetch()
        changed = answer.json() | {"release": releases[len(asked) % 2]}
        route.fulfill(response=answer, json=changed)

    for path in ("readyz", "errors*", "experiments*"):
        page.route(f"**/{path}", answer_in_turn)
    for view in ("Experiments", "Errors", "Experiments", "Errors", "Experiments"):
        page.get_by_role("link", name=view, exact=True).first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(view.lower().rstrip("s"))
    assert sum(url.endswith("/readyz") for url in asked) == 1
    for path in ("readyz", "errors*", "experiments*"):
        page.unroute(f"**/{path}")
    # After a while it is, since people take releases back.
    page.clock.run_for(61_000)
    with page.expect_request("**/readyz"):
        page.get_by_role("link", name="Map").click()
    expect(page.locator(".sight figure").first).to_be_visible()
