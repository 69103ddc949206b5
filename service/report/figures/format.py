"""Formats of numbers and lists, and standard errors of shares."""

import math
from collections.abc import Sequence

_THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"

_LEAST = 0.001

TWICE = 2.0
"""Half-width of a 95 % interval, in standard errors."""

NO_LABEL = "no label"
"""Text in place of a class for an image without a label."""


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in 0-1 as per cent; a dash for None."""
    return "–" if share is None else f"{100 * share:.{digits}f}{_THIN_SPACE}%"


def probability(share: float) -> str:
    """Return a probability as per cent, never rounded to 0 % or 100 %."""
    if share < _LEAST:
        return f"<{_THIN_SPACE}{percent(_LEAST)}"
    if share > 1 - _LEAST:
        return f">{_THIN_SPACE}{percent(1 - _LEAST)}"
    return percent(share)


def signed(difference: float | None) -> str:
    """Return a difference of two shares in percentage points with its sign; a dash for None."""
    if difference is None:
        return "–"
    rounded = round(100 * difference, 1)
    return f"{_MINUS if rounded < 0 else '+'}{abs(rounded):.1f}"


def points(difference: float | None) -> str:
    """Return a difference of two shares with its sign and unit; a dash for None."""
    return signed(difference) if difference is None else f"{signed(difference)} points"


def width(share: float) -> str:
    """Return a size in percentage points, such as a standard error."""
    return f"{100 * share:.1f} points"


def count(number: int | None) -> str:
    """Return a whole number with separated thousands; a dash for None."""
    return "–" if number is None else f"{number:,}".replace(",", _THIN_SPACE)


def p_value(value: float | None) -> str:
    """Return a p-value; a dash for None."""
    if value is None:
        return "–"
    return f"<{_THIN_SPACE}0.001" if value < _LEAST else f"{value:.3f}"


def seconds(duration: float | None) -> str:
    """Return a duration in seconds; a dash for None."""
    return "–" if duration is None else f"{duration:.0f}{_THIN_SPACE}s"


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun in singular or plural."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def partly(shown: int, number: int) -> str:
    """Return the beginning of a heading above some of the classes."""
    return f"The {shown} of {count(number)} classes with"


def enumeration(items: Sequence[str]) -> str:
    """Return items as an enumeration: a, b and c."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def standard_error(share: float, number: int) -> float:
    """Return the binomial standard error of a share of `number` images; 0 for no images."""
    return math.sqrt(share * (1 - share) / number) if number else 0.0


def difference_error(first: float, second: float, number: int) -> float:
    """Return the standard error of the difference of two shares of independent samples.

    Models evaluated on the same images share many errors, so this is an upper bound.
    """
    return math.hypot(standard_error(first, number), standard_error(second, number))
