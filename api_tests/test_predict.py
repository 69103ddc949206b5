import concurrent.futures

import httpx
import pytest


def test_predictions_of_stored_images_come_from_the_store(api, features):
    for identifier, stored in list(features.items())[::9]:
        answer = api.get("/predict", params={"id": identifier}).json()
        assert answer["probabilities"] == stored["probabilities"]
        assert answer["label"] == stored["predicted"]
        assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_an_uploaded_copy_has_the_prediction_of_the_stored_image(api, records):
    for record in records[::20]:
        stored = api.get("/predict", params={"id": record["id"]}).json()
        jpeg = api.get(f"/images/{record['id']}").content
        uploaded = api.post("/predict", content=jpeg).json()
        assert uploaded["label"] == stored["label"]
        assert uploaded["probabilities"] == pytest.approx(stored["probabilities"], abs=1e-5)


@pytest.mark.parametrize(
    "kind", ["image/jpeg", "application/octet-stream", "application/x-www-form-urlencoded", ""]
)
def test_form_and_body_have_the_same_prediction(api, a_jpeg, kind):
    form = api.post("/predict", files={"file": ("a.jpg", a_jpeg, "image/jpeg")})
    body = api.post("/predict", content=a_jpeg, headers={"Content-Type": kind})
    assert form.status_code == body.status_code == 200
    assert form.json() == body.json()


def test_responses_name_the_release_and_all_classes(api):
    ready = api.get("/readyz").json()
    identifier = api.get("/images/random").json()["id"]
    answer = api.get("/predict", params={"id": identifier}).json()
    assert answer["release"] == ready["release"]
    assert list(answer["probabilities"]) == ready["classes"]


def test_concurrent_uploads_get_their_own_responses(api, records, features):
    chosen = [record["id"] for record in records[::10]]
    jpegs = [api.get(f"/images/{identifier}").content for identifier in chosen]
    with (
        httpx.Client(base_url=api.base_url, timeout=60, trust_env=False) as client,
        concurrent.futures.ThreadPoolExecutor(8) as pool,
    ):
        answers = list(pool.map(lambda data: client.post("/predict", content=data), jpegs * 3))
    for identifier, answer in zip(chosen * 3, answers, strict=True):
        expected = features[identifier]["probabilities"]
        assert answer.json()["probabilities"] == pytest.approx(expected, abs=1e-5)
