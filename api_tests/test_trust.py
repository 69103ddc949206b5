import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embeddings.digests import file_digest
from embeddings.release.manifest import MANIFEST
from embeddings.release.reader import (
    CURRENT,
    ERROR_LIST,
    ERRORS,
    current_release,
    open_release,
    read_manifest,
)
from service.settings import ServiceSettings


@pytest.fixture
def home_without_heat_maps(copied_home: Path) -> Path:
    """Return a home whose release contains no heat maps."""
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


def test_prediction_sets_contain_the_classes_above_their_thresholds_in_order(api, records):
    per_class = api.get("/calibration").json()["sets"]["per_class"]
    thresholds = {each["label"]: each["threshold"] for each in per_class}
    for record in records[::7]:
        answer = api.get("/predict", params={"id": record["id"]}).json()
        probable = answer["probabilities"]
        expected = [label for label in probable if probable[label] >= thresholds[label]]
        assert answer["set"] == sorted(expected, key=lambda label: -probable[label])


def test_coverage_and_size_are_measured_on_the_validation_set(api, records):
    sets = api.get("/calibration").json()["sets"]
    validation = [record for record in records if record["split"] == "validation"]
    found = [
        api.get("/predict", params={"id": record["id"]}).json()["set"] for record in validation
    ]
    covered = [record["label"] in labels for record, labels in zip(validation, found, strict=True)]
    assert sets["coverage"] == pytest.approx(np.mean(covered), abs=1e-9)
    assert sets["mean_size"] == pytest.approx(np.mean([len(labels) for labels in found]))
    assert sets["empty"] == pytest.approx(np.mean([not labels for labels in found]))
    assert sum(each["support"] for each in sets["per_class"]) == len(validation)


def test_the_calibration_error_agrees_with_the_served_probabilities(api, features):
    report = api.get("/calibration").json()["calibration"]["after"]
    validation = [stored for stored in features.values() if stored["split"] == "validation"]
    confidence = np.array([max(stored["probabilities"].values()) for stored in validation])
    correct = np.array([stored["predicted"] == stored["label"] for stored in validation])
    error = 0.0
    for each in report["bins"]:
        in_bin = (confidence >= each["low"]) & ((confidence < each["high"]) | (each["high"] == 1))
        if in_bin.any():
            error += in_bin.mean() * abs(confidence[in_bin].mean() - correct[in_bin].mean())
    assert report["error"] == pytest.approx(error, abs=1e-3)


def test_typicality_is_the_share_of_validation_images_with_larger_distances(api, features):
    training = np.array(
        [each["embedding"] for each in features.values() if each["split"] == "train"]
    )
    validation = {name: each for name, each in features.items() if each["split"] == "validation"}

    def distance(stored) -> float:
        return float(np.sort(np.linalg.norm(training - stored["embedding"], axis=1))[9])

    distances = {name: distance(stored) for name, stored in validation.items()}
    for name in list(validation)[::5]:
        answer = api.get("/predict", params={"id": name}).json()
        farther = np.mean([each > distances[name] for each in distances.values()])
        assert answer["typicality"] == pytest.approx(farther, abs=1.01 / len(validation))


def test_an_uploaded_copy_has_the_typicality_of_the_stored_image(api, records):
    image = next(record for record in records if record["split"] == "validation")
    jpeg = api.get(f"/images/{image['id']}").content
    stored = api.get("/predict", params={"id": image["id"]}).json()
    uploaded = api.post("/predict", content=jpeg).json()
    assert uploaded["typicality"] == pytest.approx(stored["typicality"], abs=0.05)
    assert uploaded["set"] == stored["set"]


def test_every_error_has_a_heat_map_in_the_shape_of_the_image(api):
    errors = all_of(api, "/errors", "errors")
    assert errors
    for error in errors[:5]:
        answer = api.get(error["heatmap"])
        assert answer.headers["content-type"] == "image/jpeg"
        drawn = Image.open(io.BytesIO(answer.content))
        whole = Image.open(io.BytesIO(api.get(error["image"]).content))
        assert max(drawn.size) == 480 or drawn.size == whole.size
        assert drawn.width / drawn.height == pytest.approx(whole.width / whole.height, rel=0.02)


def test_heat_maps_differ_from_each_other(api):
    errors = all_of(api, "/errors", "errors")
    assert len({api.get(error["heatmap"]).content for error in errors}) == len(errors)


def test_only_errors_have_a_heat_map(api, features, sentence):
    correct = next(name for name, each in features.items() if each["predicted"] == each["label"])
    assert "GET /errors" in sentence(api.get(f"/errors/{correct}/heatmap"), 404)
    sentence(api.get("/errors/nowhere/heatmap"), 404)


def test_a_missing_heat_map_is_reported(serving, home_without_heat_maps, sentence):
    with serving(ServiceSettings(home=home_without_heat_maps)) as served:
        errors = all_of(served, "/errors", "errors")
        assert errors
        assert {error["heatmap"] for error in errors} == {None}
        refused = served.get(f"/errors/{errors[0]['id']}/heatmap")
        assert "no heat map" in sentence(refused, 404)


def test_errors_contain_their_nearest_training_images(api):
    for error in all_of(api, "/errors", "errors")[:5]:
        answer = api.get("/neighbors", params={"id": error["id"], "k": 3, "split": "train"})
        assert error["nearest"] == answer.json()["neighbors"]
        assert error["true_probability"] == pytest.approx(error["probabilities"][error["label"]])


def test_label_issues_are_sorted_by_label_probability(api, features):
    issues = all_of(api, "/labels/issues", "issues")
    chances = [issue["label_probability"] for issue in issues]
    assert chances == sorted(chances)
    for issue in issues:
        assert issue["label"] == features[issue["id"]]["label"]
        assert issue["suggested"] != issue["label"]
        assert issue["suggested_probability"] >= issue["label_probability"]
    assert api.get("/labels/issues", params={"limit": 1}).json()["issues"] == issues[:1]


def test_a_limit_of_zero_label_issues_is_rejected(api, sentence):
    sentence(api.get("/labels/issues", params={"limit": 0}), 422)


def test_simulated_reviews_are_those_of_the_release(api, home):
    release = open_release(current_release(home / "releases"))
    assert release.label_loop is not None
    answer = api.get("/labels/loop").json()
    assert answer["loop"] == release.label_loop.model_dump(mode="json")
    assert answer["release"] == release.manifest.fingerprint


def test_figures_on_corrupted_images_are_those_of_the_release(api, home):
    release = open_release(current_release(home / "releases"))
    assert release.robustness is not None
    answer = api.get("/robustness").json()
    assert answer["robustness"] == release.robustness.model_dump(mode="json")
    assert answer["release"] == release.manifest.fingerprint


def test_a_release_without_figures_on_corrupted_images_says_so(odd):
    answer = odd.get("/robustness")
    assert answer.status_code == 200
    assert answer.json().get("robustness") is None


def test_a_release_without_simulated_reviews_says_so(odd):
    answer = odd.get("/labels/loop")
    assert answer.status_code == 200
    assert answer.json().get("loop") is None
