def test_the_best_experiment_is_within_one_standard_error(api):
    answer = api.get("/experiments").json()
    done = {each["name"]: each for each in answer["experiments"] if each["status"] == "done"}
    best = done[answer["best"]]
    highest = max(each["tuning_accuracy"] for each in done.values())
    error = (highest * (1 - highest) / answer["tuning"]) ** 0.5
    assert best["tuning_accuracy"] >= highest - error
    assert api.get("/readyz").json()["network"] == answer["best"]
    for each in done.values():
        assert 0 <= each["accuracy"] <= 1
        assert 0 <= each["macro_f1"] <= 1
        assert each["parameters"] > 0
        assert each["train_seconds"] > 0


def test_a_skipped_experiment_has_a_reason(api):
    for each in api.get("/experiments").json()["experiments"]:
        assert (each["status"] == "skipped") == bool(each["reason"])


def test_counts_agree_with_the_store(api):
    answer = api.get("/experiments").json()
    for split in ("train", "validation"):
        assert answer[split] == api.get("/images", params={"split": split}).json()["total"]


def test_a_report_contains_summary_and_matrices(api):
    answer = api.get("/experiments").json()
    for line in answer["experiments"]:
        report = api.get(f"/experiments/{line['name']}").json()
        assert {name: report[name] for name in line} == line
        assert report["release"] == answer["release"]
        if line["status"] == "done":
            matrix = report["confusion"]
            right = sum(matrix[number][number] for number in range(len(matrix)))
            assert sum(map(sum, matrix)) == answer["validation"]
            assert (
                right / answer["validation"] == line["accuracy"] or line["name"] != answer["best"]
            )
            assert report["curves"]["loss"]


def test_the_error_for_an_unknown_experiment_names_the_known_ones(api, sentence):
    detail = sentence(api.get("/experiments/none"), 404)
    assert api.get("/experiments").json()["best"] in detail


def test_errors_are_exactly_the_misclassified_validation_images(api, features):
    answer = api.get("/errors", params={"limit": 10_000}).json()
    wrong = {
        identifier
        for identifier, stored in features.items()
        if stored["split"] == "validation" and stored["predicted"] != stored["label"]
    }
    assert {each["id"] for each in answer["errors"]} == wrong
    assert answer["total"] == len(answer["errors"]) == len(wrong)
    for each in answer["errors"]:
        assert each["probabilities"] == features[each["id"]]["probabilities"]
        assert each["predicted"] != each["label"]


def test_errors_come_worst_first(api):
    errors = api.get("/errors", params={"limit": 10_000}).json()["errors"]
    chances = [each["probabilities"][each["label"]] for each in errors]
    assert chances == sorted(chances)
    assert api.get("/errors", params={"limit": 2}).json()["errors"] == errors[:2]
    assert api.get("/errors").json()["errors"] == errors[:20]


def test_a_limit_of_zero_is_rejected(api, sentence):
    sentence(api.get("/errors", params={"limit": 0}), 422)
