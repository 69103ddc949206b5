"""Filters of the map and of the errors, with the number of images for each value."""

import re

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW, UNREACHABLE, WIDE
from api_tests.browser.map_helpers import expect_in_view


def total(client, **where):
    """Return the number of images that match."""
    return client.get("/ids", params=where).json()["total"]


def test_counts_follow_the_other_filters(open_page, api):
    page = open_page()
    lake = page.get_by_role("button", name="lake")
    expect(lake).to_have_text(f"lake{total(api, label='lake')}")
    page.get_by_role("radio", name="Validation").check()
    expect(lake).to_have_text(f"lake{total(api, label='lake', split='validation')}")
    page.get_by_label("Only errors").check()
    wrong = total(api, label="lake", split="validation", wrong="true")
    expect(lake).to_have_text(f"lake{wrong}")
    # The counts of a field do not depend on its own values.
    page.get_by_role("button", name="road").click()
    expect(lake).to_have_text(f"lake{wrong}")
    expect(page).to_have_url(re.compile(r"#/map\?split=validation&wrong=true&label=road$"))
    expect_in_view(page, total(api, label="road", split="validation", wrong="true"))
    page.get_by_role("button", name="Reset filters").click()
    expect_in_view(page, total(api))
    expect(page).to_have_url(re.compile("#/map$"))


def test_conditions_that_the_service_evaluates(open_page, api, screenshot):
    page = open_page("#/map?typicality_max=0.5&label=forest")
    expect_in_view(page, total(api, label="forest", typicality_max=0.5))
    # Conditions of the address are visible.
    least = page.get_by_role("slider", name="Typicality from")
    expect(least).to_be_visible()
    screenshot(page, "filters")
    least.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("output")).to_have_text("0.05–0.50")
    inside = total(api, label="forest", typicality_min=0.05, typicality_max=0.5)
    expect_in_view(page, inside)
    page.get_by_role("button", name=f"Select all {inside}").click()
    expect(page.get_by_role("region", name="Selection")).to_contain_text(f"{inside} image")
    # One end moves the other.
    page.keyboard.press("Tab")
    least.focus()
    page.keyboard.press("End")
    expect(page.locator("output")).to_have_text("1.00–1.00")


def test_photographers_beyond_the_first_are_typed(open_page, odd):
    page = open_page("#/map?photographer=A.%20Photographer", service=odd, refused=UNREACHABLE)
    expect_in_view(page, total(odd))
    chip = page.get_by_role("group", name="Photographer").get_by_role("button")
    expect(chip).to_have_text(f"A. Photographer{total(odd)}")
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "false")
    expect(page).to_have_url(re.compile("#/map$"))


def test_tags_appear_when_there_are_some(open_page, writable, screenshot):
    ids = [each["id"] for each in writable.get("/images", params={"limit": 7}).json()["images"]]
    page = open_page(service=writable)
    expect_in_view(page, total(writable))
    page.get_by_text("More filters").click()
    expect(page.get_by_role("group", name="Tags")).to_be_hidden()
    answer = writable.post("/changes", json={"ids": ids, "add_tags": ["blurred"]})
    assert answer.status_code == 200
    chip = page.get_by_role("group", name="Tags", exact=True).get_by_role("button")
    expect(chip).to_have_text("blurred7")
    chip.click()
    expect_in_view(page, 7)
    screenshot(page, "filters-tags")
    # The filter holds while images change.
    writable.post("/changes", json={"ids": ids[:2], "remove_tags": ["blurred"]})
    expect_in_view(page, 5)
    expect(chip).to_have_text("blurred5")


def test_errors_are_filtered_and_selected(open_page, api):
    errors = api.get("/errors").json()["total"]
    uncertain = api.get("/errors", params={"uncertain": "true"}).json()["total"]
    page = open_page("#/errors")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(re.compile(rf"^{errors} error"))
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Only uncertain").check()
    expect(heading).to_have_text(re.compile(rf"^{uncertain} error"))
    expect(page).to_have_url(re.compile(r"#/errors\?uncertain=true$"))
    page.reload()
    expect(heading).to_have_text(re.compile(rf"^{uncertain} error"))
    page.get_by_role("button", name=f"Select all {uncertain}").click()
    expect(page.get_by_role("region", name="Selection")).to_contain_text(f"{uncertain} image")
    # A kind keeps the other conditions.
    page.get_by_label("Kinds of errors", exact=True).get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("uncertain=true"))


def test_saved_selections_and_opposite_properties_are_filters(open_page, writable):
    ids = writable.get("/ids", params={"label": "lake"}).json()["ids"]
    right = total(writable, wrong="false")
    page = open_page(service=writable)
    expect_in_view(page, total(writable))
    assert writable.put("/selections/lakes", json={"ids": ids}).status_code == 200
    page.get_by_text("More filters").click()
    page.get_by_label("Only right predictions").check()
    expect(page.get_by_label("Only errors")).not_to_be_checked()
    expect_in_view(page, right)
    page.get_by_label("Saved selection").select_option("lakes")
    expect_in_view(page, total(writable, selection="lakes", wrong="false"))
    page.get_by_label("Only errors").check()
    expect_in_view(page, total(writable, selection="lakes", wrong="true"))
    page.get_by_role("button", name="Show all images").click()
    expect(page.get_by_label("Saved selection")).to_have_value("")
    # A condition that only “More filters” shows opens them.
    page.goto("/#/map?learned=true")
    expect(page.get_by_label("Only learned")).to_be_checked()
    expect_in_view(page, total(writable, learned="true"))


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "dark"), (NARROW, "light")])
def test_all_filters_fit_and_are_accessible(
    open_page, odd, axe_violations, screenshot, size, scheme
):
    page = open_page(service=odd, size=size, scheme=scheme, refused=UNREACHABLE)
    page.get_by_text("More filters").click()
    expect(page.get_by_role("slider", name="Typicality to")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert axe_violations(page) == []
    page.get_by_role("slider", name="Typicality to").scroll_into_view_if_needed()
    screenshot(page, f"filters-{size[0]}-{scheme}")
