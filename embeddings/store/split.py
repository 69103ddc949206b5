"""Sides of the split."""

from typing import Literal

Split = Literal["train", "validation", "pool"]
"""Side of the split; images of the `pool` are neither learned from nor judged."""
