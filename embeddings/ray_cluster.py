"""Connection to a Ray cluster, and pure tasks on it; Ray is imported when it is asked for."""

import logging
import os
import re
import socket
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from embeddings.cpu import usable_processors
from embeddings.errors import BelvedereError

S = TypeVar("S")
T = TypeVar("T")

LOCAL = "local"
"""Address of a cluster that is started on this machine for one command."""

RUNNING = "auto"
"""Address of the cluster that runs on this machine."""

_ADDRESS = re.compile(r"(?:ray://)?(\[[^]/]+\]|[^:/\s]+):(\d{1,5})")

_LIBRARIES = ("numpy", "openvino", "Pillow", "pillow-heif", "pylance")
"""Libraries whose version the results depend on."""

RETRIES = 5
"""Restarts of a task whose process or node ended."""

_CONNECT_SECONDS = 10
_SILENCE_SECONDS = 60


class ClusterError(BelvedereError):
    """Ray cluster that is missing, unreachable, or unable to run the tasks."""


@dataclass(frozen=True)
class Cluster:
    """Connected Ray cluster."""

    ray: Any
    """Module `ray`."""
    warn: Callable[[str], None]

    @property
    def processors(self) -> int:
        """Number of processors of all nodes that are connected at the moment."""
        return int(self.ray.cluster_resources().get("CPU", 0))

    def run(
        self, function: Callable[..., T], shared: Sequence[object], arguments: Iterable[S]
    ) -> Iterator[T]:
        """Yield the result of `function(*shared, argument)` for each argument, when it is finished.

        Each call takes one processor. A call whose process or node ends is repeated elsewhere, so
        that the function must not have effects. Only a bounded number of arguments is read ahead.
        Raises `ClusterError`, and the `BelvedereError` of a call.
        """
        call = self.ray.remote(num_cpus=1, max_retries=RETRIES)(_call)
        versions = library_versions()
        pending: list[Any] = []
        for argument in arguments:
            pending.append(call.remote(versions, function, shared, argument))
            while len(pending) >= max(2, 2 * self.processors):
                yield self._first(pending)
        while pending:
            yield self._first(pending)

    def _first(self, pending: list[Any]) -> Any:
        """Remove the first finished call from the list and return its result."""
        while True:
            done, pending[:] = self.ray.wait(pending, timeout=_SILENCE_SECONDS)
            if done:
                return self.get(done[0])
            self.warn(self._silence())

    def get(self, reference: Any) -> Any:
        """Return the result of a task. Raises `ClusterError` and the `BelvedereError` of a task."""
        errors = self.ray.exceptions
        try:
            return self.ray.get(reference)
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, BelvedereError):
                raise cause from None
            if isinstance(cause, ImportError | errors.RaySystemError):
                raise _unable(_last_line(cause)) from error
            raise
        except (errors.RuntimeEnvSetupError, errors.RaySystemError) as error:
            raise _unable(_last_line(error)) from error
        except errors.RayError as error:
            raise ClusterError(
                f"A task on the Ray cluster failed {RETRIES + 1} times ({_last_line(error)}). "
                "Finished work is kept; check the memory of the nodes and run the command again."
            ) from error

    def _silence(self) -> str:
        free = self.ray.available_resources().get("CPU", 0)
        return (
            f"No result from the Ray cluster for {_SILENCE_SECONDS} s: it has {self.processors} "
            f"CPUs, {free:g} of them free. The command waits; Ctrl-C ends it and keeps finished "
            "work."
        )


def is_address(text: str) -> bool:
    """Return whether a text is the address of a Ray cluster."""
    return text in (LOCAL, RUNNING) or _ADDRESS.fullmatch(text) is not None


def connect_if(
    address: str | None, warn: Callable[[str], None]
) -> AbstractContextManager[Cluster | None]:
    """Connect to a Ray cluster as `connect` does; None without an address."""
    return nullcontext() if address is None else connect(address, warn)


@contextmanager
def connect(
    address: str,
    warn: Callable[[str], None],
    packages: Sequence[str] = ("embeddings",),
) -> Iterator[Cluster]:
    """Connect to a Ray cluster, and disconnect or stop it afterwards.

    The address is `local`, `auto`, `HOST:PORT` or `ray://HOST:PORT`. The nodes of a running cluster
    get the sources of these packages, and need the libraries that they import. Raises
    `ClusterError`.
    """
    ray = _import_ray()
    _check_address(address)
    try:
        with warnings.catch_warnings():
            # Ray starts its processes by a fork that only executes another program.
            warnings.filterwarnings("ignore", "lance is not fork-safe")
            ray.init(address, **_options(address, packages))
    except Exception as error:  # Ray raises many types, some of them undocumented
        raise ClusterError(_not_connected(address, error)) from error
    try:
        yield Cluster(ray, warn)
    finally:
        ray.shutdown()


def library_versions(*more: str) -> dict[str, str]:
    """Return the versions of the libraries that results depend on; empty for a missing one.

    `more` names further libraries.
    """
    return {name: _version(name) for name in (*_LIBRARIES, *more)}


def require_versions(versions: Mapping[str, str]) -> None:
    """Raise `ClusterError` unless this process of a node has the same libraries as the driver."""
    for name, wanted in versions.items():
        own = _version(name)
        if own != wanted:
            raise ClusterError(
                f"The Ray node {socket.gethostname()} has {name} {own or 'not installed'}, but "
                f"this command runs with {wanted or 'none'}: results would differ. Install the "
                "same versions on all nodes."
            )


def _call(
    versions: dict[str, str], function: Callable[..., T], shared: Sequence[object], argument: object
) -> T:
    """Call a function in a process of a node, which must have the libraries of the driver."""
    require_versions(versions)
    return function(*shared, argument)


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ClusterError(
            "--ray needs the package `ray`, which is not installed here; run "
            "`pip install 'belvedere[ray]'`."
        ) from error
    return ray


def _options(address: str, packages: Sequence[str]) -> dict[str, object]:
    options: dict[str, object] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        return options | {"num_cpus": usable_processors(), "include_dashboard": False}
    return options | {"runtime_env": {"py_modules": [_folder(name) for name in packages]}}


def _folder(package: str) -> str:
    found = find_spec(package)
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent)


def _check_address(address: str) -> None:
    """Raise `ClusterError` unless something answers at the address: Ray waits long for it."""
    if address in (LOCAL, RUNNING):
        return
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ClusterError(
            f"{address!r} is no address of a Ray cluster; give `auto` for the cluster of this "
            "machine, `HOST:PORT` or `ray://HOST:PORT`, or no address to start one."
        )
    host, port = found.groups()
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(_not_connected(address, error)) from error


def _not_connected(address: str, error: Exception) -> str:
    if address == LOCAL:
        return f"No local Ray cluster could be started ({_last_line(error)})."
    place = "on this machine" if address == RUNNING else f"at {address}"
    return (
        f"There is no Ray cluster {place} that this command can use ({_last_line(error)}); check "
        "the address and the versions of Ray and Python. For HOST:PORT and `auto`, this machine "
        "must be a node of the cluster."
    )


def _unable(reason: str) -> ClusterError:
    return ClusterError(
        f"A node of the Ray cluster cannot run Belvedere ({reason}); install it with its libraries "
        "on all nodes: `pip install 'belvedere[ray]'`."
    )


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
