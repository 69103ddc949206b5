"""Value of an argument that is not given, if None is a value."""

from enum import Enum
from typing import Literal


class Unset(Enum):
    """Type of `UNSET`."""

    UNSET = "unset"


UNSET: Literal[Unset.UNSET] = Unset.UNSET
