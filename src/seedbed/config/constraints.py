"""The ranges that a value of the schema can be held to, and how each is said to a person."""

import codecs
import re
from dataclasses import dataclass
from typing import Any

from seedbed.config.hints import written

INFINITY = float("inf")


@dataclass(frozen=True)
class Range:
    """A finite number within bounds.

    Args:
        largest: beyond it nothing can be computed; only told of a number that is.
    """

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    largest: float | None = None

    def allows(self, value: Any) -> bool:
        """Whether `value` is within the bounds, which no NaN is; integers may be of any size."""
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
            and bool(-INFINITY < value < INFINITY)
            and not self.beyond(value)
        )

    def beyond(self, value: Any) -> str:
        """The bound that is only told of a number beyond it, or nothing."""
        if self.largest is None or not self.largest < value < INFINITY:
            return ""
        return f"and at most {_shown(self.largest)}"

    def __str__(self) -> str:
        signs = {">=": self.at_least, ">": self.above, "<=": self.at_most, "<": self.below}
        bounds = {sign: bound for sign, bound in signs.items() if bound is not None}
        return " and ".join(f"{sign} {_shown(bound)}" for sign, bound in bounds.items())


@dataclass(frozen=True)
class Matches:
    """A text of a certain form."""

    pattern: str
    words: str

    def allows(self, value: Any) -> bool:
        """Whether the whole text has the form."""
        return re.fullmatch(self.pattern, written(value), re.ASCII) is not None

    def __str__(self) -> str:
        return f"of {self.words}" if " " not in self.words else f"({self.words})"


@dataclass(frozen=True)
class Length:
    """A text or a list of a certain length.

    Args:
        least: characters of the text, or elements of the list.
        most: of them; only told of one that is longer.
        words: how a list that is too short is told.
    """

    least: int
    most: int
    words: str = ""

    def allows(self, value: Any) -> bool:
        """Whether it is neither too short nor too long."""
        return self.least <= len(value) <= self.most

    def beyond(self, value: Any) -> str:
        """The bound that is only told of a value beyond it, or nothing."""
        if len(value) <= self.most or self.least == self.most:
            return ""
        return f"of at most {self.most} {'characters' if isinstance(value, str) else 'elements'}"

    def __str__(self) -> str:
        if self.least == self.most:
            return f"({self.least} of them)"
        return f"({self.words})" if self.words else ""


@dataclass(frozen=True)
class Distinct:
    """A list of names, none of them twice."""

    def allows(self, value: Any) -> bool:
        """Whether no two are the same."""
        return len(set(value)) == len(value)

    def __str__(self) -> str:
        return "that all differ"


@dataclass(frozen=True)
class TextCodec:
    """The name of an encoding of text, which `hex`, `zlib` and the like are not."""

    def allows(self, value: Any) -> bool:
        """Whether Python reads text files of this encoding."""
        try:
            found = codecs.lookup(value)
            "".encode(found.name)  # refuses those from bytes to bytes, and from text to text
            incremental = found.incrementaldecoder is not None
        except (LookupError, ValueError):
            return False
        return incremental and found.name not in NOT_OF_FILES

    def __str__(self) -> str:
        return "that names a text encoding, such as utf-8, utf-16 or latin-1"


NOT_OF_FILES = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape")
"""Encodings of Python that turn text into text of other letters, for hosts and source code."""


@dataclass(frozen=True)
class FileName:
    """A path that a file system can have."""

    def allows(self, value: Any) -> bool:
        """Whether no part of it is too long, and nothing in it ends it early."""
        return (
            0 < len(value) <= LONGEST_PATH
            and "\0" not in value
            and all(len(part.encode("utf-8", "replace")) <= 255 for part in value.split("/"))
        )

    def __str__(self) -> str:
        return "that a file can have as its name"


LONGEST_PATH = 4096
"""Characters; Linux takes no more."""

Constraint = Range | Matches | Length | Distinct | TextCodec | FileName


def _shown(bound: float) -> str:
    """A bound as a person would type it: whole as long as it is short."""
    text = str(bound)
    return text if isinstance(bound, int) and len(text) <= 10 else f"{bound:g}"
