"""`/queue` and `/duplicates`: order, reasons and memory of decisions."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image, ImageFilter

from service.client import Client
from service.settings import ServiceSettings


def queue_of(api, **parameters):
    answer = api.get("/queue", params={"limit": 1000, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_images_with_the_highest_scores_come_first_and_name_their_reasons(api, records):
    queue = queue_of(api)
    assert queue["goal"] == "review"
    assert 0 < queue["total"] == len(queue["items"]) < len(records)
    scores = [item["score"] for item in queue["items"]]
    assert scores == sorted(scores, reverse=True)
    for item in queue["items"]:
        assert item["reasons"]
        assert item["suggested"] != item["label"]
        assert len(item["neighbors"]) == 3


def test_images_with_wrong_labels_are_the_first(api):
    # `tests.tiny_release` shows another class under these labels.
    issues = api.get("/labels/issues").json()["issues"]
    first = queue_of(api, limit=10)["items"]
    assert {issues[0]["id"], issues[1]["id"]} <= {item["id"] for item in first}
    doubted = {item["id"]: item for item in queue_of(api)["items"]}
    for issue in issues:
        reasons = {each["kind"]: each["value"] for each in doubted[issue["id"]]["reasons"]}
        assert reasons["label_error"] == pytest.approx(issue["label_probability"])


def test_reasons_are_the_numbers_of_other_answers(api, records):
    sets = api.get("/calibration").json()["sets"]
    for item in queue_of(api)["items"][::5]:
        prediction = api.get("/predict", params={"id": item["id"]}).json()
        near = api.get("/neighbors", params={"id": item["id"]}).json()["neighbors"]
        other = [each for each in near if each["label"] != item["label"]]
        reasons = {each["kind"]: each["value"] for each in item["reasons"]}
        probabilities = prediction["probabilities"]
        assert item["neighbors"] == near
        assert item["set"] == prediction["set"]
        disagrees = prediction["label"] != item["label"]
        assert ("disagreement" in reasons) == disagrees
        if disagrees:
            assert reasons["disagreement"] == pytest.approx(probabilities[item["label"]])
        assert ("neighbors" in reasons) == (len(other) >= 2)
        size = sum(each["threshold"] <= probabilities[each["label"]] for each in sets["per_class"])
        assert reasons.get("uncertain", 1) == size


def test_only_validation_images_say_what_a_correction_does_to_the_figures(api, records):
    validation = sum(record["split"] == "validation" for record in records)
    for item in queue_of(api)["items"]:
        assert (item["affects"] is None) == (item["split"] != "validation")
        if item["affects"]:
            effect = item["affects"]
            assert effect["validation"] == validation
            assert effect["counted"]
            assert effect["correct"] == (item["predicted"] == item["label"])
            if item["suggested"]:
                assert effect["correct_after"] == (item["predicted"] == item["suggested"])


def test_filters_and_pages_divide_the_queue(api):
    whole = queue_of(api)["items"]
    parts = [queue_of(api, split=split)["items"] for split in ("train", "validation", "pool")]
    assert sorted(item["id"] for part in parts for item in part) == sorted(
        item["id"] for item in whole
    )
    page = queue_of(api, limit=3, offset=2)
    assert [item["id"] for item in page["items"]] == [item["id"] for item in whole[2:5]]
    assert page["total"] == len(whole)
    with Client(str(api.base_url)) as client:
        found = client.queue(limit=3, offset=2)
        assert [item.id for item in found.items] == [item["id"] for item in page["items"]]
        groups = api.get("/duplicates").json()["groups"]
        assert [each.key for each in client.duplicates().groups] == [each["key"] for each in groups]


def asked(api):
    return {item["id"] for item in queue_of(api)["items"]}


def changed(api, path, **body):
    answer = api.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("kept", [True, False])
def test_a_decided_image_is_asked_again_only_if_the_decision_is_taken_back(
    serving, writable_home, kept
):
    with serving(ServiceSettings(home=writable_home, writable=True)) as api:
        before = queue_of(api)
        first = before["items"][0]
        change = {"reviewed": True} if kept else {"label": first["suggested"]}
        done = changed(
            api, "/changes", ids=[first["id"]], if_match={first["id"]: first["etag"]}, **change
        )
        after = queue_of(api)
        assert first["id"] not in {item["id"] for item in after["items"]}
        assert after["decided"] == before["decided"] + 1
        changed(api, "/undo", decisions=done["decisions"])
        again = {item["id"]: item for item in queue_of(api)["items"]}
        assert again[first["id"]]["label"] == first["label"]
        assert asked(api) == {item["id"] for item in before["items"]}


def test_likely_label_errors_that_a_person_decided_are_left_out(serving, writable_home):
    with serving(ServiceSettings(home=writable_home, writable=True)) as api:
        before = api.get("/labels/issues").json()
        name = before["issues"][0]["id"]
        done = changed(api, "/changes", ids=[name], reviewed=True)
        after = api.get("/labels/issues").json()
        assert name not in {each["id"] for each in after["issues"]}
        assert (after["total"], after["decided"]) == (before["total"] - 1, before["decided"] + 1)
        changed(api, "/undo", decisions=done["decisions"])
        assert api.get("/labels/issues").json()["issues"] == before["issues"]


def test_reviewed_images_are_a_filter_and_are_counted(serving, writable_home):
    with (
        serving(ServiceSettings(home=writable_home, writable=True)) as api,
        Client(str(api.base_url)) as client,
    ):
        name, other = client.ids(label="road").ids[:2]
        known, total = client.ids(reviewed=True), client.ids().total
        client.edit(name, reviewed=True)
        client.relabel(other, "city")
        assert {*client.ids(reviewed=True).ids} == {*known.ids, name, other}
        assert client.ids(reviewed=False).total == total - known.total - 2
        counts = client.facets(label="road").reviewed
        assert counts.yes == client.ids(label="road", reviewed=True).total
        assert counts.no == client.ids(label="road", reviewed=False).total
        assert client.queue(limit=1000).decided >= 1
        (found,) = client.images(name).images
        assert found.reviewed is not None


def test_another_file_is_asked_about_again(serving, writable_home):
    with serving(ServiceSettings(home=writable_home, writable=True)) as api:
        first = queue_of(api)["items"][0]
        changed(api, "/changes", ids=[first["id"]], reviewed=True)
        decided = queue_of(api)["decided"]
        file = scene(99, (320, 240))
        assert api.put(f"/images/{first['id']}", content=file).json()["outcome"] == "replaced"
        assert queue_of(api)["decided"] == decided - 1


def scene(number: int, size: tuple[int, int], blurred: float = 0) -> bytes:
    blocks = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(blurred)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def put(api, identifier: str, content: bytes) -> None:
    answer = api.put(f"/images/{identifier}", params={"label": "lake"}, content=content)
    assert answer.json()["outcome"] == "added", answer.text


def groups_of(api):
    return [
        {image["id"] for image in group["images"]}
        for group in api.get("/duplicates", params={"limit": 100}).json()["groups"]
    ]


@pytest.fixture(scope="module")
def with_duplicates(home, tmp_path_factory, serving):
    folder = shutil.copytree(home, tmp_path_factory.mktemp("duplicates") / "home", symlinks=True)
    with serving(ServiceSettings(home=folder, writable=True)) as api:
        before = groups_of(api)
        put(api, "mine/small", scene(1, (320, 240)))
        put(api, "mine/large-blurred", scene(1, (640, 480), blurred=6))
        put(api, "mine/large", scene(1, (640, 480)))
        put(api, "mine/other", scene(2, (640, 480)))
        yield api, before


def test_images_of_one_scene_are_a_group_whose_best_is_large_and_sharp(with_duplicates):
    api, before = with_duplicates
    expected = {"mine/small", "mine/large", "mine/large-blurred"}
    assert [each for each in groups_of(api) if each not in before] == [expected]
    groups = api.get("/duplicates").json()["groups"]
    (group,) = [each for each in groups if each["best"].startswith("mine/")]
    assert group["best"] == group["images"][0]["id"] == "mine/large"
    assert group["thumbnails"]
    sharpness = {each["id"]: each["sharpness"] for each in group["images"]}
    assert sharpness["mine/large-blurred"] < sharpness["mine/large"]
    sizes = {each["id"]: each["width"] for each in group["images"]}
    assert sizes["mine/small"] == 320


def test_groups_with_validation_images_suggest_one_of_them_and_its_weight(api, records):
    groups = api.get("/duplicates", params={"limit": 100}).json()["groups"]
    validation = sum(record["split"] == "validation" for record in records)
    assert {group["joins"] for group in groups} == {True, False}
    for group in groups:
        splits = {image["split"] for image in group["images"]}
        assert group["splits"] == sorted(splits)
        assert group["joins"] == (splits >= {"train", "validation"})
        if "validation" in splits:
            assert group["images"][0]["split"] == "validation"
        for image in group["images"]:
            assert (image["affects"] is None) == (image["split"] != "validation")
            if image["affects"]:
                assert image["affects"]["validation"] == validation
                assert image["affects"]["correct_after"] is None


def test_images_found_to_be_different_are_not_offered_again(with_duplicates):
    api, before = with_duplicates
    pair, third = ["mine/small", "mine/large"], "mine/large-blurred"
    changed(api, "/distinct", ids=pair)
    # Each of them is still a duplicate of the third.
    assert {*pair, third} in groups_of(api)
    done = changed(api, "/distinct", ids=[*pair, third])
    assert groups_of(api) == before
    changed(api, "/undo", decisions=done["decisions"])
    assert {*pair, third} in groups_of(api)


def test_a_deleted_image_is_in_no_group(with_duplicates):
    api, _ = with_duplicates
    put(api, "mine/other-small", scene(2, (320, 240)))
    assert {"mine/other", "mine/other-small"} in groups_of(api)
    assert api.delete("/images", params={"id": "mine/other-small"}).status_code == 204
    assert not any("mine/other" in group for group in groups_of(api))


def test_images_without_a_label_are_offered_for_labelling(with_duplicates):
    api, _ = with_duplicates
    assert queue_of(api, goal="label")["items"] == []
    for number in range(3, 8):
        content = scene(number, (320, 240))
        assert api.put(f"/images/new/{number}", content=content).json()["outcome"] == "added"
    queue = queue_of(api, goal="label")
    assert {item["id"] for item in queue["items"]} == {f"new/{number}" for number in range(3, 8)}
    for item in queue["items"]:
        prediction = api.get("/predict", params={"id": item["id"]}).json()
        assert item["label"] is None
        assert item["suggested"] == prediction["label"]
        assert [each["kind"] for each in item["reasons"]] == ["entropy", "density"]
    first = queue["items"][0]
    answer = api.patch("/images", params={"id": first["id"]}, json={"label": first["suggested"]})
    assert answer.status_code == 200
    left = {item["id"] for item in queue_of(api, goal="label")["items"]}
    assert left == {item["id"] for item in queue["items"]} - {first["id"]}
