"""Uploads in the forms of different clients."""

import gzip
import socket
import zlib

import pytest

BOUNDARY = b"b0undary"


def form(*parts: tuple[bytes, bytes]) -> bytes:
    """Return a form of parts, each given by its header lines and its content."""
    body = b"".join(b"--%s\r\n%s\r\n\r\n%s\r\n" % (BOUNDARY, *part) for part in parts)
    return body + b"--%s--\r\n" % BOUNDARY


def sent(api, body, kind="multipart/form-data; boundary=b0undary", **headers):
    given = {"Content-Type": kind} if kind else {}
    return api.post("/predict", content=body, headers=given | headers)


@pytest.fixture(scope="module")
def expected(api, a_jpeg):
    return api.post("/predict", content=a_jpeg).json()


@pytest.mark.parametrize(
    "header",
    [
        "form-data; name=file; filename*=UTF-8''x.jpg",
        "form-data; name=\"file\"; filename*=utf-8''%E5%B1%B1.jpg",
        "form-data; name=\"file\"; filename*=UTF-8'en'x.jpg",
        "form-data; name=\"file\"; filename*=iso-8859-1''W%E4lder.jpg",
        "form-data; name=\"file\"; filename*=no-such-charset''x.jpg",
        "form-data; name=\"file\"; filename*=UTF-8''%FF%FE.jpg",
        "form-data; name=\"file\"; filename=x.jpg; filename*=UTF-8''y.jpg",
        'form-data; name="file"; filename*=UTF-8\'\'y.jpg; filename="x.jpg"',
        'form-data; name="file"; filename*0=x; filename*1=.jpg',
        "form-data; name*=UTF-8''file; filename=\"x.jpg\"",
        "form-data; name*=UTF-8''fil%65; filename*=UTF-8''x.jpg",
        'form-data; filename="x.jpg"; name="file"',
        "form-data;name=file;filename=x.jpg",
        'Form-Data; NAME="file"; FileName="x.jpg"',
        'form-data; name = "file" ; filename = "x.jpg"',
        'form-data; name="file"; filename="a;b\\"c\\\\.jpg"',
        'form-data; name="file"; filename="山 Wälder.jpg"',
        'form-data; name="file"; filename="C:\\fakepath\\x.jpg"',
        'form-data; name="file"; filename=""',
    ],
)
def test_a_part_is_found_for_every_form_of_its_file_name(api, a_jpeg, expected, header):
    head = b"Content-Disposition: " + header.encode()
    answer = sent(api, form((head, a_jpeg)))
    assert answer.status_code == 200, answer.text
    assert answer.json() == expected


@pytest.mark.parametrize(
    "kind", ["image/jpeg", "Image/JPEG", "image/jpeg; q=1", "application/octet-stream"]
)
def test_a_part_without_a_file_name_is_a_file_if_its_type_is_one(api, a_jpeg, expected, kind):
    head = f'content-disposition: form-data; name="file"\r\nCONTENT-TYPE: {kind}'.encode()
    assert sent(api, form((head, a_jpeg))).json() == expected


def test_other_fields_are_permitted(api, a_jpeg, expected):
    text = (b'Content-Disposition: form-data; name="title"', b"A lake")
    file = (b"Content-Disposition: form-data; name=file; filename*=UTF-8''x.jpg", a_jpeg)
    assert sent(api, form(text, file)).json() == expected
    assert sent(api, form(file, text)).json() == expected


@pytest.mark.parametrize(
    "header",
    [
        "form-data",
        "form-data; filename*=UTF-8''x.jpg",
        "form-data; name=file; filename*=a; filename*0=b",
        "form-data; name*0=fi; name*=le",
        'form-data; name="other"; filename="x.jpg"',
        'form-data; name="File"; filename="x.jpg"',
    ],
)
def test_an_unreadable_part_is_malformed(api, sentence, a_jpeg, header):
    head = b"Content-Disposition: " + header.encode()
    sentence(sent(api, form((head, a_jpeg))), 400)


@pytest.mark.parametrize(
    "kind",
    [
        "Multipart/Form-Data; boundary=b0undary",
        'multipart/form-data; charset=utf-8; boundary="b0undary"',
        "multipart/form-data ;BOUNDARY=b0undary",
    ],
)
def test_the_type_of_a_form_is_read_in_every_spelling(api, a_jpeg, expected, kind):
    head = b'Content-Disposition: form-data; name="file"; filename="x.jpg"'
    assert sent(api, form((head, a_jpeg)), kind).json() == expected


@pytest.mark.parametrize(
    "kind",
    [None, "image/jpeg", "IMAGE/JPEG", "application/octet-stream", "image/png", "text/plain"],
)
def test_a_body_is_read_for_any_declared_type(api, a_jpeg, expected, kind):
    assert sent(api, a_jpeg, kind).json() == expected


@pytest.mark.parametrize("coding", ["gzip", "GZip", "br", "deflate", "zstd", "identity, gzip"])
@pytest.mark.parametrize("call", ["/predict", "/neighbors", "/tsne"])
def test_a_compressed_body_is_rejected(api, sentence, a_jpeg, call, coding):
    body = zlib.compress(a_jpeg) if coding == "deflate" else gzip.compress(a_jpeg)
    answer = api.post(call, content=body, headers={"Content-Encoding": coding})
    assert "`Content-Encoding`" in sentence(answer, 415)
    assert answer.headers["accept-encoding"] == "identity"


def test_a_compressed_form_or_part_is_rejected(api, sentence, a_jpeg):
    plain = b'Content-Disposition: form-data; name="file"; filename="x.jpg"'
    whole = gzip.compress(form((plain, a_jpeg)))
    answer = sent(api, whole, **{"Content-Encoding": "gzip"})
    assert "`Content-Encoding`" in sentence(answer, 415)
    part = form((plain + b"\r\nContent-Encoding: gzip", gzip.compress(a_jpeg)))
    assert "`Content-Encoding`" in sentence(sent(api, part), 415)


def test_identity_is_accepted(api, a_jpeg, expected):
    assert sent(api, a_jpeg, None, **{"Content-Encoding": "identity"}).json() == expected


def test_expect_100_continue_is_answered(api, a_jpeg):
    with socket.create_connection((api.base_url.host, api.base_url.port), timeout=60) as raw:
        raw.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
            b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(a_jpeg)
        )
        with raw.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 100 ")
            raw.sendall(a_jpeg)
            assert b"HTTP/1.1 200 " in answer.read()
