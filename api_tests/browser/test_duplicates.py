"""Review of near-duplicates: keep one, all or none, take it back."""

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW, WIDE
from api_tests.test_review import groups_of, put, scene

SCENES = 3


@pytest.fixture
def duplicates(writable):
    """Return the client of a writing service with groups of a large and a small image."""
    for number in range(SCENES):
        put(writable, f"mine/{number}-large", scene(number + 1, (640, 480)))
        put(writable, f"mine/{number}-small", scene(number + 1, (320, 240)))
    return writable


def ids(client):
    found = client.get("/images", params={"limit": 1000}).json()["images"]
    return {each["id"] for each in found if each["id"].startswith("mine/")}


def shown(page):
    return page.locator(".duplicates .facts strong")


def test_one_of_each_group_is_kept_or_all(open_page, duplicates, axe_violations, screenshot):
    groups = duplicates.get("/duplicates").json()["groups"]
    assert len(groups) >= SCENES
    page = open_page("#/duplicates", service=duplicates)
    expect(page.get_by_role("heading", level=1)).to_have_text("Duplicates")
    first, second, third = groups[:3]
    expect(shown(page)).to_have_text([each["id"] for each in first["images"]])
    expect(page.locator(".duplicates figure").first).to_contain_text("suggested")
    assert axe_violations(page) == []
    screenshot(page, "duplicates")
    page.keyboard.press("a")
    expect(shown(page)).to_have_text([each["id"] for each in second["images"]])
    page.keyboard.press("k")
    expect(shown(page)).to_have_text([each["id"] for each in third["images"]])
    page.keyboard.press("2")
    expect(page.locator(".review-progress")).to_contain_text("3 decided")
    expect(page.locator(".review-progress")).not_to_contain_text("being saved")
    left = {each["id"] for each in duplicates.get("/images?limit=1000").json()["images"]}
    assert {each["id"] for each in first["images"]} & left == {first["best"]}
    assert {each["id"] for each in second["images"]} <= left
    assert {each["id"] for each in third["images"]} & left == {third["images"][1]["id"]}
    remaining = groups_of(duplicates)
    for group in (first, second, third):
        assert {each["id"] for each in group["images"]} not in remaining


def test_a_deletion_is_taken_back(open_page, duplicates):
    group = duplicates.get("/duplicates").json()["groups"][0]
    present = ids(duplicates)
    page = open_page("#/duplicates", service=duplicates, size=NARROW, touch=True)
    expect(shown(page)).to_have_text([each["id"] for each in group["images"]])
    page.get_by_role("button", name="Delete both").tap()
    expect(shown(page)).not_to_have_text([each["id"] for each in group["images"]])
    page.get_by_role("button", name="Undo").tap()
    expect(shown(page)).to_have_text([each["id"] for each in group["images"]])
    expect(page.locator(".review-progress")).not_to_contain_text("being saved")
    assert ids(duplicates) == present
    assert {each["id"] for each in group["images"]} in groups_of(duplicates)
    # The records changed twice; the page knows their state.
    page.get_by_role("button", name="Keep this").first.tap()
    expect(page.locator(".review-progress")).to_contain_text("1 decided")
    expect(page.locator(".review-progress")).not_to_contain_text("being saved")
    assert present - ids(duplicates) == {group["images"][1]["id"]}


def test_a_group_that_changed_meanwhile_is_not_deleted(open_page, duplicates):
    group = duplicates.get("/duplicates").json()["groups"][0]
    name = group["images"][1]["id"]
    page = open_page("#/duplicates", service=duplicates)
    expect(shown(page).first).to_be_visible()
    relabelled = duplicates.patch("/images", params={"id": name}, json={"label": "city"})
    assert relabelled.status_code == 200
    page.keyboard.press("a")
    expect(page.locator(".messages").get_by_role("alert")).to_contain_text("changed meanwhile")
    assert name in ids(duplicates)


def group_with(client, is_wanted, **facts):
    """Return the first group with certain facts, and the number of those before it."""
    groups = client.get("/duplicates", params={"limit": 100}).json()["groups"]
    return next(
        (group, number)
        for number, group in enumerate(groups)
        if facts.items() <= group.items() and is_wanted(group)
    )


def is_saved(page, decided):
    expect(page.locator(".review-progress")).to_contain_text(f"{decided} decided")
    expect(page.locator(".review-progress")).not_to_contain_text("being saved")


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_the_validation_image_of_a_group_that_joins_both_is_suggested(
    open_page, writable, axe_violations, screenshot, size, scheme
):
    group, before = group_with(writable, lambda group: len(group["images"]) == 2, joins=True)
    page = open_page("#/duplicates", service=writable, size=size, scheme=scheme)
    expect(shown(page).first).to_be_visible()
    for _ in range(before):
        page.keyboard.press("s")
    expect(shown(page)).to_have_text([each["id"] for each in group["images"]])
    expect(page.locator(".review-item .effect")).to_contain_text("Joins training and validation")
    expect(page.locator(".duplicates figure").first).to_contain_text(
        f"One of {group['images'][0]['affects']['validation']} images by which models are judged"
    )
    if size == NARROW:
        tops = page.locator(".duplicates figure").evaluate_all(
            "cards => cards.map(card => card.getBoundingClientRect().top)"
        )
        assert tops[0] == tops[1]
        height = page.locator("section.actions").evaluate("bar => bar.clientHeight")
        row = page.get_by_role("button", name="Skip s").evaluate("button => button.offsetHeight")
        assert height < 3 * row
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert axe_violations(page) == []
    screenshot(page, f"duplicates-joined-{size[0]}-{scheme}")
    page.keyboard.press("a")
    is_saved(page, 1)
    kept, deleted = group["images"]
    assert kept["split"] == "validation"
    assert writable.get("/images", params={"id": kept["id"]}).status_code == 200
    assert writable.get("/images", params={"id": deleted["id"]}).status_code == 404


def test_validation_images_are_deleted_after_a_question_only(
    open_page, writable, axe_violations, screenshot
):
    group, before = group_with(
        writable, lambda group: len(group["images"]) == 2, splits=["validation"]
    )
    page = open_page("#/duplicates", service=writable, size=NARROW)
    expect(shown(page).first).to_be_visible()
    for _ in range(before):
        page.keyboard.press("s")
    names = [each["id"] for each in group["images"]]
    expect(shown(page)).to_have_text(names)
    # A confirmation without a question has no effect.
    page.keyboard.press("y")
    page.keyboard.press("a")
    question = page.locator(".actions").get_by_role("alert")
    expect(question).to_contain_text("Delete 1 validation image? Models are judged by")
    assert axe_violations(page) == []
    screenshot(page, "duplicates-question")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    page.keyboard.press("y")
    page.keyboard.press("d")
    expect(question).to_contain_text("Delete 2 validation images?")
    page.get_by_role("button", name="Cancel").click()
    expect(shown(page)).to_have_text(names)
    expect(page.locator(".review-progress")).to_contain_text("0 decided")
    page.keyboard.press("2")
    page.keyboard.press("y")
    is_saved(page, 1)
    assert writable.get("/images", params={"id": names[0]}).status_code == 404
    assert writable.get("/images", params={"id": names[1]}).status_code == 200


def test_a_group_survives_a_reload_and_its_deletion_is_taken_back_after_it(open_page, duplicates):
    groups = duplicates.get("/duplicates").json()["groups"]
    first, second, third = ([each["id"] for each in group["images"]] for group in groups[:3])
    present = ids(duplicates)
    # The file of a deleted image is loaded again until the deletion is taken back.
    page = open_page("#/duplicates", service=duplicates, refused=tuple(third))
    expect(shown(page)).to_have_text(first)
    page.keyboard.press("s")
    page.keyboard.press("k")
    page.keyboard.press("2")
    expect(shown(page)).not_to_have_text(third)
    page.reload()
    is_saved(page, 2)
    expect(page.locator(".review-progress")).to_contain_text("1 skipped")
    page.keyboard.press("u")
    expect(shown(page)).to_have_text(third)
    page.keyboard.press("u")
    expect(shown(page)).to_have_text(second)
    page.keyboard.press("u")
    expect(shown(page)).to_have_text(first)
    is_saved(page, 0)
    assert ids(duplicates) == present
