"""How figures are put into words, and how sure a share of so many photographs is."""

import math
from collections.abc import Sequence

_THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"

_LEAST = 0.001

TWICE = 2.0
"""Standard errors that a difference must exceed before it says much: about 95 in 100."""


def percent(share: float | None, digits: int = 1) -> str:
    """A share in 0-1 as per cent; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.{digits}f}{_THIN_SPACE}%"


def probability(share: float) -> str:
    """A probability as per cent, never rounded to certainty."""
    if share < _LEAST:
        return f"<{_THIN_SPACE}{percent(_LEAST)}"
    if share > 1 - _LEAST:
        return f">{_THIN_SPACE}{percent(1 - _LEAST)}"
    return percent(share)


def signed(difference: float | None) -> str:
    """A difference of two shares in percentage points, always with its sign; a dash for None."""
    if difference is None:
        return "–"
    rounded = round(100 * difference, 1)
    return f"{_MINUS if rounded < 0 else '+'}{abs(rounded):.1f}"


def points(difference: float | None) -> str:
    """The same with its unit."""
    return signed(difference) if difference is None else f"{signed(difference)} points"


def width(share: float) -> str:
    """A size in percentage points, such as a standard error."""
    return f"{100 * share:.1f} points"


def count(number: int | None) -> str:
    """A whole number with its thousands apart; a dash where there is none."""
    return "–" if number is None else f"{number:,}".replace(",", _THIN_SPACE)


def p_value(value: float | None) -> str:
    """A p-value; a dash where nothing was tested."""
    if value is None:
        return "–"
    return f"<{_THIN_SPACE}0.001" if value < _LEAST else f"{value:.3f}"


def seconds(duration: float | None) -> str:
    """A duration in seconds; a dash where there is none."""
    return "–" if duration is None else f"{duration:.0f}{_THIN_SPACE}s"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def partly(shown: int, number: int) -> str:
    """Return the beginning of a heading above some of many classes."""
    return f"The {shown} of {count(number)} classes with"


def enumeration(items: Sequence[str]) -> str:
    """Items as a sentence names them: a, b and c."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def standard_error(share: float, number: int) -> float:
    """Binomial standard error of a share of `number` photographs; 0 without photographs."""
    return math.sqrt(share * (1 - share) / number) if number else 0.0


def difference_error(first: float, second: float, number: int) -> float:
    """Standard error of the difference of two shares, as if measured on separate photographs.

    Networks judged on the same photographs err on many of the same ones, so this is an upper bound.
    """
    return math.hypot(standard_error(first, number), standard_error(second, number))
