"""`docker compose up`, as somebody meets it who has only just cloned the project."""

import pytest

from api_tests.chaos.running import asked_all_the_while, good_calls, wait_until
from api_tests.compose.stack import SCENES, Container

pytestmark = pytest.mark.compose

_WHO = """
import os
status = dict(line.split(":", 1) for line in open("/proc/1/status"))
print(status["Uid"].split()[0], status["CapEff"].strip(), status["NoNewPrivs"].strip())
print(len([each for each in os.listdir("/proc") if each.isdecimal() and int(each) != os.getpid()]))
"""
_WRITE = """
import errno, sys
for place in ("/opt/belvedere/x", "/etc/x", "/var/lib/belvedere/x"):
    try:
        open(place, "w")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""
_FORBIDDEN = """
import importlib.util, shutil
modules = ("tensorflow", "keras", "training", "nncf", "pip", "setuptools")
print([name for name in modules if importlib.util.find_spec(name)])
print([name for name in ("cc", "gcc", "g++", "make", "ld", "as") if shutil.which(name)])
"""
_ASK = """
import json, urllib.request
def ask(path):
    return json.load(urllib.request.urlopen("http://127.0.0.1:8000" + path))
first = ask("/images?limit=1")["images"][0]["id"]
print(len(ask("/neighbors?id=" + first)["neighbors"]))
"""


def test_up(stack, api):
    """One `up` builds, trains on generated scenes, publishes and serves."""
    trainer = stack.container("trainer")
    assert trainer.facts["State"]["ExitCode"] == 0
    ready = api.get("/readyz").json()
    assert ready["data"] == "generated scenes"
    assert ready["photographs"] == 7 * SCENES
    for service in ("trainer", "service"):
        labels = stack.container(service).facts["Config"]["Labels"]
        assert labels["org.opencontainers.image.revision"] == "tested"


def test_every_call(stack, api):
    """Every call answers on the host."""
    image = api.get("/images/random").json()["id"]
    network = api.get("/experiments").json()["best"]
    error = api.get("/errors").json()["errors"][0]["id"]
    jpeg = api.get(f"/images/{image}").content
    paths = api.get("/openapi.json").json()["paths"]
    assert {"/predict", "/neighbors", "/tsne", "/errors/{id}/heatmap"} <= set(paths)
    for path, methods in paths.items():
        address = path.format(id=error if "heatmap" in path else image, name=network)
        for method in methods:
            if method == "post":
                answer = api.post(address, content=jpeg)
            else:
                by_id = path in ("/predict", "/neighbors", "/features")
                answer = api.get(address, params={"id": image} if by_id else {})
            assert answer.status_code == 200, (method, path, answer.text)


def test_confinement(stack):
    """The service is one process, not root, without capabilities, on a read-only file system."""
    service = stack.container("service")
    assert service.python(_WHO).split() == ["10001", "0" * 16, "1", "1"]
    assert service.python(_WRITE).split() == ["EROFS"] * 3
    limits = service.facts["HostConfig"]
    assert limits["Memory"] == 1024**3
    assert limits["NanoCpus"] == 2_000_000_000
    assert limits["RestartPolicy"]["Name"] == "unless-stopped"


def test_contents(stack):
    """The service's image has no TensorFlow, no trainer, no installer and no compiler."""
    assert stack.container("service").python(_FORBIDDEN).split() == ["[]", "[]"]


def test_killed_under_load(stack):
    """The service comes back from SIGKILL under load, with the same answers."""
    service = stack.container("service")
    calls = good_calls(stack)
    with stack.client() as client:
        expected = [call(client).content for call in calls]
    with asked_all_the_while(stack, calls, people=3) as asked:
        wait_until(lambda: len(asked.answers) > 50)
        before = len(asked.answers)
        service.die()
        wait_until(lambda: service.facts["RestartCount"] == 1)
        stack.wait_until_healthy()
        wait_until(lambda: len(asked.answers) > before + 50)
    served = [(number, each) for number, each in asked.answers if each.status_code == 200]
    assert {each.status_code for _, each in asked.answers} <= {200, 503}
    assert all(each.content == expected[number] for number, each in served)
    assert len(served) > before


def test_told_to_stop(stack):
    """The service ends in time and cleanly when it is told to stop."""
    stack.compose("stop", "service")
    assert stack.container("service").facts["State"]["ExitCode"] == 0
    stack.compose("start", "service")
    stack.wait_until_healthy()


def test_no_network(stack, engine):
    """The service needs no network."""
    image = stack.container("service").facts["Image"]
    guarded = ("--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL")
    volume = f"--volume={stack.home}:/var/lib/belvedere:ro"
    alone = engine.docker("run", "--detach", *guarded, volume, image).strip()
    try:
        container = Container(engine, alone)
        wait_until(lambda: container.healthy)
        assert container.python(_ASK).strip() == "3"
    finally:
        engine.docker("rm", "--force", "--volumes", alone)


def test_no_photographs(stack, engine):
    """Where the archive cannot be downloaded, the trainer says so and takes generated scenes."""
    image = stack.container("trainer").facts["Image"]
    alone = engine.docker(
        "run", "--detach", "--network=none", "--env=BELVEDERE_SCENES=13", image, "data"
    ).strip()
    try:
        engine.docker("wait", alone)
        container = Container(engine, alone)
        assert "GENERATED SCENES take the place of the photographs" in container.log
        assert container.facts["State"]["ExitCode"] == 0
    finally:
        engine.docker("rm", "--force", "--volumes", alone)


def test_up_again(stack, api):
    """The stack goes down and comes up with the same release; nothing is trained again."""
    release = api.get("/readyz").json()["release"]
    stack.compose("down")
    stack.compose("up", "--detach")
    stack.wait_until_healthy()
    assert api.get("/readyz").json()["release"] == release
    assert "epoch" not in stack.container("trainer").log
    assert "accuracy" not in stack.container("trainer").log
