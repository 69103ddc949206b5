"""What a reference consists of, whatever it is written as.

Texts are plain sentences; what stands between backticks in them is code.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What values are possible, such as `list of Neighbor or null`."""

    text: str
    """Holds `{}` where the name of the record stands, if there is one."""
    record: str | None = None


@dataclass(frozen=True)
class Field:
    """A parameter of a call, or a field of a record."""

    name: str
    kind: Kind
    description: str
    default: str | None = None
    required: bool = True


@dataclass(frozen=True)
class Record:
    """A JSON object with these fields."""

    name: str
    description: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Answer:
    """What comes back where nothing goes wrong: a record, or a file of these media types."""

    description: str
    media_types: tuple[str, ...]
    record: Record | None


@dataclass(frozen=True)
class Body:
    """What is sent."""

    description: str
    media_types: tuple[str, ...]


@dataclass(frozen=True)
class Operation:
    """One call."""

    name: str
    """Unique; the operation's id in the description."""
    method: str
    path: str
    summary: str
    description: str
    guarded: bool
    """Whether it asks for the key of the service, where there is one."""
    parameters: tuple[Field, ...]
    body: Body | None
    answer: Answer
    errors: tuple[str, ...]
    """Status codes."""
    example: str
    """Path and query of a request with examples of its parameters, percent-encoded."""


@dataclass(frozen=True)
class Group:
    """Calls about the same thing."""

    name: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Reference:
    """Everything there is to say of the service's calls."""

    title: str
    paragraphs: tuple[str, ...]
    groups: tuple[Group, ...]
    records: tuple[Record, ...]
    """Those that occur within answers, by name."""
    problem: Record
    """What every error is."""
    errors: tuple[tuple[str, str], ...]
    """Every status code of an error with what it means; `default` last."""
