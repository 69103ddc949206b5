"""Load over HTTP: `wrk` with a script that sends given requests in turn."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx

from benchmarks.measurements import Figures

_PATIENCE_SECONDS = 30
_MARK = "measured: "
_REQUESTS = "requests"

# One thread of wrk serves all connections: it shares the cores with the service.
_SCRIPT = """\
local lengths = {%(lengths)s}
local requests, turn = {}, 0

function init()
  local file = assert(io.open("%(file)s", "rb"))
  for number, length in ipairs(lengths) do requests[number] = file:read(length) end
  file:close()
end

function request()
  turn = turn %% #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("\\n%(mark)s" ..
    '{"answers": %%d, "microseconds": %%d, "p50": %%d, "p99": %%d, ' ..
    '"refused": %%d, "broken": %%d}\\n', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), errors.status, broken))
end
"""

# Connections wait a random time each, so that they do not all ask at once.
_PACE = """
math.randomseed(%(seed)d)
function delay() return math.random(0, %(most)d) end
"""


class WrkMissing(RuntimeError):
    """There is no `wrk` on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "There is no `wrk` here; install it, for example with `apt-get install wrk`."
        )


@dataclass(frozen=True)
class Request:
    """One HTTP request: a GET, or with a body (a JPEG file) a POST."""

    path: str
    body: bytes | None = None

    def encoded(self, host: str) -> bytes:
        """The request as it goes over the wire."""
        if self.body is None:
            return f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/jpeg\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body

    def answered(self, url: str) -> httpx.Response:
        """Send it once, outside any load. Raises where it is not answered well."""
        method = "GET" if self.body is None else "POST"
        headers = {} if self.body is None else {"Content-Type": "image/jpeg"}
        return httpx.request(
            method, url + self.path, content=self.body, headers=headers, timeout=_PATIENCE_SECONDS
        ).raise_for_status()


class Answered(Figures):
    """What came of a load; latencies in milliseconds, over all answers."""

    per_second: float
    """Good answers."""
    p50_ms: float
    p99_ms: float
    failed: int
    """Answers with a status of 400 or more, broken connections, and answers that came too late.

    At least one where nothing was answered at all.
    """


def wrk_version() -> str:
    """The version of the `wrk` that is installed. Raises `WrkMissing`."""
    # It takes the question for its version as wrong usage.
    said = subprocess.run([_program(), "-v"], capture_output=True, text=True, check=False).stdout
    return said.split()[1]


def load(
    url: str,
    requests: Sequence[Request],
    *,
    clients: int,
    seconds: int,
    per_second: int | None = None,
) -> Answered:
    """Send the requests in turn, each client the next as soon as it has its answer.

    With `per_second`, each client waits so that all together send about as many. Raises
    `WrkMissing`.
    """
    program = _program()
    encoded = [request.encoded(urlsplit(url).netloc) for request in requests]
    with TemporaryDirectory(prefix="wrk-") as folder:
        (Path(folder) / _REQUESTS).write_bytes(b"".join(encoded))
        (Path(folder) / "script.lua").write_text(
            _script(encoded, clients, per_second), encoding="utf-8"
        )
        command = [program, "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout"]
        finished = subprocess.run(
            [*command, f"{_PATIENCE_SECONDS}s", "-s", "script.lua", url],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    return parsed(finished.stdout + finished.stderr)


def parsed(output: str) -> Answered:
    """What the script said at the end of a run. Raises RuntimeError where it did not."""
    line = next((line for line in output.splitlines() if line.startswith(_MARK)), None)
    if line is None:
        raise RuntimeError(f"wrk did not come to an end: {output.strip() or 'it said nothing'}")
    said = json.loads(line.removeprefix(_MARK))
    return Answered(
        per_second=(said["answers"] - said["refused"]) / (said["microseconds"] / 1e6),
        p50_ms=said["p50"] / 1e3,
        p99_ms=said["p99"] / 1e3,
        failed=max(said["refused"] + said["broken"], int(said["answers"] == 0)),
    )


def _script(encoded: Sequence[bytes], clients: int, per_second: int | None) -> str:
    lengths = ",".join(str(len(each)) for each in encoded)
    script = _SCRIPT % {"lengths": lengths, "file": _REQUESTS, "mark": _MARK}
    if per_second is None:
        return script
    return script + _PACE % {"seed": 0, "most": round(2000 * clients / per_second)}


def _program() -> str:
    program = shutil.which("wrk")
    if program is None:
        raise WrkMissing
    return program
