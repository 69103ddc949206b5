"""Programs that are measured: started on a free port, waited for, halted while others run."""

import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

_DEADLINE_SECONDS = 120.0
_PATIENCE_SECONDS = 30.0
_KIBIBYTE = 1024


@dataclass(frozen=True)
class Running:
    """A program that answers."""

    pid: int
    port: int
    seconds_to_ready: float
    """From starting the process to its first good answer."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def halt(self) -> None:
        """Stop the program and its children without ending them."""
        for pid in _family(self.pid):
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        for pid in _family(self.pid):
            os.kill(pid, signal.SIGCONT)

    @property
    def megabytes(self) -> float:
        """Resident memory now, in 10^6 bytes."""
        return resident_megabytes(self.pid)

    @property
    def most_megabytes(self) -> float:
        """The most memory that was resident since `forget_most`."""
        return _memory(self.pid, "VmHWM")

    def forget_most(self) -> None:
        """Begin anew to look for the most memory."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def has_loaded(self, library: str) -> bool:
        """Whether a file with this in its path is in its memory."""
        return library in Path(f"/proc/{self.pid}/maps").read_text()


def resident_megabytes(pid: int) -> float:
    """Resident memory of a process, in 10^6 bytes."""
    return _memory(pid, "VmRSS")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], port: int, ready: str, settings: Mapping[str, str]
) -> Iterator[Running]:
    """Run a program until the end of the context; `ready` is the path that it answers with 200."""
    start = perf_counter()
    process = subprocess.Popen(
        command,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    family = [process.pid]
    try:
        while not _answers(port, ready):
            if perf_counter() - start > _DEADLINE_SECONDS or process.poll() is not None:
                raise RuntimeError(
                    f"It does not answer; run `{' '.join(command)}` by hand to see why."
                )
            sleep(0.005)
        started = Running(process.pid, port, perf_counter() - start)
        family = _family(process.pid)
        yield started
    finally:
        _end(process, family)


def _memory(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * _KIBIBYTE / 1e6
    raise RuntimeError("This system does not tell a process's memory; run it on Linux.")


def _end(process: subprocess.Popen[bytes], family: Sequence[int]) -> None:
    for pid in family:
        _signal(pid, signal.SIGCONT)
    process.terminate()
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in family[1:]:
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, which: signal.Signals) -> None:
    try:
        os.kill(pid, which)
    except ProcessLookupError:
        return


def _family(pid: int) -> list[int]:
    """A process and all that it started, and they in turn."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _family(int(child))
    return found


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
