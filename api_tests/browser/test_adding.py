"""Images that are added from the page: dropped, pasted and chosen files and folders."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW
from api_tests.browser.uploads import data_transfer
from api_tests.pictures import jpeg_of
from tests.tiny_release import LABELS, PER_CLASS

ALL = len(LABELS) * PER_CLASS

# The service writes the images of the second request, but its answers to that are lost.
LOSE_ANSWERS = """() => {
  const send = window.fetch;
  let count = 0;
  window.fetch = async (url, options) => {
    const answer = await send(url, options);
    if (options?.body instanceof FormData) count += 1;
    if (options?.body instanceof FormData && [2, 3].includes(count)) throw new TypeError("lost");
    return answer;
  };
}"""


@pytest.fixture
def open_add(open_page, writable):
    def open_(**options):
        page = open_page("#/add", service=writable, **options)
        expect(page.get_by_role("heading", level=1)).to_have_text("Add images")
        return page

    return open_


@pytest.fixture
def folder(tmp_path):
    """Return a folder with images of two classes, another file and an unreadable image."""
    root = tmp_path / "mine"
    files = {
        "lake/one.jpg": jpeg_of(1),
        "lake/two.jpg": jpeg_of(2),
        "lake/deep/three.jpg": jpeg_of(3),
        "swamp/four.jpg": jpeg_of(4),
        "swamp/broken.jpg": b"no image",
        "swamp/notes.txt": b"not even a name",
        "swamp/.hidden.jpg": jpeg_of(5),
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def choose(page, button, paths):
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=button).click()
    chooser.value.set_files(paths)


def drop_paths(page, paths):
    """Drop files and folders of the disk on the page, as the file manager does."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(each) for each in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 300, "data": data})


def labels_of(client, *ids):
    found = client.get("/images", params={"id": ids}).json()["images"]
    return {each["id"]: each["label"] for each in found}


def test_a_dropped_folder_becomes_images_of_its_classes(
    open_add, writable, folder, axe_violations, screenshot
):
    page = open_add()
    drop_paths(page, [folder])
    expect(page.get_by_role("heading", name="5 images chosen")).to_be_visible()
    expect(page.locator("#toast")).to_contain_text("2 other files left out")
    expect(page.locator(".sizes")).to_contain_text("lake 3")
    expect(page.locator(".sizes")).to_contain_text("swamp 2 (unknown to the model)")
    page.get_by_role("button", name="Add 5 images").click()
    # The form is not sent before the new class is confirmed.
    new = page.get_by_role("checkbox", name="the model does not know: “swamp”")
    expect(new).to_be_focused()
    new.check()
    assert axe_violations(page) == []
    screenshot(page, "add-chosen")
    page.get_by_role("button", name="Add 5 images").click()
    expect(page.get_by_role("heading", name="4 of 5 images added")).to_be_visible()
    rejected = page.locator(".outcomes", has_text="Rejected: 1")
    expect(rejected).to_contain_text("mine/swamp/broken.jpg")
    assert axe_violations(page) == []
    screenshot(page, "add-outcomes")
    assert labels_of(writable, "mine/lake/one", "mine/lake/deep/three", "mine/swamp/four") == {
        "mine/lake/deep/three": "lake",
        "mine/lake/one": "lake",
        "mine/swamp/four": "swamp",
    }
    page.get_by_role("link", name="Show the map").click()
    expect(page.get_by_role("application")).to_have_attribute(
        "aria-label", f"Map of {ALL + 4} images"
    )
    page.goto("#/image/mine/lake/one")
    expect(page.locator(".details")).to_contain_text("has not learned from it yet")


def test_a_folder_is_chosen_and_added_by_keyboard(open_add, writable, folder):
    page = open_add()
    choose(page, "Choose a folder", folder)
    expect(page.get_by_role("radio", name="By folder")).to_be_checked()
    page.get_by_role("radio", name="By folder").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("ocean")
    expect(page.locator(".sizes")).to_have_text("ocean 5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="4 of 5 images added")).to_be_visible()
    assert labels_of(writable, "mine/lake/one") == {"mine/lake/one": "ocean"}


def test_a_stored_image_is_never_replaced(open_add, writable, records, tmp_path):
    stored = records[0]
    name = stored["id"].rsplit("/", 1)[-1]
    before = writable.get(f"/images/{stored['id']}").content
    other = tmp_path / stored["label"] / f"{name}.jpg"
    other.parent.mkdir()
    other.write_bytes(jpeg_of(8))
    same = tmp_path / stored["label"] / "copy.jpg"
    same.write_bytes(before)
    page = open_add()
    choose(page, "Choose a folder", other.parent)
    page.get_by_role("button", name="Add 2 images").click()
    expect(page.get_by_role("heading", name="1 of 2 images added")).to_be_visible()
    present = page.locator(".outcomes", has_text="Stored already: 1")
    expect(present).to_contain_text(f"copy.jpg is {stored['id']}")
    assert writable.get(f"/images/{stored['id']}").content == before
    page.reload()
    choose(page, "Choose a folder", other.parent)
    page.get_by_role("button", name="Add 2 images").click()
    expect(page.get_by_role("heading", name="0 of 2 images added")).to_be_visible()
    expect(page.locator(".outcomes")).to_contain_text("Stored already: 2")


def test_another_label_and_a_deleted_image_are_explained(open_add, writable, records, tmp_path):
    kept, deleted = records[0], records[1]
    paths: list[Path] = []
    for each in (kept, deleted):
        paths.append(tmp_path / f"{len(paths)}.jpg")
        paths[-1].write_bytes(writable.get(f"/images/{each['id']}").content)
    assert writable.delete("/images", params={"id": deleted["id"]}).status_code == 204
    page = open_add()
    choose(page, "Choose images", paths)
    expect(page.get_by_role("radio", name="No label")).to_be_checked()
    other = next(each for each in LABELS if each != kept["label"])
    page.get_by_label("Name of the class").fill(other)
    page.get_by_role("button", name="Add 2 images").click()
    conflict = page.locator(".outcomes", has_text="Stored with another label: 1")
    expect(conflict).to_contain_text(f"0.jpg is {kept['id']}")
    page.get_by_role("button", name="Add the 1 deleted again").click()
    expect(page.get_by_role("heading", name="1 of 1 image added")).to_be_visible()


def test_an_outage_is_outlasted_and_nothing_is_doubled(open_add, writable, tmp_path):
    paths: list[Path] = []
    for number in range(70):
        paths.append(tmp_path / f"{number}.jpg")
        paths[-1].write_bytes(jpeg_of(number))
    page = open_add()
    page.evaluate(LOSE_ANSWERS)
    choose(page, "Choose images", paths)
    page.get_by_role("button", name="Add 70 images").click()
    expect(page.get_by_role("heading", name="38 of 70 images added")).to_be_visible()
    expect(page.locator(".outcomes", has_text="Stored already")).to_contain_text("32")
    assert writable.get("/images", params={"limit": 1}).json()["total"] == ALL + 70


def test_cancelled_images_can_be_added_later(open_add, writable, tmp_path):
    paths: list[Path] = []
    for number in range(70):
        paths.append(tmp_path / f"{number}.jpg")
        paths[-1].write_bytes(jpeg_of(number))
    page = open_add()
    held = []

    def hold_the_second(route):
        held.append(route)
        if len(held) != 2:
            route.continue_()

    page.route("**/images?new_class=true", hold_the_second)
    choose(page, "Choose images", paths)
    page.get_by_role("button", name="Add 70 images").click()
    expect(page.get_by_role("heading", name="Adding: 32 of 70 images")).to_be_visible()
    # The addition goes on while another view is shown.
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("History")
    page.get_by_role("link", name="Add", exact=True).click()
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ended after 32")).to_be_visible()
    page.get_by_role("button", name="Add the other 38").click()
    expect(page.get_by_role("heading", name="38 of 38 images added")).to_be_visible()
    assert writable.get("/images", params={"limit": 1}).json()["total"] == ALL + 70


@pytest.fixture
def many(tmp_path):
    """Return the paths of 130 files: two with the same content, one unreadable."""
    paths = [tmp_path / f"{number:03}.jpg" for number in range(130)]
    for number, path in enumerate(paths):
        path.write_bytes(jpeg_of(max(number, 1)))
    paths[7].write_bytes(b"no image")
    return paths


def add_many(page, paths):
    choose(page, "Choose images", paths)
    page.get_by_role("button", name=f"Add {len(paths)} images").click()


def expect_many_added(page):
    expect(page.get_by_role("heading", name="128 of 130 images added")).to_be_visible()
    expect(page.locator(".outcomes", has_text="Rejected: 1")).to_contain_text("007.jpg")
    present = page.locator(".outcomes", has_text="Stored already: 1")
    expect(present).to_contain_text("001.jpg is 000")


def test_many_files_are_a_job_with_an_outcome_for_each(open_add, writable, many):
    page = open_add()
    add_many(page, many)
    expect_many_added(page)
    [job] = writable.get("/jobs").json()["jobs"]
    assert (job["state"], job["total"], job["outcomes"]["added"]) == ("done", 130, 128)
    assert writable.get("/images", params={"limit": 1}).json()["total"] == ALL + 128


def test_a_reload_of_the_page_continues_to_follow_a_job(open_add, many):
    page = open_add()
    running = {"finished": None, "done": 64, "total": 130}
    page.route("**/jobs/**", lambda route: route.fulfill(json=running))
    add_many(page, many)
    expect(page.get_by_role("heading", name="Adding: 64 of 130 images")).to_be_visible()
    page.unroute("**/jobs/**")
    page.reload()
    expect_many_added(page)
    # An ended job is not shown again, and its files are no longer known.
    page.reload()
    expect(page.get_by_role("button", name="Choose a folder")).to_be_visible()
    expect(page.locator(".outcomes")).to_have_count(0)


def test_a_job_is_cancelled_and_the_rest_is_added_later(open_add, writable, many):
    page = open_add()
    methods = []

    def hold(route):
        methods.append(route.request.method)
        if methods[-1] == "DELETE":
            return route.continue_()
        return route.fulfill(json={"finished": None, "done": 10, "total": 130})

    page.route("**/jobs/**", hold)
    add_many(page, many)
    heading = page.locator("[aria-label=Progress] > h2")
    expect(heading).to_have_text("Adding: 10 of 130 images")
    with page.expect_request(lambda request: request.method == "DELETE"):
        page.get_by_role("button", name="Cancel").click()
    message = page.locator("[aria-label=Progress]").get_by_role("alert")
    expect(message).to_have_text(re.compile("^Cancelling: images whose addition has begun"))
    page.unroute("**/jobs/**")
    # A fast service has added all of them before.
    expect(heading).to_have_text(re.compile(r"Ended after|^128 of 130 images added$"))
    assert methods.count("DELETE") == 1
    [job] = writable.get("/jobs").json()["jobs"]
    rest = page.get_by_role("button", name="Add the other")
    assert rest.count() == (job["done"] < 130)
    if rest.count():
        rest.click()
        expect(heading).to_have_text(re.compile(r"^\d+ of \d+ images? added$"))
    assert writable.get("/images", params={"limit": 1}).json()["total"] == ALL + 128


def test_pasted_and_dropped_files_are_collected(open_add, writable):
    page = open_add()
    page.dispatch_event("body", "dragover", {"dataTransfer": data_transfer(page, jpeg_of(1))})
    expect(page.get_by_text("Drop images or folders to add them")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": data_transfer(page, jpeg_of(1))})
    expect(page.get_by_role("heading", name="1 image chosen")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": data_transfer(page, jpeg_of(2))})
    expect(page.get_by_role("heading", name="2 images chosen")).to_be_visible()
    page.get_by_role("button", name="Add 2 images").click()
    expect(page.get_by_role("heading", name="2 of 2 images added")).to_be_visible()
    assert labels_of(writable, "mine", "mine.jpg") == {"mine": None, "mine.jpg": None}


def test_a_read_only_service_says_how_writing_is_switched_on(open_page, axe_violations, screenshot):
    page = open_page("#/add", size=NARROW, scheme="dark")
    expect(page.locator("main .read-only")).to_contain_text("BELVEDERE_WRITABLE=1")
    for button in page.locator("main button").all():
        expect(button).to_be_disabled()
    page.dispatch_event("body", "drop", {"dataTransfer": data_transfer(page, jpeg_of(1))})
    expect(page.locator("#toast")).to_contain_text("does not accept changes")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    assert axe_violations(page) == []
    screenshot(page, "add-read-only-390-dark")


def test_a_key_without_permission_ends_the_addition(open_page, writable, tmp_path):
    path = tmp_path / "one.jpg"
    Image.new("RGB", (20, 20)).save(path)
    page = open_page("#/add", service=writable)
    refusal = {"status": 403, "json": {"detail": "This call requires a key of role `write`."}}
    page.route("**/images?new_class=true", lambda route: route.fulfill(**refusal))
    choose(page, "Choose images", path)
    page.get_by_role("button", name="Add 1 image").click()
    expect(page.get_by_role("alert")).to_contain_text("requires a key of role")
    page.unroute("**/images?new_class=true")
    page.get_by_role("button", name="Add the other 1").click()
    expect(page.get_by_role("heading", name="1 of 1 image added")).to_be_visible()
