import asyncio
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from service.client import AsyncClient, Client, ServiceError, endpoints
from service.schemas import ImageRecord
from service.settings import ServiceSettings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def client(api):
    with Client(str(api.base_url)) as client:
        yield client


def test_methods_return_the_responses_of_the_service(client, api, records):
    ids = [record["id"] for record in records[:51]]
    identifier = ids[3]
    params = {"id": identifier, "k": 5, "label": "lake"}
    assert client.ready().model_dump(mode="json") == api.get("/readyz").json()
    for answer, expected in [
        (client.predict(identifier), api.get("/predict", params={"id": identifier})),
        (client.neighbors(identifier, k=5, label="lake"), api.get("/neighbors", params=params)),
        (client.tsne(n=6), api.get("/tsne", params={"n": 6})),
        (client.images(limit=4, offset=2), api.get("/images?limit=4&offset=2")),
        (client.images(), api.get("/images")),
        (client.images(identifier), api.get("/images", params={"id": identifier})),
        (client.images(ids), api.get("/images", params={"id": ids})),
        (client.features(identifier), api.get("/features", params={"id": identifier})),
        (client.experiments(), api.get("/experiments")),
        (client.errors(limit=3), api.get("/errors?limit=3")),
    ]:
        assert answer.model_dump(mode="json") == expected.json()


def test_images_are_uploaded_and_downloaded(client, api, records):
    identifier = records[5]["id"]
    jpeg = client.image(identifier)
    assert jpeg == api.get(f"/images/{identifier}").content
    assert client.thumbnail(identifier) == api.get(f"/images/{identifier}/thumbnail").content
    assert client.predict(image=jpeg).label == client.predict(identifier).label
    assert client.neighbors(image=jpeg, k=1).neighbors[0].id == identifier
    assert client.place(jpeg).point.x == pytest.approx(
        api.post("/tsne", content=jpeg).json()["point"]["x"]
    )


def test_one_experiment_and_one_random_image(client, records):
    best = client.experiments().best
    assert client.experiment(best).curves.loss
    found = client.random_image(label="road", split="train")
    assert (found.label, found.split) == ("road", "train")
    known = {record["id"] for record in records}
    assert ImageRecord(**found.model_dump(exclude={"release"})).id in known


def test_ids_are_percent_encoded(odd):
    with Client(str(odd.base_url)) as client:
        for identifier in (
            "forest/a b#c?d%e&f=g+h",
            "forest/a%2Fb",
            "forest/Wälder über Zürich 山",
        ):
            assert client.image(identifier).startswith(b"\xff\xd8\xff")
            assert client.thumbnail(identifier).startswith(b"\xff\xd8\xff")
            assert client.features(identifier).id == identifier
        assert client.experiment("own net/plain").name == "own net/plain"


def test_errors_have_the_detail_as_message(client):
    with pytest.raises(ServiceError, match="no image 'forest/none'") as caught:
        client.predict("forest/none")
    assert caught.value.status == 404
    with pytest.raises(ServiceError, match="JPEG, PNG or WebP") as caught:
        client.neighbors(image=b"text")
    assert caught.value.status == 415


@pytest.fixture(scope="module")
def stopped_url(serving, home):
    """Return the base URL of a stopped service."""
    with serving(ServiceSettings(home=home)) as gone:
        return str(gone.base_url)


def test_the_error_for_an_unreachable_service_names_it(stopped_url):
    with (
        Client(stopped_url, retries=1) as client,
        pytest.raises(ServiceError, match="belvedere serve") as caught,
    ):
        client.ready()
    assert caught.value.status is None
    assert stopped_url in str(caught.value)


def test_a_base_url_without_a_scheme_is_rejected():
    with Client("localhost:8000") as client, pytest.raises(ServiceError, match="protocol"):
        client.ready()


def test_the_api_key_is_sent(serving, home, records):
    settings = ServiceSettings(home=home, api_key="a key")
    with serving(settings) as served:
        with Client(str(served.base_url), api_key="a key") as client:
            assert client.tsne(n=2).points
        with Client(str(served.base_url)) as client, pytest.raises(ServiceError) as caught:
            client.tsne(n=2)
        assert caught.value.status == 401


def test_concurrent_calls_get_their_own_responses(api, records):
    ids = [record["id"] for record in records[::9]]

    async def answers():
        async with AsyncClient(str(api.base_url)) as client:
            return await asyncio.gather(*[client.features(id) for id in ids])

    assert [answer.id for answer in asyncio.run(answers())] == ids


def test_both_clients_return_the_same(client, api, records, a_jpeg):
    identifier = records[3]["id"]

    async def check():
        async with AsyncClient(str(api.base_url)) as other:
            assert await other.ready() == client.ready()
            assert await other.predict(image=a_jpeg) == client.predict(image=a_jpeg)
            assert await other.neighbors(identifier, k=5) == client.neighbors(identifier, k=5)
            assert await other.thumbnail(identifier) == client.thumbnail(identifier)
            with pytest.raises(ServiceError, match="no image 'forest/none'") as caught:
                await other.predict("forest/none")
            assert caught.value.status == 404

    asyncio.run(check())


def test_the_asynchronous_error_for_an_unreachable_service_names_it(stopped_url):
    async def call():
        async with AsyncClient(stopped_url, retries=0) as client:
            await client.ready()

    with pytest.raises(ServiceError, match="belvedere serve"):
        asyncio.run(call())


def test_both_clients_have_every_call_with_its_documentation():
    made = {
        name: call
        for name, call in vars(endpoints).items()
        if inspect.isfunction(call) and call.__module__ == endpoints.__name__ and name[0] != "_"
    }
    assert "neighbors" in made
    for name, call in made.items():
        for kind in (Client, AsyncClient):
            method = getattr(kind, name)
            assert method.__doc__ == call.__doc__
            assert list(inspect.signature(method).parameters)[1:] == list(
                inspect.signature(call).parameters
            )


def test_an_id_and_an_image_exclude_each_other(client):
    for arguments in ({}, {"id": "a", "image": b"b"}):
        with pytest.raises(ValueError, match="Give either"):
            client.predict(**arguments)


def test_an_empty_list_of_ids_is_rejected(client):
    with pytest.raises(ValueError, match="at least one id"):
        client.images([])


def test_the_client_imports_no_heavy_package():
    heavy = "{'fastapi', 'faiss', 'lance', 'openvino', 'pyarrow', 'tensorflow', 'training'}"
    code = f"import sys, service.client; sys.exit(' '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
