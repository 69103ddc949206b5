import pytest


def test_features_are_those_of_the_release(api, home, records, features):
    from embeddings.release.reader import current_release, open_release

    release = open_release(current_release(home / "releases"))
    for record in records:
        stored = features[record["id"]]
        row = release.rows[record["id"]]
        assert stored["embedding"] == release.embeddings[row].tolist()
        assert list(stored["probabilities"].values()) == release.probabilities[row].tolist()
        assert stored["label"] == record["label"]
        assert stored["split"] == record["split"]
        assert stored["predicted"] == max(stored["probabilities"], key=stored["probabilities"].get)


@pytest.mark.parametrize("call", ["/features", "/predict", "/neighbors"])
def test_unknown_and_missing_ids_have_different_statuses(api, sentence, call):
    assert "forest/none" in sentence(api.get(call, params={"id": "forest/none"}), 404)
    assert "`id`" in sentence(api.get(call), 400)
    sentence(api.get(call, params={"id": ""}), 404)
