"""Errors of a collection with many classes and long names."""

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW, WIDE

MAX_KINDS = 24
NAMES = [f"a_class_with_a_name_as_long_as_museums_have_{number}" for number in range(9)]


@pytest.fixture
def response(api):
    """Return errors of every kind; the first 24 kinds are more frequent."""
    found = api.get("/errors", params={"limit": 1}).json()
    error = found["errors"][0]
    kinds = [(label, predicted) for label in NAMES for predicted in NAMES if label != predicted]
    errors = [
        error
        | {"label": label, "predicted": predicted}
        | {"probabilities": dict.fromkeys(NAMES, 1 / len(NAMES))}
        for number, (label, predicted) in enumerate(kinds)
        for _ in range(2 if number < MAX_KINDS else 1)
    ]
    return found | {"errors": errors, "total": len(errors)}


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_rare_kinds_of_errors_are_collapsed(open_page, response, axe_violations, size):
    page = open_page("#/experiments", size=size)
    page.route("**/errors?*", lambda route: route.fulfill(json=response))
    page.get_by_role("link", name="Errors").click()
    expect(page.get_by_label("Kinds of errors", exact=True).get_by_role("link")).to_have_count(
        MAX_KINDS
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    rare = page.get_by_label("Rarer kinds of errors").get_by_role("link")
    expect(rare.first).to_be_hidden()
    page.get_by_text("48 rarer kinds").click()
    rare.last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 error")
    expect(rare.last).to_be_visible()
    expect(rare.last).to_have_attribute("aria-current", "true")
    assert axe_violations(page) == []
