"""Secrets that no message of the clients may contain."""

import asyncio
import traceback

import pytest

from service.client import AsyncClient, Client, ServiceError
from service.settings import ServiceSettings

SECRET = "s3cret"
NOWHERE = f"http://somebody:{SECRET}@127.0.0.1:9"


def chain(error: BaseException) -> str:
    """Return all text of an error that a traceback, a log or a debugger shows."""
    shown = [str(error), repr(error), repr(error.args)]
    for other in (error.__cause__, error.__context__):
        if other is not None:
            shown.append(chain(other))
    text = "".join(traceback.format_exception(type(error), error, None))
    return "\n".join([*shown, text])


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    "key",
    [
        f"{SECRET}\n",
        f"{SECRET}\r\nX-Other: 1",
        f"\t{SECRET}",
        f" {SECRET}",
        f"{SECRET} ",
        f"{SECRET}\0",
        f"{SECRET}\x7f",
        f"{SECRET}ü",
        f"{SECRET}\N{ZERO WIDTH SPACE}",
        f"{SECRET}\ud800",
        "",
    ],
)
def test_an_invalid_key_is_rejected_and_not_shown(kind, key):
    with pytest.raises(ServiceError, match="key") as caught:
        kind("http://127.0.0.1:9", api_key=key)
    assert SECRET not in chain(caught.value)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    "address", [f"http://a:{SECRET}#@x:y", f"http://a:b@x:{SECRET}", "http://\n"]
)
def test_an_invalid_base_url_is_rejected_and_not_shown(kind, address):
    with pytest.raises(ServiceError, match="URL") as caught:
        kind(address)
    assert SECRET not in chain(caught.value)


def test_no_message_contains_the_password_of_the_base_url():
    with Client(NOWHERE, retries=0) as client, pytest.raises(ServiceError) as caught:
        client.ready()
    assert "127.0.0.1:9" in str(caught.value)
    assert SECRET not in chain(caught.value)

    async def send() -> None:
        async with AsyncClient(NOWHERE, retries=0) as client:
            await client.ready()

    with pytest.raises(ServiceError) as caught:
        asyncio.run(send())
    assert SECRET not in chain(caught.value)


def test_no_message_about_an_unexpected_response_contains_the_password(serving, home):
    with serving(ServiceSettings(home=home)) as served:
        address = str(served.base_url).replace("//", f"//somebody:{SECRET}@")
        with Client(f"{address}/docs", retries=0) as client, pytest.raises(ServiceError) as caught:
            client.ready()
    assert SECRET not in chain(caught.value)


@pytest.mark.parametrize("key", ["k", "a key", "~!@#$%^&*()", "x" * 500])
def test_valid_keys_are_accepted(key):
    Client(api_key=key).close()


@pytest.mark.parametrize("key", ["a\nb", " a", "a ", "ä"])
def test_the_service_rejects_the_same_keys(key):
    with pytest.raises(ValueError, match="header"):
        ServiceSettings(api_key=key)
