"""`/queue` and `/duplicates`: order, reasons and memory of decisions."""

import pytest

from embeddings.store.labels import LabelJournal
from embeddings.store.records import Decision
from embeddings.store.store import Store
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
        size = sum(each >= sets["threshold"] for each in probabilities.values())
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
        assert client.duplicates().groups == ()


def test_a_relabelled_image_is_not_asked_again(serving, writable_home):
    with serving(ServiceSettings(home=writable_home, writable=True)) as api:
        before = queue_of(api)
        first = before["items"][0]
        answer = api.patch(
            "/images", params={"id": first["id"]}, json={"label": first["suggested"]}
        )
        assert answer.status_code == 200
        after = queue_of(api)
        assert first["id"] not in {item["id"] for item in after["items"]}
        assert after["decided"] == before["decided"] + 1


def test_a_kept_label_is_not_asked_again(serving, writable_home):
    with serving(ServiceSettings(home=writable_home)) as api:
        first = queue_of(api)["items"][0]
        store = Store(str(writable_home / "store"))
        keep = Decision(first["id"], first["label"], first["label"], "ada", "reviewed")
        LabelJournal(store.uri).append([keep], store.now(), store.at().revision)
        assert first["id"] not in {item["id"] for item in queue_of(api)["items"]}
