"""HTTP server with the part of the S3 protocol that Lance and obstore use; objects are in memory.

It honours the conditions of writes, or ignores them as some servers do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4
from xml.etree.ElementTree import fromstring
from xml.sax.saxutils import escape

_DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


class ObjectServer(ThreadingHTTPServer):
    """Server of objects with the keys `/bucket/key`."""

    daemon_threads = True

    def __init__(self, *, conditional: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.conditional = conditional
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.requests: list[str] = []
        """Method and path of each request."""
        self.lock = Lock()

    @property
    def environment(self) -> dict[str, str]:
        """Variables AWS_* of the clients."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server_port}",
            "AWS_ACCESS_KEY_ID": "key-of-the-test",
            "AWS_SECRET_ACCESS_KEY": "secret-of-the-test",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def handle_error(self, *_: object) -> None:
        """Ignore clients that close their connection."""


@contextmanager
def object_server(*, conditional: bool = True) -> Iterator[ObjectServer]:
    """Run a server until the block ends."""
    with ObjectServer(conditional=conditional) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ObjectServer

    def do_PUT(self) -> None:
        path, query, body = self._request()
        if "partNumber" in query:
            self.server.parts[query["uploadId"]][int(query["partNumber"])] = body
            self._answer(200, headers={"ETag": _tag(body)})
        else:
            self._answer(*self._store(path, body))

    def do_POST(self) -> None:
        path, query, body = self._request()
        if "uploads" in query:
            upload = uuid4().hex
            self.server.parts[upload] = {}
            self._answer(200, f"<R><UploadId>{upload}</UploadId></R>".encode())
        elif "uploadId" in query:
            parts = self.server.parts.pop(query["uploadId"])
            content = b"".join(parts[number] for number in sorted(parts))
            status, _, headers = self._store(path, content)
            tag = escape(_tag(content))
            self._answer(status, f"<R><ETag>{tag}</ETag></R>".encode(), headers)
        else:
            self._answer(200, self._deleted(path.rstrip("/"), body))

    def do_GET(self) -> None:
        path, query, _ = self._request()
        content = self.server.objects.get(path)
        if "list-type" in query:
            self._answer(200, self._listed(path.strip("/"), query))
        elif content is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self._answer(*self._read(content))

    def _read(self, content: bytes) -> tuple[int, bytes, dict[str, str]]:
        headers = {"ETag": _tag(content), "Last-Modified": _DATE}
        if not (given := self.headers.get("Range")):
            return 200, content, headers
        first, last = given.removeprefix("bytes=").split("-")
        start = int(first) if first else len(content) - int(last)
        end = min(int(last) + 1 if first and last else len(content), len(content))
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
        return 206, content[start:end], headers

    def _deleted(self, bucket: str, body: bytes) -> bytes:
        keys = [each.text or "" for each in fromstring(body).iter() if each.tag.endswith("Key")]
        for key in keys:
            self.server.objects.pop(f"{bucket}/{key}", None)
        deleted = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        return f"<DeleteResult>{deleted}</DeleteResult>".encode()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        path, query, _ = self._request()
        if "uploadId" not in query:
            self.server.objects.pop(path, None)
        self._answer(204)

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def _request(self) -> tuple[str, dict[str, str], bytes]:
        parts = urlsplit(self.path)
        query = {key: each[0] for key, each in parse_qs(parts.query, True).items()}
        path = unquote(parts.path)
        self.server.requests.append(f"{self.command} {path}")
        return path, query, self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _store(self, path: str, content: bytes) -> tuple[int, bytes, dict[str, str]]:
        with self.server.lock:
            present = self.server.objects.get(path)
            wanted = self.headers.get("If-Match")
            exists = self.headers.get("If-None-Match") == "*" and present is not None
            differs = wanted is not None and (present is None or _tag(present) != wanted)
            if self.server.conditional and (exists or differs):
                return 412, b"<Error><Code>PreconditionFailed</Code></Error>", {}
            self.server.objects[path] = content
        return 200, b"", {"ETag": _tag(content)}

    def _listed(self, bucket: str, query: dict[str, str]) -> bytes:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        start, found, folders = len(f"/{bucket}/"), list[str](), set[str]()
        for path, content in sorted(self.server.objects.items()):
            key = path[start:]
            if not path.startswith(f"/{bucket}/{prefix}") or key <= query.get("start-after", ""):
                continue
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.split(delimiter)[0] + delimiter)
                continue
            found.append(
                f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z"
                f"</LastModified><ETag>{escape(_tag(content))}</ETag><Size>{len(content)}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
            )
        common = [
            f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>"
            for each in sorted(folders)
        ]
        return (
            f"<ListBucketResult><Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>"
            f"{len(found)}</KeyCount><MaxKeys>100000</MaxKeys><IsTruncated>false</IsTruncated>"
            f"{''.join(found)}{''.join(common)}</ListBucketResult>"
        ).encode()

    def _answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        given: dict[str, Any] = {"Content-Length": len(body), **(headers or {})}
        for name, value in given.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _tag(content: bytes) -> str:
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'
