"""The ranges that a value of the schema can be held to, and how each is said to a person."""

import math
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Range:
    """A finite number within bounds."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    def allows(self, value: Any) -> bool:
        """Whether `value` is finite and within the bounds."""
        return (
            math.isfinite(value)
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        signs = {">=": self.at_least, ">": self.above, "<=": self.at_most, "<": self.below}
        return " and ".join(
            f"{sign} {bound:g}" for sign, bound in signs.items() if bound is not None
        )


@dataclass(frozen=True)
class Matches:
    """A text of a certain form."""

    pattern: str
    words: str

    def allows(self, value: Any) -> bool:
        """Whether the whole text has the form."""
        return re.fullmatch(self.pattern, str(value)) is not None

    def __str__(self) -> str:
        return f"of {self.words}" if " " not in self.words else f"({self.words})"


@dataclass(frozen=True)
class NotEmpty:
    """A list with at least one element."""

    words: str

    def allows(self, value: Any) -> bool:
        """Whether there is an element."""
        return len(value) > 0

    def __str__(self) -> str:
        return f"({self.words})"


@dataclass(frozen=True)
class Each:
    """A list of a certain length."""

    length: int

    def allows(self, value: Any) -> bool:
        """Whether the list has that length."""
        return len(value) == self.length

    def __str__(self) -> str:
        return f"({self.length} of them)"


Constraint = Range | Matches | NotEmpty | Each
