"""`docker compose up` on a fresh clone of the project."""

import io

import numpy as np
import pytest
from PIL import Image

from api_tests.chaos.running import continuous_requests, valid_calls, wait_until
from api_tests.compose.conftest import SCENES
from api_tests.compose.engine import CommandFailed
from api_tests.compose.stack import Container, Stack

pytestmark = pytest.mark.compose

_CHILDREN = """
from pathlib import Path
print(sum(len(each.read_text("utf-8").split()) for each in Path("/proc/1/task").glob("*/children")))
"""
_WRITE = """
import errno
for place in ("/opt/belvedere/x", "/etc/x", "/var/lib/belvedere/x"):
    try:
        open(place, "w")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""
_FORBIDDEN = """
import importlib.util, pathlib, shutil, sysconfig
modules = ("tensorflow", "keras", "training", "nncf", "pip", "setuptools")
print([name for name in modules if importlib.util.find_spec(name)])
print([name for name in ("cc", "gcc", "g++", "make", "ld", "as") if shutil.which(name)])
packages = pathlib.Path(sysconfig.get_path("purelib"))
print(any(packages.glob("*/tests")) or any(packages.glob("openvino/libs/*_gpu_plugin*")))
"""
_NEIGHBORS = """
import json, urllib.request
def get(path):
    return json.load(urllib.request.urlopen("http://127.0.0.1:8000" + path))
first = get("/images?limit=1")["images"][0]["id"]
print(len(get("/neighbors?id=" + first)["neighbors"]))
"""


def test_up(stack, api):
    """One `up` builds, trains on generated scenes, publishes and serves."""
    trainer = stack.container("trainer")
    assert trainer.state["ExitCode"] == 0
    assert "epoch 1/" in trainer.log
    ready = api.get("/readyz").json()
    assert ready["data"] == "generated scenes"
    assert ready["photographs"] == 7 * SCENES
    for service in ("trainer", "service"):
        labels = stack.container(service).facts["Config"]["Labels"]
        assert labels["org.opencontainers.image.revision"] == "tested"


_CHANGES = {
    ("put", "/images/{id}"), ("post", "/images"), ("patch", "/images"), ("delete", "/images"),
    ("post", "/restore"), ("post", "/publish"), ("delete", "/jobs/{id}"), ("post", "/changes"),
    ("post", "/undo"), ("post", "/distinct"), ("put", "/selections/{name}"),
    ("delete", "/selections/{name}"),
}  # fmt: skip
"""Calls that a service without `BELVEDERE_WRITABLE` refuses."""

_UNKNOWN = {"/jobs/{id}", "/selections/{name}"}
"""Paths of jobs and selections, of which this service has none."""


def test_every_call(api):
    """Every call answers on the host."""
    image = api.get("/images/random").json()["id"]
    network = api.get("/experiments").json()["best"]
    error = api.get("/errors").json()["errors"][0]["id"]
    jpeg = api.get(f"/images/{image}").content
    version = api.get("/versions").json()["versions"][0]["revision"]
    needed = {
        **{path: {"id": image} for path in ("/predict", "/neighbors", "/features", "/history")},
        "/versions/diff": {"a": version, "b": version},
        "/changes": {"since": version},
    }
    bodies = {"/search": {"like": [image]}, "/export": {"ids": [image]}}
    paths = api.get("/openapi.json").json()["paths"]
    assert {"/predict", "/neighbors", "/tsne", "/errors/{id}/heatmap"} <= set(paths)
    for path, methods in paths.items():
        identifier = error if "heatmap" in path else "none" if path in _UNKNOWN else image
        address = path.format(id=identifier, name=network)
        for method in methods:
            if method == "post" and path in bodies:
                answer = api.request(method, address, json=bodies[path])
            else:
                content = jpeg if method in {"post", "put"} else None
                answer = api.request(method, address, params=needed.get(path, {}), content=content)
            expected = 403 if (method, path) in _CHANGES else 404 if path in _UNKNOWN else 200
            assert answer.status_code == expected, (method, path, answer.text)


def test_confinement(stack):
    """The service is one process, not root, without capabilities, on a read-only file system."""
    service = stack.container("service")
    assert service.process == ["10001", "0" * 16, "1"]
    assert service.python(_CHILDREN).strip() == "0"
    assert service.python(_WRITE).split() == ["EROFS"] * 3
    limits = service.facts["HostConfig"]
    assert limits["Memory"] == 1024**3
    assert limits["NanoCpus"] == 2_000_000_000


def test_contents(stack):
    """The service's image has no TensorFlow, no trainer, no compiler and no build tool."""
    assert stack.container("service").python(_FORBIDDEN).split() == ["[]", "[]", "False"]


def test_killed_under_load(stack):
    """The service comes back from SIGKILL under load, with the same answers."""
    service = stack.container("service")
    started = service.state["StartedAt"]
    calls = valid_calls(stack)
    with stack.client() as client:
        expected = [call(client).content for call in calls]
    with continuous_requests(stack, calls, clients=3) as sent:
        wait_until(lambda: len(sent.answers) > 50)
        service.die()
        wait_until(lambda: service.state["StartedAt"] != started and service.healthy)
        back = len(sent.answers)
        wait_until(lambda: len(sent.answers) > back + 50)
    assert service.facts["RestartCount"] == 1
    assert {each.status_code for _, each in sent.answers} <= {200, 503}
    assert {each.status_code for _, each in sent.answers[back:]} == {200}
    served = [(number, each) for number, each in sent.answers if each.status_code == 200]
    assert all(each.content == expected[number] for number, each in served)


def test_sigterm(stack):
    """The service exits with 0 on `docker compose stop`."""
    stack.compose("stop", "service")
    assert stack.container("service").state["ExitCode"] == 0
    stack.compose("start", "service")
    stack.wait_until_healthy()


def test_no_network(stack, engine):
    """The service needs no network."""
    image = stack.container("service").facts["Image"]
    guarded = ("--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL")
    volume = f"--volume={stack.home}:/var/lib/belvedere:ro"
    alone = Container(engine, engine.docker("run", "--detach", *guarded, volume, image).strip())
    try:
        wait_until(lambda: alone.healthy)
        assert alone.python(_NEIGHBORS).strip() == "3"
    finally:
        engine.docker("rm", "--force", "--volumes", alone.id)


def test_no_download(stack, engine):
    """If the archive cannot be downloaded, the trainer reports it and uses generated scenes."""
    image = stack.container("trainer").facts["Image"]
    few = ("--network=none", "--env=BELVEDERE_SCENES=13")
    alone = Container(engine, engine.docker("run", "--detach", *few, image, "data").strip())
    try:
        assert engine.docker("wait", alone.id).strip() == "0"
        assert "GENERATED SCENES are used instead" in alone.log
    finally:
        engine.docker("rm", "--force", "--volumes", alone.id)


@pytest.fixture
def other(stack, tmp_path):
    """Yield a second stack with its own home, for tests that would change the first."""
    other = Stack(stack.engine, tmp_path, "belvedere-test-other", {})
    other.compose("build", "trainer")
    yield other
    other.compose("down", "--volumes", "--remove-orphans", "--rmi", "local")


def test_own_images(other, tmp_path):
    """One variable selects a folder of the host as data set, even if its name has a space."""
    rng = np.random.default_rng(0)
    for label in ("crow", "magpie"):
        folder = tmp_path / "my birds" / label
        folder.mkdir(parents=True)
        for number in range(10):
            buffer = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8)).save(buffer, "JPEG")
            (folder / f"{number}.jpg").write_bytes(buffer.getvalue())
    # The folders of tests are private, and the trainer runs as another user.
    for each in (tmp_path, *tmp_path.parents[:2]):
        each.chmod(0o755)
    data = str(tmp_path / "my birds")
    taken = other.compose("run", "--rm", "trainer", "data", BELVEDERE_DATA=data)
    assert "my birds photographs: 20" in taken


def test_interrupted_training(other):
    """Interrupted training keeps finished runs and reports it."""
    other.compose("up", "--detach", "trainer", BELVEDERE_DATA="scenes", BELVEDERE_SCENES="20")
    trainer = other.container("trainer")
    wait_until(lambda: "epoch" in trainer.log)
    trainer.stop()
    assert trainer.state["ExitCode"] == 130
    assert "Finished work is kept" in trainer.log


def test_failing_trainer(stack, api):
    """If the trainer fails, the service can still serve the existing release."""
    release = api.get("/readyz").json()["release"]
    stack.compose("down")
    with pytest.raises(CommandFailed):
        stack.compose("up", "--detach", BELVEDERE_PRESET="none such")
    assert "BELVEDERE_PRESET" in stack.container("trainer").log
    stack.compose("up", "--detach", "--no-deps", "service")
    stack.wait_until_healthy()
    assert api.get("/readyz").json()["release"] == release


def test_up_again(stack, api):
    """The stack goes down and comes up with the same release; nothing is trained again."""
    release = api.get("/readyz").json()["release"]
    stack.compose("down")
    stack.compose("up", "--detach")
    stack.wait_until_healthy()
    assert api.get("/readyz").json()["release"] == release
    assert "epoch" not in stack.container("trainer").log
