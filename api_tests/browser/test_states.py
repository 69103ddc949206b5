"""What people see while there is nothing to show, and how the page goes on."""

import shutil

import pytest
from playwright.sync_api import expect

from api_tests.test_swap import another_release, fingerprint, point_to, wait_for
from service.settings import ServiceSettings

KEY = "correct horse battery staple"


def test_it_waits_for_a_release_and_goes_on_by_itself(opened, serving, home, tmp_path, pictured):
    with serving(ServiceSettings(home=tmp_path, poll=0.05)) as service:
        page = opened("#/errors", service=service)
        title = page.get_by_role("heading", level=1)
        expect(title).to_have_text("The service is not ready")
        expect(page.get_by_text("belvedere publish")).to_be_visible()
        pictured(page, "not-ready")
        for name in ("store", "releases"):
            shutil.copytree(home / name, tmp_path / name, symlinks=True)
        expect(title).to_contain_text("error")


def test_it_says_that_the_service_is_gone(opened, serving, home, pictured):
    with serving(ServiceSettings(home=home)) as service:
        page = opened(service=service)
        expect(page.locator(".sight figure").first).to_be_visible()
    page.get_by_role("link", name="Experiments").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The service does not answer")
    expect(page.get_by_text("belvedere serve")).to_be_visible()
    pictured(page, "gone")


@pytest.fixture(scope="module")
def guarded(serving, home):
    with serving(ServiceSettings(home=home, api_key=KEY)) as client:
        yield client


def test_the_key_is_asked_for_and_kept(opened, guarded, a_jpeg, pictured):
    page = opened(service=guarded)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    pictured(page, "key")
    dialog.get_by_label("Key").fill("wrong")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog.get_by_label("Key")).to_have_value("")
    dialog.get_by_label("Key").fill(KEY)
    page.keyboard.press("Enter")
    expect(page.locator(".map canvas")).to_be_visible()
    page.reload()
    expect(page.locator(".map canvas")).to_be_visible()
    page.set_input_files("#file", {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": a_jpeg})
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph")


def test_without_the_key_the_rest_can_be_looked_at(opened, guarded, records):
    page = opened(service=guarded)
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
        expect(page.get_by_text("A new release is served")).to_be_visible()
        expect(page.locator("#footer")).to_contain_text(fingerprint(new))
        expect(page.locator(".map canvas")).to_be_visible()
