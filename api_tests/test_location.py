"""Location metadata in served images."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from api_tests.conftest import GEOTAGGED, LOCATION
from embeddings.images import open_rgb
from embeddings.release.reader import current_release, open_release
from embeddings.store.store import Store
from service.settings import ServiceSettings

ADDRESS = f"/images/{GEOTAGGED}"


@pytest.fixture(scope="module")
def stored(odd_home):
    """Return the stored file and its digest."""
    release = open_release(current_release(odd_home / "releases"))
    digest = release.images[release.rows[GEOTAGGED]].digest
    jpeg = Store(str(odd_home / "store")).at().jpeg(digest)
    assert LOCATION in jpeg
    return jpeg, digest


def test_a_served_image_contains_no_location(odd, stored):
    jpeg, _ = stored
    served = odd.get(ADDRESS).content
    assert LOCATION not in served
    exif = Image.open(io.BytesIO(served)).getexif()
    assert dict(exif) == {ExifTags.Base.Orientation: 6}
    np.testing.assert_array_equal(np.asarray(open_rgb(served)), np.asarray(open_rgb(jpeg)))


def test_a_thumbnail_contains_no_location(odd):
    small = odd.get(f"{ADDRESS}/thumbnail").content
    assert LOCATION not in small
    assert not Image.open(io.BytesIO(small)).getexif()


def test_a_setting_serves_the_file_as_stored(serving, odd, odd_home, stored):
    jpeg, digest = stored
    with serving(ServiceSettings(home=odd_home, keep_location=True)) as client:
        answer = client.get(ADDRESS)
        other = odd.get(ADDRESS).headers["etag"]
        assert answer.content == jpeg
        assert digest in answer.headers["etag"]
        assert answer.headers["etag"] != other
        # A copy cached before the setting changed has another entity tag.
        assert client.get(ADDRESS, headers={"If-None-Match": other}).content == jpeg
        assert LOCATION not in client.get(f"{ADDRESS}/thumbnail").content
