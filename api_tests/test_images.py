import io
from collections import Counter

import pytest
from PIL import Image


def test_pages_contain_every_image_once(api, records):
    found = []
    for offset in range(0, len(records) + 17, 17):
        page = api.get("/images", params={"limit": 17, "offset": offset}).json()
        assert page["total"] == len(records)
        found += [record["id"] for record in page["images"]]
    assert Counter(found) == Counter(record["id"] for record in records)
    assert len(set(found)) == len(records) == api.get("/readyz").json()["photographs"]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_filters_select_matching_images(api, records, split):
    fitting = [each["id"] for each in records if (each["label"], each["split"]) == ("lake", split)]
    params = {"label": "lake", "split": split, "limit": 10_000}
    page = api.get("/images", params=params).json()
    assert [record["id"] for record in page["images"]] == fitting
    assert page["total"] == len(fitting)


def test_images_can_be_requested_by_id(api, records):
    wanted = records[3:7:2]
    page = api.get("/images", params={"id": [each["id"] for each in reversed(wanted)]}).json()
    assert page["images"] == wanted
    assert page["total"] == 2
    other = {"id": records[3]["id"], "split": "validation", "label": records[3]["label"]}
    fits = records[3]["split"] == "validation"
    assert api.get("/images", params=other).json()["total"] == int(fits)


def test_all_requested_ids_are_returned_without_a_limit(api, records):
    ids = [each["id"] for each in records[:51]]
    page = api.get("/images", params={"id": ids}).json()
    assert [each["id"] for each in page["images"]] == ids
    page = api.get("/images", params={"id": ids, "limit": 2, "offset": 50}).json()
    assert [each["id"] for each in page["images"]] == ids[50:]
    assert page["total"] == 51
    assert len(api.get("/images").json()["images"]) == 50


def test_an_unknown_id_is_named(api, records, sentence):
    answer = api.get("/images", params={"id": [records[0]["id"], "nowhere"]})
    assert "'nowhere'" in sentence(answer, 404)


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 10_001}, {"offset": -1}])
def test_parameters_of_pages_out_of_range_are_rejected(api, sentence, params):
    sentence(api.get("/images", params=params), 422)


def test_a_page_after_the_last_is_empty(api):
    assert api.get("/images", params={"offset": 10**20}).json()["images"] == []


def test_random_images_differ_and_match_the_filters(api, records):
    params = {"label": "city", "split": "train"}
    found = [api.get("/images/random", params=params).json() for _ in range(30)]
    assert {(each["label"], each["split"]) for each in found} == {("city", "train")}
    assert len({each["id"] for each in found}) > 1
    known = {record["id"]: record for record in records}
    for each in found:
        assert each.pop("release")
        assert each.pop("revision")
        assert each == known[each["id"]]


def test_files_are_jpegs_of_the_stored_size(api, records):
    for record in records[::15]:
        answer = api.get(f"/images/{record['id']}")
        assert answer.headers["content-type"] == "image/jpeg"
        image = Image.open(io.BytesIO(answer.content))
        assert image.format == "JPEG"
        assert image.size == (record["width"], record["height"])


def test_thumbnails_are_small_and_keep_proportions(odd):
    answer = odd.get("/images/forest/plain/thumbnail")
    assert answer.headers["content-type"] == "image/jpeg"
    image = Image.open(io.BytesIO(answer.content))
    assert image.format == "JPEG"
    assert image.size == (160, 120)


@pytest.mark.parametrize("suffix", ["", "/thumbnail"])
def test_a_current_copy_is_not_sent_again(api, records, suffix):
    path = f"/images/{records[0]['id']}{suffix}"
    first = api.get(path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = api.get(path, headers={"If-None-Match": known})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == tag
    assert api.get(path, headers={"If-None-Match": '"other"'}).content == first.content


def test_images_and_thumbnails_have_different_entity_tags(api, records):
    paths = [f"/images/{record['id']}{end}" for record in records for end in ("", "/thumbnail")]
    tags = {api.get(path).headers["etag"] for path in paths}
    assert len(tags) == len(paths)
