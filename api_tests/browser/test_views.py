"""Every view at both widths: the wide one by light, the narrow one by dark."""

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW, WIDE
from api_tests.browser.giving import drop

LOOKS = [pytest.param(WIDE, "light", id="wide"), pytest.param(NARROW, "dark", id="narrow")]


@pytest.fixture(scope="module")
def addresses(api, records):
    errors = api.get("/errors").json()["errors"]
    best = api.get("/experiments").json()["best"]
    return {
        "map": ("#/map", "Map", ".sight figure img"),
        "image": (f"#/image/{errors[0]['id']}", errors[0]["id"], ".locator canvas"),
        "errors": ("#/errors", "error", ".cards.wide img"),
        "experiments": ("#/experiments", "3 experiments", ".chart .network"),
        "experiment": (f"#/experiments/{best}", best, ".curves .held-out"),
        "yours": ("#/yours", "Try a photograph of your own", ".notice button"),
        "nowhere": ("#/image/nowhere", "There is nothing under this name", ".notice a"),
    }


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_view_fits_and_can_be_used_by_everybody(
    opened, addresses, a_jpeg, breaches, pictured, size, scheme
):
    page = opened(size=size, scheme=scheme)

    def check(name, title, content):
        expect(page.get_by_role("heading", level=1)).to_contain_text(title)
        expect(page).to_have_title(f"{page.locator('h1').inner_text()} · Belvedere")
        expect(page.locator(content).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], name
        assert breaches(page) == [], name
        pictured(page, f"{name}-{size[0]}-{scheme}")

    for name, (address, title, content) in addresses.items():
        page.goto(f"/{address}")
        check(name, title, content)
    drop(page, a_jpeg)
    check("dropped", "Your photograph", ".locator canvas")
