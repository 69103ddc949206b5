"""Reverse proxy that serves a service under a path prefix."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

from benchmarks.connections import SHORT_KEEP_ALIVE

_NOT_FORWARDED = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


@contextmanager
def below(prefix: str, service: httpx.Client, strips: bool) -> Iterator[httpx.Client]:
    """Run a proxy that serves only the service, under a prefix; yield a client of the proxy."""

    class ForwardingHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            path = self.path.removeprefix(prefix) if strips else self.path
            url = service.base_url.copy_with(raw_path=path.encode())
            with httpx.Client(trust_env=False, timeout=60) as own:
                request = own.build_request(
                    self.command, url, content=body, headers=dict(self.headers)
                )
                given = own.send(request, stream=True)
                content = b"".join(given.iter_raw())
            self.send_response_only(given.status_code)
            for name, value in given.headers.multi_items():
                if name not in _NOT_FORWARDED:
                    self.send_header(name, value)
            if "content-length" not in given.headers:
                self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    for method in ("GET", "HEAD", "POST"):
        setattr(ForwardingHandler, f"do_{method}", ForwardingHandler.answer)
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), ForwardingHandler)
    thread = Thread(target=proxy.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{proxy.server_address[1]}{prefix}/"
        with httpx.Client(
            base_url=address, timeout=60, limits=SHORT_KEEP_ALIVE, trust_env=False
        ) as client:
            yield client
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
