"""Views of experiments and errors."""

import re

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW


@pytest.fixture(scope="module")
def comparison(api):
    return api.get("/experiments").json()


@pytest.fixture(scope="module")
def errors(api):
    return api.get("/errors", params={"limit": 10_000}).json()["errors"]


def test_table_can_be_sorted_by_any_column(open_page, comparison):
    page = open_page("#/experiments")
    rows = page.locator("table.experiments tbody tr")
    expect(rows).to_have_count(len(comparison["experiments"]))

    def names():
        return rows.locator("th a").all_inner_texts()

    def expected(value, descending):
        found = sorted(comparison["experiments"], key=value, reverse=descending)
        return [each["name"] for each in found]

    assert names() == expected(lambda each: each["accuracy"], True)
    page.get_by_role("button", name="Parameters").click()
    header = page.get_by_role("columnheader", name="Parameters")
    expect(header).to_have_attribute("aria-sort", "descending")
    assert names() == expected(lambda each: each["parameters"], True)
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "ascending")
    assert names() == expected(lambda each: each["parameters"], False)
    page.get_by_role("button", name="Experiment", exact=True).click()
    assert names() == expected(lambda each: each["name"], False)


def test_intervals_and_latency_are_shown(open_page, comparison):
    page = open_page("#/experiments")
    low, high = comparison["experiments"][0]["evidence"]["interval"]
    row = page.locator("table.experiments tr", has_text=comparison["experiments"][0]["name"]).first
    text = row.inner_text().replace("\u202f", " ")
    assert f"{low:.1%}".replace("%", " %") in text
    assert f"{high:.1%}".replace("%", " %") in text
    expect(page.locator(".chart .model")).to_have_count(len(comparison["experiments"]))
    # The last symbol is on top.
    page.locator(".chart .model").last.click()
    expect(page.get_by_role("heading", name="Learning curves")).to_be_visible()


def test_experiment_view_shows_curves_and_confusion_matrix(open_page, api, comparison):
    best = comparison["best"]
    report = api.get(f"/experiments/{best}").json()
    page = open_page("#/experiments")
    page.locator("table.experiments").get_by_role("link", name=best, exact=True).click()
    expect(page.locator(".curves path.tuning")).to_have_count(2)
    for line in page.locator(".curves path.tuning").all():
        assert line.get_attribute("d").count("L") == len(report["curves"]["loss"]) - 1
    rows = page.locator("table.confusion tbody tr").all()
    shown = [[int(cell or 0) for cell in row.locator("td").all_inner_texts()] for row in rows]
    assert shown == report["confusion"]


def test_experiment_view_explains_several_seeds(open_page, api, comparison):
    report = api.get(f"/experiments/{comparison['best']}").json()
    report["evidence"]["seeds"] = 3
    page = open_page("#/errors")
    page.route(f"**/experiments/{comparison['best']}", lambda route: route.fulfill(json=report))
    page.goto(f"/#/experiments/{comparison['best']}")
    expect(page.get_by_text("means over 3 seeds")).to_be_visible()


def test_ticks_of_flat_curves_differ(open_page, api, comparison):
    report = api.get(f"/experiments/{comparison['best']}").json()
    epochs = len(report["curves"]["loss"])
    for name, flat in (("accuracy", 0.985), ("loss", 0.101)):
        values = [flat + 0.001 * (epoch % 3) for epoch in range(epochs)]
        report["curves"] |= {name: values, f"tuning_{name}": values}
    page = open_page("#/errors")
    page.route(f"**/experiments/{comparison['best']}", lambda route: route.fulfill(json=report))
    page.goto(f"/#/experiments/{comparison['best']}")
    expect(page.locator(".curves .grid")).to_have_count(2)
    for grid in page.locator(".curves .grid").all():
        ticks = grid.locator("text").all_text_contents()
        assert len(ticks) == len(set(ticks)) > 2


def test_reason_of_skipped_experiment_is_shown(open_page, comparison):
    skipped = comparison["experiments"][1] | {
        "status": "skipped",
        "reason": "There are no weights; run `belvedere train`.",
        **dict.fromkeys(("accuracy", "macro_f1", "cost", "evidence", "parameters")),
    }
    response = comparison | {"experiments": [comparison["experiments"][0], skipped]}
    page = open_page("#/errors")
    page.route("**/experiments", lambda route: route.fulfill(json=response))
    page.get_by_role("link", name="Experiments").click()
    row = page.locator("table.experiments tr.skipped")
    expect(row).to_contain_text("Skipped: There are no weights; run belvedere train.")
    expect(row.locator("code")).to_have_text("belvedere train")


def test_confusion_matrix_links_to_misclassified_images(open_page, comparison, errors):
    first = errors[0]
    kind = [
        each
        for each in errors
        if (each["label"], each["predicted"]) == (first["label"], first["predicted"])
    ]
    page = open_page(f"#/experiments/{comparison['best']}")
    page.get_by_title(f"{first['label']} classified as {first['predicted']}:").get_by_role(
        "link"
    ).click()
    expect(page.locator(".cards.wide figure")).to_have_count(len(kind))
    page.get_by_role("link", name=f"Show all {len(errors)}").click()
    expect(page.locator(".cards.wide figure")).to_have_count(min(len(errors), 60))


def test_errors_show_both_classes_and_heat_maps(open_page, errors, screenshot):
    page = open_page("#/errors")
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(len(errors)))
    figure = page.locator(".cards.wide figure").first
    expect(figure).to_contain_text(
        f"{errors[0]['label']} misclassified as {errors[0]['predicted']}"
    )
    image = figure.locator("img")
    button = figure.get_by_role("button", name="Heat map")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(image).to_have_attribute("src", errors[0]["heatmap"].lstrip("/"))
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    screenshot(page, "heat-map")
    button.click()
    expect(image).to_have_attribute("src", errors[0]["image"].lstrip("/"))


def test_scroll_position_is_restored_after_visiting_a_neighbour(open_page, records):
    page = open_page(f"#/image/{records[0]['id']}", size=NARROW)
    last = page.locator(".neighbours figure").last
    last.get_by_role("link").first.click()
    expect(page).not_to_have_url(re.compile(records[0]["id"]))
    expect(page.locator(".prediction")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile(records[0]["id"]))
    expect(last).to_be_in_viewport()


def test_scroll_position_is_restored_after_visiting_an_error(open_page, errors):
    page = open_page("#/errors", size=NARROW)
    last = page.locator(".cards.wide figure").last
    last.get_by_role("link").first.click()
    expect(page.locator(".prediction")).to_be_visible()
    assert page.evaluate("scrollY") == 0
    page.go_back()
    expect(page.locator(".cards.wide figure")).to_have_count(min(len(errors), 60))
    expect(last).to_be_in_viewport()
    page.get_by_role("link", name="Experiments").click()
    expect(page.locator("table.experiments")).to_be_visible()
    page.get_by_role("link", name="Errors").click()
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()


def test_confusion_matrix_is_limited_to_the_most_confused_classes(open_page, api, comparison):
    report = api.get(f"/experiments/{comparison['best']}").json()
    classes = [f"class {number}" for number in range(120)]
    confusion = [[4 * (row == column) for column in range(120)] for row in range(120)]
    confusion[7][99] = 3
    report |= {"classes": classes, "confusion": confusion, "per_class": []}
    page = open_page("#/errors")
    page.route(f"**/experiments/{comparison['best']}", lambda route: route.fulfill(json=report))
    page.goto(f"/#/experiments/{comparison['best']}")
    matrix = page.locator(".confusion")
    expect(matrix.locator("caption")).to_contain_text("the 20 of 120 classes")
    expect(matrix.locator("tbody tr")).to_have_count(20)
    expect(matrix.get_by_role("rowheader", name="class 7", exact=True)).to_be_visible()
    expect(matrix.get_by_role("columnheader", name="class 99", exact=True)).to_be_attached()


def test_without_tuning_images_only_training_curves_are_shown(open_page, api, comparison):
    report = api.get(f"/experiments/{comparison['best']}").json()
    report["curves"] |= {"tuning_loss": [], "tuning_accuracy": []}
    page = open_page("#/errors")
    page.route(f"**/experiments/{comparison['best']}", lambda route: route.fulfill(json=report))
    page.goto(f"/#/experiments/{comparison['best']}")
    expect(page.locator(".curves path.training")).to_have_count(2)
    expect(page.locator(".curves path.tuning")).to_have_count(0)
    expect(page.locator(".curves .legend")).not_to_contain_text("tuning")


def test_models_of_an_earlier_version_are_compared_on_common_images(open_page, comparison):
    (earlier,) = comparison["versions"]
    page = open_page("#/experiments")
    heading = page.get_by_role("heading", name=f"Against revision {earlier['revision']}")
    expect(heading).to_be_visible()
    table = page.locator("table", has_text=f"both on the {earlier['common']} validation images")
    (pair,) = earlier["experiments"]
    cells = [text.replace("\u202f", " ") for text in table.locator("td").all_inner_texts()]
    accuracies = [f"{pair[name]:.1%}".replace("%", " %") for name in ("before", "after")]
    assert cells == [str(pair["seeds"]), *accuracies, pair["verdict"]]
