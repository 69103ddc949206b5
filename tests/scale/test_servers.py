"""The servers that the other tests of this folder use."""

import obstore
import pytest
from obstore.exceptions import AlreadyExistsError
from obstore.store import S3Store

from tests.scale.servers import MilvusServer, ObjectStore


def _bucket_store(address: str) -> S3Store:
    # It reads the variables AWS_*.
    return S3Store(address.removeprefix("s3://"), client_options={"allow_http": True})


def test_one_of_two_conditional_puts_wins(bucket: str) -> None:
    store = _bucket_store(bucket)
    obstore.put(store, "lease", b"first", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, "lease", b"second", mode="create")
    assert obstore.get(store, "lease").bytes() == b"first"


def test_a_killed_object_store_has_its_objects(objects: ObjectStore, bucket: str) -> None:
    store = _bucket_store(bucket)
    obstore.put(store, "folder/kept", b"kept")
    objects.restart()
    assert obstore.get(store, "folder/kept").bytes() == b"kept"


def test_a_killed_milvus_has_its_collections(milvus: MilvusServer) -> None:
    from pymilvus import MilvusClient

    client = MilvusClient(uri=milvus.uri)
    client.create_collection("kept", dimension=2)
    client.close()
    milvus.stop()
    milvus.start()
    client = MilvusClient(uri=milvus.uri)
    assert "kept" in client.list_collections()
    client.drop_collection("kept")
    client.close()
