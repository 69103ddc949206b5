import pytest

from service.serving.admission import SMALL_UPLOAD, UploadAdmission
from service.serving.errors import QueueFull

LARGE = 4 * SMALL_UPLOAD


def refused(admission: UploadAdmission, size: int) -> bool:
    try:
        with admission.admitted(size):
            return False
    except QueueFull as error:
        return error.retry_after == 1


def test_places_are_limited_and_freed_after_errors():
    admission = UploadAdmission(places=2, memory=100 * LARGE)

    def breaks_off() -> None:
        with admission.admitted(LARGE):
            assert refused(admission, 1)
            raise ValueError("broken")

    with admission.admitted(1), pytest.raises(ValueError, match="broken"):
        breaks_off()
    assert admission.taken == 0
    with admission.admitted(1):
        assert not refused(admission, LARGE)


def test_large_uploads_share_the_memory_and_small_ones_reserve_none():
    admission = UploadAdmission(places=100, memory=2 * LARGE)
    with admission.admitted(LARGE), admission.admitted(LARGE):
        assert refused(admission, LARGE)
        assert refused(admission, SMALL_UPLOAD + 1)
        assert not refused(admission, SMALL_UPLOAD)
    assert not refused(admission, LARGE)


def test_one_large_upload_is_always_admitted():
    admission = UploadAdmission(places=100, memory=1)
    with admission.admitted(LARGE):
        assert refused(admission, LARGE)
    assert not refused(admission, LARGE)
