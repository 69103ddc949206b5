import io
import struct

import pytest
from PIL import Image

from embeddings.image_limits import MAX_SCANS, MAX_SEGMENTS, has_too_many_segments


def encoded(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("CMYK" if kind == "JPEG" else "RGB").save(
        buffer, kind, **options
    )
    return buffer.getvalue()


@pytest.mark.parametrize(
    "whole", [encoded("JPEG"), encoded("JPEG", progressive=True), encoded("PNG"), encoded("WEBP")]
)
def test_files_of_encoders_are_far_below_the_limits(whole: bytes) -> None:
    assert not has_too_many_segments(whole)
    assert not has_too_many_segments(whole * 50)
    assert not has_too_many_segments(whole[: len(whole) // 2])


@pytest.mark.parametrize("nothing", [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"text" * 9999])
def test_other_data_have_no_segments(nothing: bytes) -> None:
    assert not has_too_many_segments(nothing)


@pytest.mark.parametrize("part", [b"\xff\xe5\0\2", b"\xff\xd0", b"\xff", b"junk", b"\xff\xd9"])
@pytest.mark.parametrize("progressive", [False, True])
def test_segments_before_the_first_scan_are_counted(part: bytes, progressive: bool) -> None:
    whole = encoded("JPEG", progressive=progressive)

    def flooded(times: int) -> bytes:
        # After the first segment, because a JPEG is recognised by its first bytes.
        place = whole.index(b"\xff\xdb")
        return whole[:place] + part * times + whole[place:]

    assert has_too_many_segments(flooded(MAX_SEGMENTS + 1))
    assert not has_too_many_segments(flooded(MAX_SEGMENTS // 8))


def test_only_real_scans_are_counted() -> None:
    whole = encoded("JPEG", progressive=True)
    begin = whole.rindex(b"\xff\xda")
    before, scan = whole[:begin], whole[begin:-2]
    more = MAX_SCANS - whole.count(b"\xff\xda")
    assert not has_too_many_segments(before + scan * (more + 1) + b"\xff\xd9")
    assert has_too_many_segments(before + scan * (more + 2) + b"\xff\xd9")
    hidden = b"\xff\xfe" + struct.pack(">H", 2002) + b"\xff\xda" * 1000
    assert not has_too_many_segments(whole[:2] + hidden + whole[2:])
    assert not has_too_many_segments(whole + b"\xff\xda" * 1000)


def test_chunks_are_counted() -> None:
    whole = encoded("PNG")
    empty = struct.pack(">I", 0) + b"abCd" + bytes(4)
    for place in (33, len(whole) - 12):
        assert has_too_many_segments(whole[:place] + empty * MAX_SEGMENTS + whole[place:])
        assert not has_too_many_segments(
            whole[:place] + empty * (MAX_SEGMENTS // 2) + whole[place:]
        )
