"""Many images in one request: archives, manifests, outcomes and jobs."""

import io
import json
import tarfile
import time
import zipfile

import pytest

from api_tests.conftest import served
from api_tests.pictures import jpeg_of
from service.problems import ProblemType
from service.settings import ServiceSettings

DEADLINE = 120.0


@pytest.fixture
def api(serving, copied_home):
    with serving(ServiceSettings(home=copied_home, writable=True)) as client:
        yield client


def zip_of(files, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tar_of(files, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def outcomes_of(answer):
    assert answer.status_code == 200, answer.text
    return {each["file"]: (each["outcome"], each["id"]) for each in answer.json()["outcomes"]}


def end_of(client, address):
    """Return the job at an address when it has ended."""
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        job = client.get(address).json()
        if job["finished"] is not None:
            return job
        time.sleep(0.02)
    raise AssertionError(f"The job did not end: {job}")


FILES = {"lake/one.jpg": jpeg_of(1), "ocean/deep/two.JPEG": jpeg_of(2), "three.png": jpeg_of(3)}
STORED = {
    "lake/one.jpg": ("added", "lake/one"),
    "ocean/deep/two.JPEG": ("added", "ocean/deep/two"),
    "three.png": ("added", "three"),
}


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "form"])
def test_ids_and_labels_come_from_paths(api, kind):
    if kind == "form":
        sent = {"files": [("file", (name, content)) for name, content in FILES.items()]}
    else:
        made = {"zip": zip_of, "tar": tar_of, "tar.gz": lambda files: tar_of(files, "w:gz")}
        sent = {"content": made[kind](FILES)}
    answer = api.post("/images", **sent)
    assert outcomes_of(answer) == STORED
    ids = [identifier for _, identifier in STORED.values()]
    parameters = {"id": ids, "min_revision": answer.json()["revision"]}
    records = api.get("/images", params=parameters).json()["images"]
    labels = {each["id"]: each["label"] for each in records}
    assert labels == {"lake/one": "lake", "ocean/deep/two": "ocean", "three": None}
    again = outcomes_of(api.post("/images", **sent))
    assert {outcome for outcome, _ in again.values()} == {"unchanged"}


CSV = 'file,id,label,attributes\na.jpg,lake/mine,lake,"{""camera"": ""Box""}"\nb.jpg,,,\nc.jpg,,,\n'


@pytest.mark.parametrize("kind", ["csv", "json", "form"])
def test_a_manifest_names_ids_labels_and_attributes(api, kind):
    files = {"a.jpg": jpeg_of(1), "b.jpg": jpeg_of(2), "left out.jpg": jpeg_of(3)}
    entries = [
        {"file": "a.jpg", "id": "lake/mine", "label": "lake", "attributes": {"camera": "Box"}},
        {"file": "b.jpg"},
        {"file": "c.jpg"},
    ]
    if kind == "form":
        parts = [("file", (name, content)) for name, content in files.items()]
        sent = {"files": [*parts, ("manifest", ("any.csv", CSV.encode()))]}
    else:
        text = CSV if kind == "csv" else json.dumps({"images": entries})
        sent = {"content": zip_of({**files, f"manifest.{kind}": text.encode()})}
    answer = api.post("/images", params={"label": "ocean"}, **sent)
    assert outcomes_of(answer) == {
        "a.jpg": ("added", "lake/mine"),
        "b.jpg": ("added", "b"),
        "c.jpg": ("rejected", "c"),
    }
    assert "lacks" in answer.json()["outcomes"][2]["detail"]
    records = api.get("/images", params={"id": ["lake/mine", "b"]}).json()["images"]
    assert {each["id"]: each["label"] for each in records} == {"lake/mine": "lake", "b": "ocean"}


def test_a_bad_image_fails_alone(api):
    bomb = zip_of({"lake/bomb.jpg": bytes(30 * 2**20), "lake/encrypted.jpg": jpeg_of(9)})
    # The second file claims to be encrypted.
    broken = bytearray(bomb)
    for signature, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        broken[broken.rindex(signature) + place] |= 1
    assert outcomes_of(api.post("/images", content=bytes(broken))) == {
        "lake/bomb.jpg": ("rejected", "lake/bomb"),
        "lake/encrypted.jpg": ("rejected", "lake/encrypted"),
    }
    files = {
        "lake/good.jpg": jpeg_of(4),
        "lake/text.jpg": b"no image",
        "lake/cut.jpg": jpeg_of(5)[:2000],
        "../outside.jpg": jpeg_of(6),
        "lake/good copy.jpg": jpeg_of(4),
        "ocean/other.jpg": jpeg_of(4),
        ".hidden.jpg": jpeg_of(7),
        "__MACOSX/lake/good.jpg": jpeg_of(7),
    }
    answer = api.post("/images", content=zip_of(files))
    assert outcomes_of(answer) == {
        "lake/good.jpg": ("added", "lake/good"),
        "lake/text.jpg": ("rejected", "lake/text"),
        "lake/cut.jpg": ("rejected", "lake/cut"),
        "../outside.jpg": ("rejected", "../outside"),
        "lake/good copy.jpg": ("duplicate_of", "lake/good"),
        "ocean/other.jpg": ("conflict", "lake/good"),
    }
    assert all(each["detail"] for each in answer.json()["outcomes"] if each["outcome"] != "added")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 no zip",
        zip_of(FILES)[:-30],
        tar_of(FILES)[:1000],
        tar_of(FILES, "w:gz")[:-2000],
        jpeg_of(1),
        zip_of({"manifest.csv": b"id\nx\n"}),
        zip_of({}),
        tar_of({".hidden.jpg": jpeg_of(1)}),
        zip_of({"manifest.json": b"[{}]"}),
        zip_of({"manifest.json": b"\xff"}),
    ],
)
def test_unreadable_archives_are_problems(api, sentence, content):
    answer = api.post("/images", content=content)
    sentence(answer, 400)
    assert answer.json()["type"] == ProblemType.MALFORMED_REQUEST


def test_unreadable_forms_are_problems(api, sentence):
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        sentence(api.post("/images", content=b"--x\r\n", headers={"Content-Type": kind}), 400)


def test_a_body_beyond_the_limit_is_refused(serving, copied_home, sentence):
    settings = ServiceSettings(home=copied_home, writable=True, bulk_limit=50_000)
    with serving(settings) as client:
        refused = client.post("/images", content=bytes(50_001))
        assert "fewer images" in sentence(refused, 413)
        # Less than 50 kB unpack to more.
        packed = tar_of({"lake/zeros.jpg": bytes(200_000)}, "w:gz")
        assert "fewer images" in sentence(client.post("/images", content=packed), 400)
        assert outcomes_of(client.post("/images", content=zip_of({"a.jpg": jpeg_of(1)})))


MANY = {f"lake/{number}.jpg": jpeg_of(number) for number in range(130)}


def test_more_than_a_hundred_images_are_a_job(api):
    files = {**MANY, "lake/bad.jpg": b"no image"}
    answer = api.post("/images", content=zip_of(files))
    assert answer.status_code == 202
    address = answer.headers["Location"]
    assert address == f"/jobs/{answer.json()['job']['id']}"
    job = end_of(api, address)
    assert (job["state"], job["done"], job["total"]) == ("done", 131, 131)
    assert job["outcomes"] == {"added": 130, "rejected": 1}
    assert [each["file"] for each in job["problems"]] == ["lake/bad.jpg"]
    assert job["problems_total"] == 1
    assert api.get(address, params={"offset": 1}).json()["problems"] == []
    found = api.get("/images", params={"min_revision": job["committed"], "id": "lake/129"})
    assert found.json()["total"] == 1
    assert [each["id"] for each in api.get("/jobs").json()["jobs"]] == [job["id"]]
    assert api.delete(address).json()["state"] == "done"


def test_a_cancelled_job_keeps_what_was_written(copied_home):
    with served(ServiceSettings(home=copied_home, writable=True)) as (client, _):
        total = client.get("/images").json()["total"]
        address = client.post("/images", content=zip_of(MANY)).headers["Location"]
        waiting = client.post("/images", content=zip_of(MANY)).headers["Location"]
        assert client.delete(waiting).json()["state"] == "cancelled"
        client.delete(address)
        job = end_of(client, address)
        assert job["state"] in ("cancelled", "done")
        if job["state"] == "cancelled":
            assert "stay stored" in job["detail"]
        assert client.get("/images").json()["total"] == total + job["done"]
        assert end_of(client, waiting)["done"] == 0


def test_a_restart_interrupts_jobs(copied_home, sentence):
    settings = ServiceSettings(home=copied_home, writable=True)
    with served(settings) as (client, _):
        answers = [client.post("/images", content=zip_of(MANY)) for _ in range(2)]
        addresses = [each.headers["Location"] for each in answers]
    with served(settings) as (client, _):
        jobs = [client.get(each).json() for each in addresses]
        assert jobs[1]["state"] == "interrupted"
        assert "again is safe" in jobs[1]["detail"]
        again = client.post("/images", content=zip_of(MANY)).headers["Location"]
        job = end_of(client, again)
        assert job["state"] == "done"
        assert set(job["outcomes"]) <= {"added", "unchanged"}
        assert job["outcomes"].get("unchanged", 0) == jobs[0]["done"]
        sentence(client.get("/jobs/20200101-000000-00000000"), 404)
        sentence(client.get("/jobs/..%2F..%2Fetc"), 404)
    with served(settings.model_copy(update={"writable": False})) as (client, _):
        assert client.get(again).json()["state"] == "done"
        sentence(client.delete(again), 403)


def test_a_job_of_a_killed_process_is_interrupted(copied_home):
    settings = ServiceSettings(home=copied_home, writable=True)
    with served(settings) as (client, _):
        address = client.post("/images", content=zip_of(MANY)).headers["Location"]
        end_of(client, address)
    (path,) = (copied_home / "jobs").glob("*.json")
    stored = json.loads(path.read_text())
    stored["record"] |= {"state": "running", "finished": None}
    path.write_text(json.dumps(stored))
    with served(settings) as (client, _):
        assert client.get(address).json()["state"] == "interrupted"
