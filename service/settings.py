"""What the operator of the service may set, beside the folder that every floor shares."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from embeddings.home import HomeSettings
from embeddings.index import IndexKind
from embeddings.processors import usable_processors

_MEBIBYTE = 1024 * 1024

LoggedRequests = Literal["problems", "all"]


class ServiceSettings(HomeSettings):
    """Settings of the service, read from variables with the prefix `BELVEDERE_`."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    upload_limit: int = Field(
        20 * _MEBIBYTE, ge=1, description="Largest request body that is read, in bytes."
    )
    concurrency: int = Field(
        # While as many are encoded as there are processors, the next one is decoded.
        default_factory=lambda: usable_processors() + 1,
        ge=1,
        description="Images that are decoded and encoded at the same time.",
    )
    queue: int = Field(
        64, ge=0, description="Images that may wait for their turn before callers are told `busy`."
    )
    work_seconds: float = Field(
        30.0, gt=0, description="Longest time for one image; beyond it its thread is given up."
    )
    upload_seconds: float = Field(
        30.0, gt=0, description="Longest time that a request body may take to arrive."
    )
    api_key: SecretStr | None = Field(
        None, min_length=1, description="Key that the calls which cost ask for; none by default."
    )
    origins: tuple[str, ...] = Field(
        (), description="Other origins whose pages may read answers, as a JSON list; none."
    )
    poll: float = Field(
        1.0, gt=0, description="Seconds between two looks for a newly published release."
    )
    index: IndexKind = Field(
        "flat", description="How photographs are searched: `flat` (exact) or `hnsw` (approximate)."
    )
    log: LoggedRequests = Field(
        "problems", description="Which requests are logged: `problems` or `all`."
    )

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not (
            key.get_secret_value().isascii() and key.get_secret_value().isprintable()
        ):
            raise ValueError("the key is sent in a header; use letters, digits and signs of ASCII")
        return key
