"""Processes under measurement: readiness, memory, and suspension while others run."""

import http.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import psutil

from service.local_server import LOCAL, running_server

_START_SECONDS = 120.0
_POLL_SECONDS = 0.005


@dataclass(frozen=True)
class Running:
    """Server process that is ready for requests."""

    process: psutil.Process
    port: int
    seconds_to_ready: float
    """Seconds from the start of the process to its first successful response."""

    @property
    def url(self) -> str:
        """Base URL of the server."""
        return f"http://{LOCAL}:{self.port}"

    def suspend(self) -> None:
        """Suspend the process and its children."""
        for each in self.family():
            each.suspend()

    def resume(self) -> None:
        """Resume the process and its children."""
        for each in self.family():
            each.resume()

    @property
    def megabytes(self) -> float:
        """Current resident memory, in 10^6 bytes."""
        return resident_bytes(self.process.pid) / 1e6

    @property
    def peak_megabytes(self) -> float:
        """Peak resident memory since `reset_peak`, in 10^6 bytes."""
        return peak_resident_bytes(self.process.pid) / 1e6

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the process since its start."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def reset_peak(self) -> None:
        """Reset the peak of resident memory to its current value."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def has_loaded(self, library: str) -> bool:
        """Return whether a file with `library` in its path is mapped into memory."""
        return any(library in each.path for each in self.process.memory_maps())

    def family(self) -> list[psutil.Process]:
        """Return the process and all its descendants."""
        return [self.process, *self.process.children(recursive=True)]


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    return int(psutil.Process(pid).memory_info().rss)


class Resident(NamedTuple):
    """Resident memory in bytes."""

    anonymous: int
    mapped: int
    """Pages of files."""


def resident_kinds(pid: int) -> Resident:
    """Return the resident memory of a process by kind; Linux only, psutil does not give it."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    found = dict(line.split(":", 1) for line in status.splitlines())
    kibibytes = (int(found[name].split()[0]) for name in ("RssAnon", "RssFile"))
    return Resident(*(1024 * each for each in kibibytes))


def peak_resident_bytes(pid: int) -> int:
    """Return the peak resident memory of a process; Linux only, psutil does not give it."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    line = next(each for each in status.splitlines() if each.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


@contextmanager
def running(
    command: Sequence[str], port: int, ready: str, settings: Mapping[str, str]
) -> Iterator[Running]:
    """Run a server until the block ends; it is ready once it answers the path `ready` with 200.

    Children that outlive the server are killed.
    """
    start = perf_counter()
    children: list[psutil.Process] = []
    try:
        with running_server(
            command,
            lambda: _answers(port, ready),
            environment=settings,
            start_seconds=_START_SECONDS,
            poll_seconds=_POLL_SECONDS,
        ) as process:
            started = Running(psutil.Process(process.pid), port, perf_counter() - start)
            children = started.family()[1:]
            try:
                yield started
            finally:
                with suppress(psutil.NoSuchProcess):
                    started.resume()
    finally:
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(LOCAL, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
