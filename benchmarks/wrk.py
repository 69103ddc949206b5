"""HTTP load by `wrk`, with a script that sends the given requests in turn."""

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

_TIMEOUT_SECONDS = 30
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

# Connections wait a random time each, so that their requests are not simultaneous.
_PACE = """
math.randomseed(%(seed)d)
function delay() return math.random(0, %(most)d) end
"""


class WrkMissing(RuntimeError):
    """The program `wrk` is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "`wrk` is not installed; install it, for example with `apt-get install wrk`."
        )


@dataclass(frozen=True)
class Request:
    """HTTP request: POST if it has a body (a JPEG file), otherwise GET."""

    path: str
    body: bytes | None = None

    def encoded(self, host: str) -> bytes:
        """Return the bytes of the request."""
        if self.body is None:
            return f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/jpeg\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body

    def answered(self, url: str) -> httpx.Response:
        """Send the request once, outside any load. Raises `httpx.HTTPError` if it fails."""
        method = "GET" if self.body is None else "POST"
        headers = {} if self.body is None else {"Content-Type": "image/jpeg"}
        return httpx.request(
            method, url + self.path, content=self.body, headers=headers, timeout=_TIMEOUT_SECONDS
        ).raise_for_status()


class Answered(Figures):
    """Result of a load; latencies in milliseconds over all responses."""

    per_second: float
    """Successful responses per second."""
    p50_ms: float
    p99_ms: float
    failed: int
    """Number of responses with status 400 or more, connection errors and time-outs.

    At least 1 if there was no response.
    """


def wrk_version() -> str:
    """Return the version of the installed `wrk`. Raises `WrkMissing`."""
    # `wrk -v` prints the version and exits as after wrong usage.
    output = subprocess.run([_program(), "-v"], capture_output=True, text=True, check=False).stdout
    return output.split()[1]


def load(
    url: str,
    requests: Sequence[Request],
    *,
    clients: int,
    seconds: int,
    per_second: int | None = None,
) -> Answered:
    """Send the requests in turn; each client sends the next one after each response.

    With `per_second`, clients wait so that they send about that many in total. Raises `WrkMissing`.
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
            [*command, f"{_TIMEOUT_SECONDS}s", "-s", "script.lua", url],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    return parsed(finished.stdout + finished.stderr)


def parsed(output: str) -> Answered:
    """Return the result that the script printed. Raises RuntimeError if it printed none."""
    line = next((line for line in output.splitlines() if line.startswith(_MARK)), None)
    if line is None:
        raise RuntimeError(f"wrk failed: {output.strip() or 'no output'}")
    values = json.loads(line.removeprefix(_MARK))
    return Answered(
        per_second=(values["answers"] - values["refused"]) / (values["microseconds"] / 1e6),
        p50_ms=values["p50"] / 1e3,
        p99_ms=values["p99"] / 1e3,
        failed=max(values["refused"] + values["broken"], int(values["answers"] == 0)),
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
