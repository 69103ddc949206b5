"""Policy for the dataset versions that are kept."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Retention:
    """Untagged dataset versions to keep: the newest ones and the recent ones."""

    versions: int = 10
    days: int = 30
