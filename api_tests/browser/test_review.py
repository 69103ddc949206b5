"""Review of labels: reasons, decisions by keyboard and touch, undo, conflicts, outages."""

import re
import shutil

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW, WIDE
from service.keys import add_key
from service.settings import ServiceSettings
from tests.tiny_release import LABELS, UNLABELLED

# The service records the second decision, but its answers to that are lost.
LOSE_ANSWERS = """() => {
  const send = window.fetch;
  let count = 0;
  window.fetch = async (url, options) => {
    const answer = await send(url, options);
    if (options?.method === "POST") count += 1;
    if (options?.method === "POST" && [2, 3].includes(count)) throw new TypeError("lost");
    return answer;
  };
}"""

# Id, label and suggestion of the image on display.
SHOWN = """() => [".review-item h2", ".comparison div:first-child dd", ".comparison div + div dd"]
  .map(each => document.querySelector(each).textContent)"""

SAVING_MILLISECONDS = 120_000


@pytest.fixture
def open_review(open_page, writable):
    def open_(url="#/review", service=writable, **options):
        page = open_page(url, service=service, **options)
        expect(title_of(page)).to_be_visible()
        return page

    return open_


def title_of(page):
    return page.locator(".review-item h2")


def progress_of(page):
    return page.locator(".review-progress")


def expect_saved(page, decided):
    """Wait until a number of decisions are saved; many take a while on a busy machine."""
    saved = re.compile(rf"left, {decided} decided(,|$)")
    expect(progress_of(page)).to_have_text(saved, timeout=SAVING_MILLISECONDS)


def journal(client, identifier):
    """Return the decisions of persons about an image, oldest first, and those taken back."""
    found = client.get("/history", params={"id": identifier}).json()["decisions"]
    by_persons = [each for each in found if each["why"] != "import"]
    return [(each["why"], each["before"], each["after"]) for each in by_persons]


def queue(client, **parameters):
    return client.get("/queue", params={"limit": 1000, **parameters}).json()["items"]


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_a_read_only_service_shows_the_review_and_says_how_to_switch_it_on(
    open_page, api, axe_violations, screenshot, size, scheme
):
    answer = api.get("/queue").json()
    first, second = answer["items"][:2]
    page = open_page("#/review", size=size, scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_have_text("Review")
    expect(page.locator("main .read-only")).to_contain_text("BELVEDERE_WRITABLE=1")
    expect(title_of(page)).to_have_text(first["id"])
    for reason in first["reasons"]:
        expect(page.locator(".reasons")).to_contain_text(reason["text"])
    expect(page.locator(".review-item .neighbours figure")).to_have_count(3)
    expect(page.get_by_role("button", name="Accept")).to_be_disabled()
    page.keyboard.press("a")
    expect(title_of(page)).to_have_text(first["id"])
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert axe_violations(page) == []
    page.locator(".review-item .large img").evaluate("image => image.decode()")
    screenshot(page, f"review-{size[0]}-{scheme}")
    page.keyboard.press("s")
    expect(title_of(page)).to_have_text(second["id"])
    expect(progress_of(page)).to_have_text(
        f"{answer['total'] - 1} images left, 0 decided, 1 skipped"
    )
    page.keyboard.press("u")
    expect(title_of(page)).to_have_text(first["id"])


def test_every_decision_by_keyboard_is_a_row_of_the_journal(open_review, writable):
    items = queue(writable)
    accepted, kept, by_digit, by_letter, skipped, undone, last = items[:7]
    page = open_review()
    expect(title_of(page)).to_have_text(accepted["id"])
    page.keyboard.press("Enter")
    expect(title_of(page)).to_have_text(kept["id"])
    page.keyboard.press("k")
    page.keyboard.press("1")
    page.keyboard.press("m")
    page.keyboard.press("s")
    page.keyboard.press("a")
    expect(title_of(page)).to_have_text(last["id"])
    page.keyboard.press("u")
    expect(title_of(page)).to_have_text(undone["id"])
    page.keyboard.press("k")
    expect(title_of(page)).to_have_text(last["id"])
    expect_saved(page, 5)

    def review(item, label):
        return [("review" if label != item["label"] else "reviewed", item["label"], label)]

    assert journal(writable, accepted["id"]) == review(accepted, accepted["suggested"])
    assert journal(writable, kept["id"]) == review(kept, kept["label"])
    assert journal(writable, by_digit["id"]) == review(by_digit, "city")
    assert journal(writable, by_letter["id"]) == review(by_letter, "mountain")
    assert journal(writable, skipped["id"]) == []
    before, after = undone["label"], undone["suggested"]
    assert journal(writable, undone["id"]) == [
        ("review", before, after),
        ("undo:review", after, before),
        ("reviewed", before, before),
    ]
    page.reload()
    expect(title_of(page)).to_have_text(last["id"])
    assert {each["id"] for each in queue(writable)} == {
        each["id"] for each in items if each not in (accepted, kept, by_digit, by_letter, undone)
    }


def test_200_quick_decisions_are_neither_lost_nor_doubled(open_review, writable):
    page = open_review()
    expected: dict[str, list[tuple[str, str, str]]] = {}
    made = 0
    while made < 200:
        # Later parts of the queue depend on the labels that were corrected before.
        name, before, after = page.evaluate(SHOWN)
        assert name not in expected
        accepts = after != "none" and len(expected) % 3 > 0
        page.keyboard.press("a" if accepts else "k")
        decision = ("review", before, after) if accepts else ("reviewed", before, before)
        expected[name] = [decision]
        made += 1
        if len(expected) % 2:
            page.keyboard.press("u")
            page.keyboard.press("k")
            expected[name].append((f"undo:{decision[0]}", decision[2], before))
            expected[name].append(("reviewed", before, before))
            made += 2
        expect(title_of(page)).not_to_have_text(name)
    expect_saved(page, len(expected))
    assert {name: journal(writable, name) for name in expected} == expected


def test_two_people_do_not_overwrite_each_other(
    open_page, copied_home, serving, axe_violations, screenshot
):
    settings = ServiceSettings(home=copied_home, writable=True)
    secrets = [add_key(settings.keys_file, name, "label") for name in ("ada", "ben")]
    with serving(settings) as client:
        first, second, third = queue(client)[:3]
        ada, ben = (open_page("#/review", service=client) for _ in secrets)
        for page, secret in ((ada, secrets[0]), (ben, secrets[1])):
            page.evaluate("key => sessionStorage.setItem('belvedere-key', key)", secret)
            page.reload()
            expect(title_of(page)).to_have_text(first["id"])
        ada.keyboard.press("a")
        expect_saved(ada, 1)
        ben.keyboard.press("k")
        message = ben.locator(".messages").get_by_role("alert")
        expect(message).to_contain_text(f"{first['id']}: ada changed this image meanwhile")
        expect(message).to_contain_text("Your decision was not saved")
        # The next key is meant for the image that was shown before.
        expect(title_of(ben)).to_have_text(second["id"])
        assert axe_violations(ben) == []
        screenshot(ben, "review-conflict")
        ben.keyboard.press("s")
        expect(title_of(ben)).to_have_text(first["id"])
        expect(ben.locator(".comparison")).to_contain_text(f"Label{first['suggested']}")
        ben.keyboard.press("1")
        expect(title_of(ben)).to_have_text(third["id"])
        expect_saved(ben, 1)
        found = client.get("/history", params={"id": first["id"]}).json()["decisions"]
        assert [(each["by"], each["after"]) for each in found[-2:]] == [
            ("ada", first["suggested"]),
            ("ben", "city"),
        ]
        assert len([each for each in found if each["why"] != "import"]) == 2


def test_decisions_wait_for_an_unreachable_service(open_review, writable, screenshot):
    items = queue(writable)[:4]
    page = open_review()
    page.route("**/changes", lambda route: route.abort("connectionrefused"))
    for _ in items[:3]:
        page.keyboard.press("a")
    expect(title_of(page)).to_have_text(items[3]["id"])
    note = page.locator(".messages").get_by_role("alert")
    expect(note).to_contain_text("3 decisions not saved yet")
    screenshot(page, "review-outage")
    page.unroute("**/changes")
    note.get_by_role("button", name="Try again").click()
    expect_saved(page, 3)
    expect(note).to_be_hidden()
    for item in items[:3]:
        assert journal(writable, item["id"]) == [("review", item["label"], item["suggested"])]


def test_lost_answers_double_no_decision(open_review, writable):
    items = queue(writable)[:4]
    page = open_review()
    page.evaluate(LOSE_ANSWERS)
    for key in ("a", "a", "u", "k", "a"):
        page.keyboard.press(key)
    expect_saved(page, 3)
    first, second, third = items[:3]
    assert journal(writable, first["id"]) == [("review", first["label"], first["suggested"])]
    assert journal(writable, second["id"]) == [
        ("review", second["label"], second["suggested"]),
        ("undo:review", second["suggested"], second["label"]),
        ("reviewed", second["label"], second["label"]),
    ]
    assert journal(writable, third["id"]) == [("review", third["label"], third["suggested"])]


def test_a_reload_keeps_decisions_that_were_not_sent_and_the_place(open_review, writable):
    items = queue(writable)[:6]
    skipped, accepted, kept, undone, present = items[:5]
    page = open_review()
    expect(title_of(page)).to_have_text(skipped["id"])
    page.route("**/changes", lambda route: route.abort("connectionrefused"))
    for key in ("s", "a", "k", "k", "s", "u", "u"):
        page.keyboard.press(key)
    expect(title_of(page)).to_have_text(undone["id"])
    expect(progress_of(page)).to_contain_text("2 decided (4 being saved), 1 skipped")
    page.reload()
    # The decision is taken back only when the service can be reached.
    expect(title_of(page)).to_have_text(undone["id"])
    expect(progress_of(page)).to_contain_text("2 decided (4 being saved), 1 skipped")
    # The outbox tries again by itself.
    page.unroute("**/changes")
    expect_saved(page, 2)
    page.keyboard.press("1")
    expect(title_of(page)).to_have_text(present["id"])
    page.reload()
    expect_saved(page, 3)
    expect(title_of(page)).to_have_text(present["id"])
    for name in (undone["id"], kept["id"], accepted["id"], skipped["id"]):
        page.keyboard.press("u")
        expect(title_of(page)).to_have_text(name)
    expect_saved(page, 0)
    for item, kinds in ((skipped, 0), (accepted, 2), (kept, 2), (undone, 4)):
        found = journal(writable, item["id"])
        assert len(found) == kinds
        assert found == [] or found[-1][2] == item["label"]
    assert [each["id"] for each in queue(writable)[:5]] == [each["id"] for each in items[:5]]


def test_a_reload_in_the_middle_of_a_request_doubles_no_decision(open_review, writable):
    first, second, third = queue(writable)[:3]
    page = open_review()
    expect(title_of(page)).to_have_text(first["id"])

    def reload_during(path, *keys):
        """Press keys, and reload the page between a change and its answer."""
        revision = writable.get("/livez").json()["revision"]
        page.route(path, lambda route: route.fetch() and None)
        for key in keys:
            page.keyboard.press(key)
        while writable.get("/livez").json()["revision"] == revision:
            page.wait_for_timeout(20)
        page.unroute_all(behavior="ignoreErrors")
        page.reload()

    reload_during("**/changes", "a", "k", "u")
    expect_saved(page, 1)
    expect(title_of(page)).to_have_text(second["id"])
    reload_during("**/undo", "u")
    expect_saved(page, 0)
    expect(title_of(page)).to_have_text(first["id"])
    reload_during("**/changes", "k")
    expect_saved(page, 1)
    before, after = first["label"], first["suggested"]
    assert journal(writable, first["id"]) == [
        ("review", before, after),
        ("undo:review", after, before),
        ("reviewed", before, before),
    ]
    before = second["label"]
    assert journal(writable, second["id"]) == [
        ("reviewed", before, before),
        ("undo:reviewed", before, before),
    ]
    assert journal(writable, third["id"]) == []


def test_decisions_of_a_closed_tab_are_sent_by_the_next_one_only(open_review, writable):
    first, second, third = queue(writable)[:3]
    closed = open_review()
    expect(title_of(closed)).to_have_text(first["id"])
    closed.context.route("**/changes", lambda route: route.abort("connectionrefused"))
    closed.keyboard.press("a")
    expect(closed.locator(".messages").get_by_role("alert")).to_contain_text("1 decision not saved")
    # While the first tab is open, its decisions are not those of another one.
    other = closed.context.new_page()
    other.goto("/#/review")
    expect(title_of(other)).to_have_text(first["id"])
    expect(progress_of(other)).not_to_contain_text("being saved")
    closed.close()
    later = other.context.new_page()
    later.goto("/#/review")
    expect(title_of(later)).to_have_text(second["id"])
    expect(progress_of(later)).to_contain_text("1 being saved")
    later.context.unroute("**/changes")
    later.keyboard.press("s")
    expect(title_of(later)).to_have_text(third["id"])
    expect(progress_of(later)).not_to_contain_text("being saved")
    assert journal(writable, first["id"]) == [("review", first["label"], first["suggested"])]


def test_no_class_fits_or_the_image_is_deleted(open_review, writable, screenshot):
    filters = {"split": "train"}
    unlabelled, deleted, present = queue(writable, **filters)[:3]
    page = open_review("#/review?split=train", size=NARROW, touch=True)
    expect(title_of(page)).to_have_text(unlabelled["id"])
    screenshot(page, "review-phone")
    page.get_by_role("button", name="No class fits").tap()
    expect(title_of(page)).to_have_text(deleted["id"])
    page.keyboard.press("d")
    expect(title_of(page)).to_have_text(present["id"])
    expect_saved(page, 2)
    assert journal(writable, unlabelled["id"]) == [("review", unlabelled["label"], None)]
    # A person has decided so, and is not asked for a label.
    assert queue(writable, goal="label") == []
    assert writable.get("/images", params={"id": deleted["id"]}).status_code == 404
    page.keyboard.press("u")
    page.keyboard.press("u")
    expect(title_of(page)).to_have_text(unlabelled["id"])
    expect_saved(page, 0)
    for item in (unlabelled, deleted):
        record = writable.get("/images", params={"id": item["id"]}).json()["images"][0]
        assert (record["label"], record["split"]) == (item["label"], "train")


def test_a_validation_image_is_deleted_after_a_question_only(open_review, writable):
    first, second = queue(writable, split="validation")[:2]
    page = open_review("#/review?split=validation")
    expect(title_of(page)).to_have_text(first["id"])
    page.keyboard.press("d")
    expect(page.locator(".actions").get_by_role("alert")).to_contain_text("Delete 1 validation")
    page.keyboard.press("s")
    expect(title_of(page)).to_have_text(second["id"])
    page.keyboard.press("y")
    expect(progress_of(page)).to_contain_text("0 decided")
    page.keyboard.press("d")
    page.keyboard.press("y")
    expect_saved(page, 1)
    assert journal(writable, first["id"]) == []
    assert [each[0] for each in journal(writable, second["id"])] == ["delete"]


def test_a_key_without_permission_to_delete_delays_no_label(open_page, copied_home, serving):
    settings = ServiceSettings(home=copied_home, writable=True)
    secret = add_key(settings.keys_file, "ada", "label")
    with serving(settings) as client:
        first, second = queue(client, split="train")[:2]
        page = open_page("#/review?split=train", service=client)
        page.evaluate("key => sessionStorage.setItem('belvedere-key', key)", secret)
        page.reload()
        expect(title_of(page)).to_have_text(first["id"])
        page.keyboard.press("d")
        expect(title_of(page)).to_have_text(second["id"])
        page.keyboard.press("k")
        message = page.locator(".messages").get_by_role("alert")
        expect(message).to_contain_text(f"{first['id']}: ")
        expect(message).to_contain_text("role `write`")
        expect_saved(page, 1)
        assert journal(client, first["id"]) == []
        assert journal(client, second["id"]) == [("reviewed", second["label"], second["label"])]


def test_decisions_that_are_not_permitted_are_discarded(open_review, writable):
    first = queue(writable)[0]
    page = open_review()
    refusal = {"status": 403, "json": {"detail": "This call requires a key of role `label`."}}
    page.route("**/changes", lambda route: route.fulfill(**refusal))
    page.keyboard.press("a")
    page.locator(".messages").get_by_role("button", name="Discard").click()
    expect(title_of(page)).to_have_text(first["id"])
    expect(progress_of(page)).to_contain_text("0 decided")
    page.unroute("**/changes")
    page.reload()
    expect(title_of(page)).to_have_text(first["id"])
    page.keyboard.press("k")
    expect_saved(page, 1)
    assert journal(writable, first["id"]) == [("reviewed", first["label"], first["label"])]


def test_a_key_without_permission_keeps_the_decisions(open_review, writable, screenshot):
    first = queue(writable)[0]
    page = open_review()
    refusal = {"status": 403, "json": {"detail": "This call requires a key of role `label`."}}
    page.route("**/changes", lambda route: route.fulfill(**refusal))
    page.keyboard.press("a")
    note = page.locator(".messages").get_by_role("alert")
    expect(note).to_contain_text("1 decision not saved yet. This call requires a key")
    screenshot(page, "review-halted")
    page.reload()
    expect(note).to_contain_text("1 decision not saved yet. This call requires a key")
    page.unroute("**/changes")
    # The outbox belongs to the page, not to its view.
    page.get_by_role("link", name="History", exact=True).click()
    page.go_back()
    note.get_by_role("button", name="Try again").click()
    expect_saved(page, 1)
    assert journal(writable, first["id"]) == [("review", first["label"], first["suggested"])]


def test_decisions_by_touch(open_review, writable):
    first, second = queue(writable)[:2]
    page = open_review(size=NARROW, touch=True)
    box = page.get_by_role("button", name="Undo").bounding_box()
    assert box["x"] + box["width"] <= NARROW[0]
    page.get_by_role("button", name="Keep").tap()
    expect(title_of(page)).to_have_text(second["id"])
    other = next(each for each in LABELS if each != second["label"])
    page.get_by_role("group", name="Other decisions").get_by_role("button", name=other).tap()
    expect_saved(page, 2)
    page.get_by_role("button", name="Undo").tap()
    expect(title_of(page)).to_have_text(second["id"])
    expect_saved(page, 1)
    assert journal(writable, first["id"]) == [("reviewed", first["label"], first["label"])]
    assert journal(writable, second["id"])[0] == ("review", second["label"], other)


def test_shortcuts_can_be_switched_off(open_review, writable):
    first, second = queue(writable)[:2]
    page = open_review()
    page.get_by_role("button", name="Keyboard").click()
    page.get_by_role("dialog").get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    for key in ("a", "k", "1", "s"):
        page.keyboard.press(key)
    expect(title_of(page)).to_have_text(first["id"])
    page.get_by_role("button", name="Skip s").focus()
    page.keyboard.press("Enter")
    expect(title_of(page)).to_have_text(second["id"])


def test_validation_images_say_what_a_correction_does(open_review, writable):
    items = queue(writable, split="validation")
    page = open_review("#/review?split=validation")
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("alidation")
    expect(title_of(page)).to_have_text(items[0]["id"])
    effect = page.locator(".effect")
    expect(effect).to_contain_text(
        f"Models are judged by {items[0]['affects']['validation']} such images"
    )
    page.get_by_role("button", name="Remove the filter").click()
    expect(title_of(page)).to_have_text(queue(writable)[0]["id"])
    assert page.url.endswith("#/review")


def test_the_filters_are_chosen_beside_the_list(open_review, writable, axe_violations):
    page = open_review()
    first = queue(writable)[0]
    other = next(each for each in queue(writable) if each["label"] != first["label"])
    found = queue(writable, label=other["label"])
    page.keyboard.press("s")
    page.get_by_text("Filters", exact=True).click()
    classes = page.get_by_role("group", name="Classes")
    classes.get_by_role("button", name=re.compile(f"^{other['label']}")).click()
    expect(title_of(page)).to_have_text(found[0]["id"])
    expect(progress_of(page)).to_have_text(f"{len(found)} images left, 0 decided")
    assert page.url.endswith(f"#/review?label={other['label']}")
    assert axe_violations(page) == []
    page.keyboard.press("k")
    expect_saved(page, 1)
    # The list without filters is where it was left.
    page.get_by_role("button", name="Remove the filter").click()
    left = len(queue(writable)) - 1
    expect(progress_of(page)).to_have_text(f"{left} images left, 0 decided, 1 skipped")


def test_images_without_a_label_get_one(open_page, grown_home, tmp_path, serving, axe_violations):
    shutil.copytree(grown_home, tmp_path / "grown", symlinks=True)
    with serving(ServiceSettings(home=tmp_path / "grown", writable=True)) as client:
        page = open_page("#/review?goal=label", service=client)
        expect(page.get_by_role("heading", level=1)).to_have_text("Label")
        expect(title_of(page)).to_have_text(UNLABELLED)
        expect(page.locator(".comparison")).to_contain_text("Labelno label")
        assert axe_violations(page) == []
        page.keyboard.press("3")
        expect(page.get_by_role("heading", name="Nothing is left")).to_be_visible()
        expect_saved(page, 1)
        assert journal(client, UNLABELLED) == [("review", None, "forest")]


def test_the_decisions_about_an_image_are_listed(open_review, writable):
    first = queue(writable)[0]
    page = open_review()
    page.keyboard.press("k")
    page.keyboard.press("u")
    expect_saved(page, 0)
    page.get_by_text("Decisions about this image").click()
    decisions = page.locator(".decisions li")
    expect(decisions.first).to_contain_text("label kept (taken back)")
    expect(decisions.nth(1)).to_contain_text("label kept")
    page.get_by_role("link", name=first["id"], exact=True).click()
    page.get_by_text("Decisions about this image").click()
    expect(decisions.first).to_contain_text("label kept (taken back)")
