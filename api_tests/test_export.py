"""Exported files against the other answers of the same service."""

import asyncio
import csv
import io
import json
import shutil
import zipfile
from contextlib import ExitStack
from datetime import datetime
from http.server import BaseHTTPRequestHandler

import pyarrow.parquet as pq
import pytest
from PIL import Image
from pydantic import JsonValue

from api_tests.conftest import LOCATION, answering, served
from api_tests.pictures import jpeg_of
from embeddings.export import parquet
from service.api.routes import export
from service.client import AsyncClient, Client, UnknownImage
from service.schemas import REVISION_HEADER
from service.settings import ServiceSettings
from tests.tiny_release import DELETED, LABELS, NEW, RELABELLED, REPLACED, UNLABELLED


def exported(client, **parameters):
    answer = client.get("/export", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer


def rows_of(answer):
    table = pq.read_table(io.BytesIO(answer.content))
    return {row["id"]: row for row in table.to_pylist()}


def listed(client, **parameters):
    return client.get("/images", params={"limit": 1000, **parameters}).json()["images"]


def test_records_and_features_are_those_of_the_other_calls(grown):
    answer = exported(grown)
    rows = rows_of(answer)
    images = listed(grown)
    assert list(rows) == [each["id"] for each in images]
    assert NEW in rows
    points = grown.get("/tsne", params={"n": 1000}).json()["points"]
    places = {each["id"]: (each["x"], each["y"]) for each in points}
    classes = json.loads(pq.read_schema(io.BytesIO(answer.content)).metadata[b"belvedere"])
    for image in images:
        row = rows[image["id"]]
        for name in ("label", "split", "learned", "width", "height"):
            assert row[name] == image[name], name
        assert (row["x"], row["y"]) == places[image["id"]]
    for identifier in (NEW, REPLACED, RELABELLED, UNLABELLED, images[9]["id"]):
        row = rows[identifier]
        features = grown.get("/features", params={"id": identifier}).json()
        assert row["embedding"] == list(features["embedding"])
        chances = dict(zip(classes["classes"], row["probabilities"], strict=True))
        assert chances == features["probabilities"]
        assert row["predicted"] == features["predicted"]
        assert row["probability"] == max(chances.values())
        prediction = grown.get("/predict", params={"id": identifier}).json()
        assert row["typicality"] == prediction["typicality"]


def test_images_that_came_after_the_release_are_exported(serving, copied_home):
    with (
        serving(ServiceSettings(home=copied_home, writable=True)) as service,
        Client(str(service.base_url)) as client,
    ):
        client.add("lake/later", jpeg_of(5), "lake")
        client.add("city/city_0003", jpeg_of(6), "city")
        client.relabel("road/road_0004", "ocean")
        client.delete("forest/forest_0005")
        rows = rows_of(exported(service))
        assert list(rows) == [each["id"] for each in listed(service)]
        assert rows["road/road_0004"]["label"] == "ocean"
        for identifier in ("lake/later", "city/city_0003", "road/road_0004"):
            row = rows[identifier]
            features = service.get("/features", params={"id": identifier}).json()
            assert row["embedding"] == list(features["embedding"])
            assert row["probabilities"] == [*features["probabilities"].values()]
            prediction = service.get("/predict", params={"id": identifier}).json()
            assert row["typicality"] == prediction["typicality"]
            assert row["learned"] == (identifier == "road/road_0004")


def test_times_are_those_of_the_history(grown):
    rows = rows_of(exported(grown))
    for identifier in (NEW, RELABELLED):
        history = grown.get("/history", params={"id": identifier}).json()
        assert rows[identifier]["added"] == datetime.fromisoformat(history["added"])
        assert rows[identifier]["event_timestamp"] == datetime.fromisoformat(history["changed"])


def test_the_answer_names_its_state(grown):
    answer, ready = exported(grown), grown.get("/readyz").json()
    assert answer.headers["belvedere-release"] == ready["release"]
    assert answer.headers["belvedere-revision"] == str(ready["revision"])
    assert answer.headers["content-disposition"].endswith('.parquet"')
    state = json.loads(pq.read_schema(io.BytesIO(answer.content)).metadata[b"belvedere"])
    assert (state["release"], state["revision"]) == (ready["release"], ready["revision"])


def test_filters_select_the_images(grown):
    for filters in (
        {"label": "lake"},
        {"split": "pool"},
        {"wrong": "true"},
        {"label": ["lake", "ocean"], "split": "train"},
    ):
        rows = rows_of(exported(grown, **filters))
        assert list(rows) == [each["id"] for each in listed(grown, **filters)]
        assert rows


def test_a_dataset_version_has_its_records_and_files(grown, api):
    answer = exported(grown, at="first")
    rows = rows_of(answer)
    assert list(rows) == [each["id"] for each in listed(grown, at="first")]
    assert NEW not in rows
    assert rows[RELABELLED]["label"] == "lake"
    for identifier in (DELETED, REPLACED):
        features = grown.get("/features", params={"id": identifier, "at": "first"}).json()
        assert rows[identifier]["embedding"] == list(features["embedding"])
        jpeg = api.get(f"/images/{identifier}").content
        point = grown.post("/tsne", content=jpeg).json()["point"]
        assert (rows[identifier]["x"], rows[identifier]["y"]) == pytest.approx(
            (point["x"], point["y"]), abs=1e-3
        )
        typicality = grown.post("/predict", content=jpeg).json()["typicality"]
        assert rows[identifier]["typicality"] == pytest.approx(typicality)
    assert answer.headers["belvedere-revision"] == "2"
    filtered = rows_of(exported(grown, at="first", label="lake", split="train"))
    assert list(filtered) == [
        each["id"] for each in listed(grown, at="first", label="lake", split="train")
    ]


def test_files_that_were_never_encoded_have_no_features(serving, grown_home, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(grown_home, home, symlinks=True)
    shutil.rmtree(home / "store" / "features")
    with serving(ServiceSettings(home=home)) as service:
        rows = rows_of(exported(service, at="first"))
        now = rows_of(exported(service))
    row = rows[REPLACED]
    for name in ("embedding", "probabilities", "predicted", "typicality", "x", "y"):
        assert row[name] is None
        assert rows[RELABELLED][name] is not None
        assert now[REPLACED][name] is not None
    assert row["label"] == "field"


def test_a_file_of_many_row_groups_has_all_images(grown, monkeypatch):
    whole = rows_of(exported(grown))
    monkeypatch.setattr(parquet, "_ROWS", 7)
    answer = exported(grown)
    assert pq.ParquetFile(io.BytesIO(answer.content)).num_row_groups == -(-len(whole) // 7)
    assert rows_of(answer) == whole


def test_thumbnails_are_contained_on_demand(grown):
    assert "thumbnail" not in next(iter(rows_of(exported(grown)).values()))
    rows = rows_of(exported(grown, thumbnails=True, label="lake"))
    for identifier, row in rows.items():
        jpeg = row["thumbnail"]["bytes"]
        assert jpeg == grown.get(f"/images/{identifier}/thumbnail").content
        assert max(Image.open(io.BytesIO(jpeg)).size) <= 160


def test_an_export_without_images_is_an_empty_table(grown):
    table = pq.read_table(io.BytesIO(exported(grown, label="lake", split="pool").content))
    assert len(table) == 0
    assert "embedding" in table.column_names


def test_a_csv_table_has_the_same_values(grown):
    whole = rows_of(exported(grown))
    answer = exported(grown, format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [each["id"] for each in lines] == list(whole)
    for line in lines:
        row = whole[line["id"]]
        assert line["label"] == (row["label"] or "")
        assert line["learned"] == str(row["learned"]).lower()
        assert line["event_timestamp"] == row["event_timestamp"].isoformat()
        assert float(line["x"]) == row["x"]
        chances = [float(line[f"probability_{label}"]) for label in LABELS]
        assert chances == row["probabilities"]
        assert "embedding" not in line


def test_no_text_of_a_csv_table_is_a_formula(serving, copied_home):
    formulas = ('=HYPERLINK("192.0.2.1")', "+1", "-1", "@SUM(A1)")
    with (
        serving(ServiceSettings(home=copied_home, writable=True)) as service,
        Client(str(service.base_url)) as client,
    ):
        for number, formula in enumerate(formulas):
            facts = {"camera": formula}
            client.relabel(f"lake/lake_000{number}", formula, attributes=facts, new_class=True)
        text = exported(service, format="csv").content.decode()
        files = zip_of(exported(service, format="folder"))
    lines = [
        *csv.reader(io.StringIO(text)),
        *csv.reader(io.StringIO(files["licences.csv"].decode())),
    ]
    cells = [cell for line in lines for cell in line]
    assert {f"'{each}" for each in formulas} <= set(cells)
    for cell in cells:
        assert not cell.startswith(("=", "+", "@", "\t", "\r"))
        assert cell[:1] != "-" or float(cell) < 0


def zip_of(answer):
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_folder_has_the_files_by_class_and_their_licences(grown):
    files = zip_of(exported(grown, format="folder"))
    licences = list(csv.DictReader(io.StringIO(files.pop("licences.csv").decode())))
    assert [each["file"] for each in licences] == list(files)
    images = {each["id"]: each for each in listed(grown)}
    assert [each["id"] for each in licences] == list(images)
    for line in licences:
        label = images[line["id"]]["label"]
        assert label is None or line["file"].startswith(f"{label}/")
        assert files[line["file"]] == grown.get(f"/images/{line['id']}").content
    names = {each["id"]: each["file"] for each in licences}
    assert names["lake/lake_0000"] == "lake/lake_0000.jpg"
    assert names[RELABELLED] == f"ocean/{RELABELLED}.jpg"
    assert names[UNLABELLED] == "unsorted_new.jpg"


def test_a_folder_of_odd_ids_is_safe_to_unpack(odd):
    files = zip_of(exported(odd, format="folder"))
    licences = list(csv.DictReader(io.StringIO(files["licences.csv"].decode())))
    assert {each["id"] for each in licences} == {each["id"] for each in listed(odd)}
    assert len({each["file"].casefold() for each in licences}) == len(licences)
    for line in licences:
        assert not {"", ".", ".."} & {*line["file"].split("/")}
        assert not set('<>:"\\|?*') & set(line["file"])
        assert line["photographer"] == "A. Photographer"
        assert line["licence"] == "CC BY 2.0"
        assert LOCATION not in files[line["file"]]


@pytest.mark.parametrize("at", [None, "first"])
def test_chosen_images_are_exported_once_in_the_order_of_ids(grown, at):
    ids = ["road/road_0001", "lake/lake_0003", "road/road_0001", "city/city_0005"]
    body = {"ids": ids, "format": "parquet"} | ({"at": at} if at else {})
    answer = grown.post("/export", json=body)
    assert answer.status_code == 200, answer.text
    chosen = rows_of(answer)
    assert list(chosen) == sorted(set(ids))
    whole = rows_of(exported(grown, **({"at": at} if at else {})))
    assert chosen == {each: whole[each] for each in chosen}


def test_wrong_bodies_are_problems(grown, sentence):
    for body, status, text in (
        ({"ids": []}, 422, "ids"),
        ({"ids": ["lake/none"]}, 404, "lake/none"),
        ({"ids": [NEW], "at": "first"}, 404, NEW),
        ({"ids": [NEW], "format": "csv", "thumbnails": True}, 422, "no thumbnails"),
        ({"ids": [NEW], "colour": "red"}, 422, "colour"),
    ):
        assert text in sentence(grown.post("/export", json=body), status)


def test_a_selection_is_exported_also_at_a_dataset_version(serving, grown_home, tmp_path, sentence):
    home = tmp_path / "home"
    shutil.copytree(grown_home, home, symlinks=True)
    with (
        serving(ServiceSettings(home=home, writable=True)) as service,
        Client(str(service.base_url)) as client,
    ):
        client.save_selection("few", ids=[NEW, RELABELLED, "lake/lake_0004"])
        client.save_selection("lakes", label="lake", split="train")
        client.save_selection("wrong", wrong=True)
        few = rows_of(exported(service, selection="few"))
        assert set(few) == {NEW, RELABELLED, "lake/lake_0004"}
        assert set(rows_of(exported(service, selection="few", label="ocean"))) == {RELABELLED}
        assert set(rows_of(exported(service, selection="few", at="first"))) == {
            RELABELLED,
            "lake/lake_0004",
        }
        then = {each["id"] for each in listed(service, at="first", label="lake", split="train")}
        assert RELABELLED in then
        assert set(rows_of(exported(service, selection="lakes", at="first"))) == then
        assert set(rows_of(exported(service, selection="lakes"))) != then
        refused = service.get("/export", params={"selection": "wrong", "at": "first"})
        assert "`wrong`" in sentence(refused, 422)
        for parameters in ({}, {"at": "first"}):
            unknown = service.get("/export", params={"selection": "none", **parameters})
            sentence(unknown, 404)


def test_both_clients_save_the_file(grown, tmp_path):
    revision = grown.get("/readyz").json()["revision"]
    with Client(str(grown.base_url)) as client:
        assert client.export(tmp_path / "new" / "all.parquet") == revision
        assert client.export(tmp_path / "lake.csv", label="lake", at="first") == 2
        assert client.export(tmp_path / "few.zip", [NEW, RELABELLED]) == revision

    async def save():
        async with AsyncClient(str(grown.base_url)) as client:
            return await client.export(tmp_path / "again.parquet")

    assert asyncio.run(save()) == revision
    whole = exported(grown).content
    assert (tmp_path / "new" / "all.parquet").read_bytes() == whole
    assert (tmp_path / "again.parquet").read_bytes() == whole
    assert (tmp_path / "lake.csv").read_bytes() == exported(
        grown, format="csv", label="lake", at="first"
    ).content
    assert len(zipfile.ZipFile(tmp_path / "few.zip").namelist()) == 3


def test_a_refused_export_leaves_the_file_of_the_client_as_it_was(grown, tmp_path):
    target = tmp_path / "all.parquet"
    target.write_text("before")
    with Client(str(grown.base_url)) as client:
        with pytest.raises(UnknownImage, match="lake/none"):
            client.export(target, "lake/none")
        with pytest.raises(ValueError, match="either ids or filters"):
            client.export(target, NEW, label="lake")
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


class CutOff(BaseHTTPRequestHandler):
    """Server that ends the connection within the first answer, and completes the second."""

    protocol_version = "HTTP/1.1"
    asked = 0

    def do_GET(self):
        type(self).asked += 1
        self.send_response(200)
        self.send_header("Belvedere-Revision", "7")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"4\r\nhalf\r\n")
        if type(self).asked > 1:
            self.wfile.write(b"4\r\nrest\r\n0\r\n\r\n")
        self.close_connection = True

    def log_message(self, *_):
        pass


def test_a_download_that_is_cut_off_is_repeated(tmp_path):
    with answering(CutOff) as url, Client(url) as client:
        assert client.export(tmp_path / "all.csv") == 7
    assert (tmp_path / "all.csv").read_bytes() == b"halfrest"
    assert CutOff.asked == 2


def test_wrong_parameters_are_problems(grown, sentence):
    for parameters, status, text in (
        ({"label": "moon"}, 422, "no class 'moon'"),
        ({"label": "moon", "at": "first"}, 422, "no class 'moon'"),
        ({"wrong": "true", "at": "first"}, 422, "`wrong`"),
        ({"at": "nowhere"}, 404, "nowhere"),
        ({"format": "xls"}, 422, "format"),
        ({"format": "csv", "thumbnails": True}, 422, "no thumbnails"),
    ):
        assert text in sentence(grown.get("/export", params=parameters), status)


def test_the_location_is_left_out_unless_it_is_kept(serving, copied_home):
    facts: dict[str, JsonValue] = {
        "camera": "X100",
        "taken": "2020-05-01T10:00:00",
        "location": [48.85, 2.29],
    }
    with (
        serving(ServiceSettings(home=copied_home, writable=True)) as service,
        Client(str(service.base_url)) as client,
    ):
        client.relabel("lake/lake_0000", attributes=facts)
        row = rows_of(exported(service))["lake/lake_0000"]
        assert (row["camera"], row["taken"]) == (facts["camera"], facts["taken"])
        assert json.loads(row["attributes"]) == {name: facts[name] for name in ("camera", "taken")}
    with serving(ServiceSettings(home=copied_home, keep_location=True)) as service:
        row = rows_of(exported(service))["lake/lake_0000"]
        assert json.loads(row["attributes"]) == facts


def test_a_key_for_reading_protects_exports(serving, home, sentence):
    with serving(ServiceSettings(home=home, api_key="a key")) as service:
        sentence(service.get("/export"), 401)
        assert service.get("/export", headers={"X-API-Key": "a key"}).status_code == 200


def test_few_files_are_made_at_the_same_time(home, sentence):
    with served(ServiceSettings(home=home)) as (client, state):
        with ExitStack() as slots:
            for _ in range(4):
                slots.enter_context(state.exports.held())
            refused = client.get("/export")
            sentence(refused, 429)
            assert int(refused.headers["retry-after"]) > 0
            assert client.get("/images").status_code == 200
        for _ in range(9):
            assert client.get("/export", params={"label": "lake"}).status_code == 200
            assert client.get("/export", params={"label": "moon"}).status_code == 422


def test_a_client_that_takes_nothing_is_left(monkeypatch):
    monkeypatch.setattr(export, "_SEND_SECONDS", 0.01)
    given = []

    async def parts():
        for number in range(3):
            given.append(number)
            yield b"part"

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
    asyncio.run(export.Download(parts())(scope, receive, send))
    assert given == [0]


def test_head_makes_no_file(serving, grown_home, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(grown_home, home, symlinks=True)
    with serving(ServiceSettings(home=home)) as service:
        shutil.rmtree(home / "store" / "blobs.lance")
        folder = {"format": "folder"}
        assert service.get("/export", params=folder).status_code == 503
        assert service.head("/export", params=folder).status_code == 200


def test_head_has_the_headers_of_the_file(grown):
    head = grown.head("/export", params={"label": "lake"})
    headers = exported(grown, label="lake").headers
    assert head.content == b""
    for name in ("content-type", "content-disposition", "cache-control", REVISION_HEADER):
        assert head.headers[name] == headers[name]


def test_a_lost_store_is_a_problem_of_the_service(serving, grown_home, tmp_path, sentence):
    home = tmp_path / "home"
    shutil.copytree(grown_home, home, symlinks=True)
    with serving(ServiceSettings(home=home)) as service:
        shutil.rmtree(home / "store")
        assert "feature store" in sentence(service.get("/export"), 503)
        assert "feature store" in sentence(service.get("/export", params={"at": "first"}), 503)
