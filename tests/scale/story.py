"""The whole of scale-out on one machine, step by step: `python -m tests.scale.story HOME`.

HOME is a trained home, whose runs are copied; the images are those of BELVEDERE_DATA. A Ray cluster
reads and embeds them, SeaweedFS stores them, Milvus indexes them, and two replicas and a writer
serve them behind HAProxy, each in a folder of its own. The output is that of docs/scaling.md.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from api_tests.chaos.running import client_of, ready, wait_until
from service.local_server import LOCAL, reserve_port, running_server
from tests.scale.servers import ROOT, milvus_server, object_store, ray_cluster

NODES = 2
REPLICAS = 2
NEW = "story/new"
_SHOWN = 12
_START_SECONDS = 300


class Story:
    """Commands with the variables of the servers, and their output without paths of the machine."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self.variables = dict(variables)

    def say(self, text: str) -> None:
        """Print a line, without addresses of this machine."""
        hidden = {str(self.folder): "…", os.environ["BELVEDERE_DATA"]: "images.zip"}
        for name, shown in hidden.items():
            text = text.replace(name, shown)
        print(re.sub(r"\b\d+\.\d+\.\d+\.\d+:\d+", "HOST:PORT", text), flush=True)  # noqa: T201

    def run(self, *arguments: str, home: str = "driver", **settings: str) -> str:
        """Run a command of `belvedere` in one of the homes; return its output."""
        shown = "".join(f"BELVEDERE_{name.upper()}={value} " for name, value in settings.items())
        self.say(f"\n$ {shown}belvedere {' '.join(arguments)}")
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "belvedere", *arguments],
            cwd=ROOT,
            env=os.environ | self.environment(home, **settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # Lists of files are indented.
        lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
        for line in lines[-_SHOWN:] if arguments[0] != "key" else ["…"]:
            self.say(line)
        self.say(f"({time.monotonic() - begun:.0f} s)")
        assert done.returncode == 0, done.returncode
        return done.stdout

    def environment(self, home: str, **settings: str) -> dict[str, str]:
        """Return the variables of a process with its own home."""
        given = {f"BELVEDERE_{name.upper()}": value for name, value in settings.items()}
        return self.variables | {"BELVEDERE_HOME": str(self.folder / home)} | given

    @contextmanager
    def service(self, home: str, port: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a service; say how long it took to be ready."""
        begun = time.monotonic()
        environment = self.environment(home, port=str(port), **settings)
        command = [sys.executable, "-m", "belvedere", "serve"]
        with (
            client_of(port) as client,
            running_server(
                command,
                lambda: ready(client),
                environment=environment,
                folder=ROOT,
                start_seconds=_START_SECONDS,
            ) as process,
        ):
            fetched = sum(
                each.stat().st_size for each in (self.folder / home).rglob("*") if each.is_file()
            )
            self.say(
                f"{home}: ready after {time.monotonic() - begun:.1f} s, "
                f"{fetched / 1e6:.0f} MB in its folder"
            )
            yield process


@contextmanager
def proxy(folder: Path, port: int, replicas: list[int], writer: int) -> Iterator[None]:
    """Run HAProxy with the configuration of the project and the addresses of this machine."""
    text = (ROOT / "proxy" / "haproxy.cfg").read_text(encoding="utf-8")
    text = re.sub(r"\n# Docker's name server.*?\n\n", "\n", text, flags=re.DOTALL)
    text = re.sub(r".* resolvers engine .*\n", "", text)
    each = "".join(f"    server replica{n} {LOCAL}:{n}\n" for n in replicas)
    text = re.sub(r".*server-template .*\n", each, text)
    text = text.replace("writer:8000", f"{LOCAL}:{writer}").replace(":8080", f"{LOCAL}:{port}")
    path = folder / "haproxy.cfg"
    path.write_text(text, encoding="utf-8")
    with (
        client_of(port) as client,
        running_server(["haproxy", "-db", "-f", str(path)], lambda: ready(client), environment={}),
    ):
        yield


def _new_image() -> bytes:
    from io import BytesIO

    from PIL import Image, ImageDraw

    image = Image.new("RGB", (480, 320), "skyblue")
    draw = ImageDraw.Draw(image)
    draw.polygon([(0, 320), (200, 90), (330, 260), (480, 180), (480, 320)], fill="gray")
    buffer = BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def _visible(story: Story, clients: Mapping[str, httpx.Client], revision: int) -> None:
    begun = time.monotonic()
    waiting = dict(clients)
    while waiting:
        for name, client in list(waiting.items()):
            answer = client.get("/neighbors", params={"id": NEW})
            if answer.is_success and answer.json()["revision"] >= revision:
                story.say(
                    f"{name}: {NEW} after {1000 * (time.monotonic() - begun):.0f} ms, nearest "
                    f"{answer.json()['neighbors'][0]['id']}"
                )
                del waiting[name]
        assert time.monotonic() < begun + 30
        time.sleep(0.005)


def _answers(client: httpx.Client, count: int = 50) -> list[Any]:
    ids = [each["id"] for each in client.get("/images", params={"limit": count}).json()["images"]]
    found = [client.get("/neighbors", params={"id": each, "k": 10}) for each in ids]
    return [answer.raise_for_status().json()["neighbors"] for answer in found]


def main(trained: Path) -> None:
    """Run all steps. Raises `AssertionError` at the first that fails."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="story-")))
        objects = stack.enter_context(object_store(folder / "objects"))
        milvus = stack.enter_context(milvus_server(folder / "milvus"))
        story = Story(
            folder,
            {
                **objects.environment,
                "BELVEDERE_STORE": f"{objects.uri}/store",
                "BELVEDERE_RELEASES": f"{objects.uri}/releases",
                "BELVEDERE_MILVUS_URI": milvus.uri,
                "BELVEDERE_KEYS": str(folder / "keys.jsonl"),
                "BELVEDERE_POLL": "0.5",
            },
        )
        for name in ("runs", "cache"):
            shutil.copytree(trained / name, folder / "driver" / name)
        # The nodes read the store, too.
        with ray_cluster(NODES, environment=objects.environment) as cluster:
            story.say(f"Ray: {NODES} nodes of one CPU")
            story.run("add", os.environ["BELVEDERE_DATA"], "--ray", cluster.address)
            story.run("publish", "--ray", cluster.address, index="milvus")
        keys = len(objects.objects())
        story.say(f"The bucket has {keys} objects.")
        key = story.run("key", "me", "--role", "write").strip().splitlines()[-1].split()[-1]
        _serve(story, stack, milvus, key)


def _serve(story: Story, stack: ExitStack, milvus: Any, key: str) -> None:
    replicas = [reserve_port() for _ in range(REPLICAS)]
    writer, front = reserve_port(), reserve_port()
    headers = {"X-API-Key": key, "Content-Type": "image/jpeg"}
    names = [f"replica-{number + 1}" for number in range(REPLICAS)]
    story.say("")
    processes = [
        stack.enter_context(story.service(name, port))
        for name, port in zip(names, replicas, strict=True)
    ]
    stack.enter_context(story.service("writer", writer, writable="1"))
    stack.enter_context(proxy(story.folder, front, replicas, writer))
    clients = {
        name: stack.enter_context(client_of(port))
        for name, port in zip(names, replicas, strict=True)
    }
    through = stack.enter_context(client_of(front))
    first, second = (_answers(client) for client in clients.values())
    assert first == second == _answers(through), "The replicas answer differently."
    story.say("50 images, 10 neighbours each: equal from both replicas and through the proxy")

    answer = through.put(
        f"/images/{NEW}", params={"label": "mountain"}, content=_new_image(),
        headers=headers,
    ).raise_for_status().json()  # fmt: skip
    story.say(f"PUT {NEW} through the proxy: {answer['outcome']}, revision {answer['revision']}")
    _visible(story, clients, answer["revision"])

    def search() -> httpx.Response:
        return through.post("/neighbors", content=_new_image(), headers=headers)

    milvus.stop()
    searched = search()
    story.say(
        f"Milvus killed: search by an image {searched.status_code}, Retry-After "
        f"{searched.headers.get('Retry-After')}; /images "
        f"{through.get('/images', params={'limit': 1}).status_code}, /readyz "
        f"{through.get('/readyz').status_code}"
    )
    milvus.start()
    begun = time.monotonic()
    wait_until(lambda: search().is_success)
    story.say(f"Milvus started: searched again after {time.monotonic() - begun:.1f} s")

    processes[0].kill()
    codes = [through.get("/images", params={"limit": 1}).status_code for _ in range(200)]
    story.say(f"{names[0]} killed: {codes.count(200)} of {len(codes)} requests answered")
    assert codes.count(200) == len(codes)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
