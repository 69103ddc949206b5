"""Service in its own process."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]

SERVE = """
import sys, threading, time
from pathlib import Path

import httpx, uvicorn

from service.app import create_app
from service.settings import ServiceSettings

server = uvicorn.Server(
    uvicorn.Config(create_app(ServiceSettings(home=Path(sys.argv[1]))), port=0, log_config=None)
)
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
    while "being opened" in (ready := client.get("/readyz")).text:
        time.sleep(0.01)
    ready.raise_for_status()
    identifier = client.get("/images/random").raise_for_status().json()["id"]
    jpeg = client.get(f"/images/{identifier}").raise_for_status().content
    client.post("/predict", content=jpeg).raise_for_status()
    client.post("/neighbors", content=jpeg).raise_for_status()
    client.get("/tsne").raise_for_status()
server.should_exit = True
thread.join()
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_serving_loads_no_training(home):
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(home)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "openvino" in loaded
    assert not loaded & {"keras", "openTSNE", "sklearn", "tensorflow", "torch", "training"}


def test_the_service_shuts_down_cleanly_on_sigterm(home):
    code = "from service import app, settings; app.serve(settings.ServiceSettings())"
    environment = os.environ | {"BELVEDERE_HOME": str(home), "BELVEDERE_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        log = ""
        while not (running := re.search(r"running on (http://\S+)", log)):
            line = process.stderr.readline()
            assert line, log
            log += line
        while "Serving release" not in log:
            line = process.stderr.readline()
            assert line, log
            log += line
        ready = httpx.get(f"{running[1]}/readyz", trust_env=False).json()
        assert f"Serving release {ready['release']}" in log
        process.send_signal(signal.SIGTERM)
        log += process.stderr.read()
    assert "shutdown complete" in log
    assert "Traceback" not in log
