import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embeddings.digests import file_digest
from embeddings.release.manifest import MANIFEST
from embeddings.release.reader import CURRENT, ERROR_LIST, ERRORS, read_manifest
from service.settings import ServiceSettings


@pytest.fixture
def home_without_heat_maps(copied_home: Path) -> Path:
    """What was published before there were any."""
    release = copied_home / "releases" / CURRENT
    errors = ERROR_LIST.validate_json((release / ERRORS).read_bytes())
    bare = tuple(each.model_copy(update={"heat": ()}) for each in errors)
    (release / ERRORS).write_bytes(ERROR_LIST.dump_json(bare))
    manifest = read_manifest(release)
    files = dict(manifest.files) | {ERRORS: file_digest(release / ERRORS)}
    sealed = manifest.model_copy(update={"files": files}).sealed()
    (release / MANIFEST).write_text(sealed.model_dump_json(indent=2))
    return copied_home


def all_of(api, path, name):
    answer = api.get(path, params={"limit": 10_000}).json()
    assert answer["total"] == len(answer[name])
    return answer[name]


def test_sets_hold_every_class_above_the_threshold_the_most_probable_first(api, records):
    threshold = api.get("/calibration").json()["sets"]["threshold"]
    for record in records[::7]:
        answer = api.get("/predict", params={"id": record["id"]}).json()
        probable = answer["probabilities"]
        expected = [label for label in probable if probable[label] >= threshold]
        assert answer["set"] == sorted(expected, key=lambda label: -probable[label])


def test_coverage_and_size_are_those_of_the_validation_photographs(api, records):
    sets = api.get("/calibration").json()["sets"]
    aside = [record for record in records if record["split"] == "validation"]
    found = [api.get("/predict", params={"id": record["id"]}).json()["set"] for record in aside]
    held = [record["label"] in labels for record, labels in zip(aside, found, strict=True)]
    assert sets["coverage"] == pytest.approx(np.mean(held), abs=1e-9)
    assert sets["mean_size"] == pytest.approx(np.mean([len(labels) for labels in found]))
    assert sets["empty"] == pytest.approx(np.mean([not labels for labels in found]))
    assert sum(each["support"] for each in sets["per_class"]) == len(aside)


def test_the_calibration_error_is_that_of_the_served_probabilities(api, features):
    report = api.get("/calibration").json()["calibration"]["after"]
    aside = [stored for stored in features.values() if stored["split"] == "validation"]
    sure = np.array([max(stored["probabilities"].values()) for stored in aside])
    right = np.array([stored["predicted"] == stored["label"] for stored in aside])
    error = 0.0
    for each in report["bins"]:
        here = (sure >= each["low"]) & ((sure < each["high"]) | (each["high"] == 1))
        if here.any():
            error += here.mean() * abs(sure[here].mean() - right[here].mean())
    assert report["error"] == pytest.approx(error, abs=1e-3)


def test_typicality_is_the_share_of_validation_photographs_farther_from_the_training_set(
    api, features
):
    learned = np.array(
        [each["embedding"] for each in features.values() if each["split"] == "train"]
    )
    aside = {name: each for name, each in features.items() if each["split"] == "validation"}

    def distance(stored) -> float:
        return float(np.sort(np.linalg.norm(learned - stored["embedding"], axis=1))[9])

    distances = {name: distance(stored) for name, stored in aside.items()}
    for name in list(aside)[::5]:
        answer = api.get("/predict", params={"id": name}).json()
        farther = np.mean([each > distances[name] for each in distances.values()])
        assert answer["typicality"] == pytest.approx(farther, abs=1.01 / len(aside))


def test_an_upload_is_as_typical_as_the_same_photograph_stored(api, records):
    aside = next(record for record in records if record["split"] == "validation")
    jpeg = api.get(f"/images/{aside['id']}").content
    stored = api.get("/predict", params={"id": aside["id"]}).json()
    uploaded = api.post("/predict", content=jpeg).json()
    assert uploaded["typicality"] == pytest.approx(stored["typicality"], abs=0.05)
    assert uploaded["set"] == stored["set"]


def test_every_error_has_a_heat_map_in_the_shape_of_the_photograph(api):
    errors = all_of(api, "/errors", "errors")
    assert errors
    for error in errors[:5]:
        answer = api.get(error["heatmap"])
        assert answer.headers["content-type"] == "image/jpeg"
        drawn = Image.open(io.BytesIO(answer.content))
        whole = Image.open(io.BytesIO(api.get(error["image"]).content))
        assert max(drawn.size) == 480 or drawn.size == whole.size
        assert drawn.width / drawn.height == pytest.approx(whole.width / whole.height, rel=0.02)


def test_heat_maps_differ_from_their_photographs_and_from_each_other(api):
    errors = all_of(api, "/errors", "errors")
    assert len({api.get(error["heatmap"]).content for error in errors}) == len(errors)


def test_there_is_no_heat_map_of_what_is_no_error(api, features, sentence):
    right = next(name for name, each in features.items() if each["predicted"] == each["label"])
    assert "GET /errors" in sentence(api.get(f"/errors/{right}/heatmap"), 404)
    sentence(api.get("/errors/nowhere/heatmap"), 404)


def test_errors_without_a_heat_map_say_so(serving, home_without_heat_maps, sentence):
    with serving(ServiceSettings(home=home_without_heat_maps)) as served:
        errors = all_of(served, "/errors", "errors")
        assert errors
        assert {error["heatmap"] for error in errors} == {None}
        refused = served.get(f"/errors/{errors[0]['id']}/heatmap")
        assert "no heat map" in sentence(refused, 404)


def test_errors_come_with_their_nearest_training_photographs(api):
    for error in all_of(api, "/errors", "errors")[:5]:
        answer = api.get("/neighbors", params={"id": error["id"], "k": 3, "split": "train"})
        assert error["nearest"] == answer.json()["neighbors"]
        assert error["true_probability"] == pytest.approx(error["probabilities"][error["label"]])


def test_likely_label_errors_come_least_believable_first(api, features):
    issues = all_of(api, "/labels/issues", "issues")
    chances = [issue["label_probability"] for issue in issues]
    assert chances == sorted(chances)
    for issue in issues:
        assert issue["label"] == features[issue["id"]]["label"]
        assert issue["suggested"] != issue["label"]
        assert issue["suggested_probability"] >= issue["label_probability"]
    assert api.get("/labels/issues", params={"limit": 1}).json()["issues"] == issues[:1]


def test_no_label_issues_cannot_be_asked_for(api, sentence):
    sentence(api.get("/labels/issues", params={"limit": 0}), 422)
