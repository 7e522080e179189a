"""The ranges that a value of the schema can be held to, and the words for each."""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seedbed.config.hints import written

INFINITY = float("inf")


@dataclass(frozen=True)
class Range:
    """A finite number within bounds.

    Args:
        largest: beyond it nothing can be computed; only in the words for a number that is.
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
        """The bound that is only named for a number beyond it, or nothing."""
        if self.largest is None or not self.largest < value < INFINITY:
            return ""
        return f"and at most {_shown(self.largest)}"

    def __str__(self) -> str:
        signs = {">=": self.at_least, ">": self.above, "<=": self.at_most, "<": self.below}
        bounds = {sign: bound for sign, bound in signs.items() if bound is not None}
        return " and ".join(f"{sign} {_shown(bound)}" for sign, bound in bounds.items())


@dataclass(frozen=True)
class Rule:
    """What else a value has to be.

    Args:
        allows: whether it is.
        words: what that is, behind the words for its type.
    """

    allows: Callable[[Any], bool]
    words: str

    def __str__(self) -> str:
        return self.words


def matches(pattern: str, words: str) -> Rule:
    """A text that has a form as a whole."""
    return Rule(
        lambda value: re.fullmatch(pattern, written(value), re.ASCII) is not None, f"({words})"
    )


@dataclass(frozen=True)
class Length:
    """A text or a list of a certain length.

    Args:
        least: characters of the text, or elements of the list.
        most: of them; only in the words for one that is longer.
        words: what a list that is too short should have.
    """

    least: int
    most: int
    words: str = ""

    def allows(self, value: Any) -> bool:
        """Whether it is neither too short nor too long."""
        return self.least <= len(value) <= self.most

    def beyond(self, value: Any) -> str:
        """The bound that is only named for a value beyond it, or nothing."""
        if len(value) <= self.most or self.least == self.most:
            return ""
        return f"of at most {self.most} {'characters' if isinstance(value, str) else 'elements'}"

    def __str__(self) -> str:
        if self.least == self.most:
            return f"({self.least} of them)"
        return f"({self.words})" if self.words else ""


def is_text_encoding(name: str) -> bool:
    """Whether Python reads text files of this encoding; those named hex or zlib are none."""
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)  # refuses those from bytes to bytes, and from text to text
    except (LookupError, ValueError):
        return False
    return codec.incrementaldecoder is not None and codec.name.replace("_", "-") not in NOT_OF_FILES


NOT_OF_FILES = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")
"""Encodings of Python that turn text into text of other letters, for hosts and source code."""


def is_file_name(path: str) -> bool:
    """Whether a file system can have it: no part of it is too long, and nothing ends it early."""
    return (
        0 < len(path) <= LONGEST_PATH
        and "\0" not in path
        and all(len(part.encode("utf-8", "replace")) <= 255 for part in path.split("/"))
    )


LONGEST_PATH = 4096
"""Characters; Linux takes no more."""

TEXT_ENCODING = Rule(
    is_text_encoding, "that names a text encoding, such as utf-8, utf-16 or latin-1"
)
FILE_NAME = Rule(is_file_name, "that a file can have as its name")
DISTINCT = Rule(lambda names: len(set(names)) == len(names), "that all differ")

Constraint = Range | Length | Rule


def _shown(bound: float) -> str:
    """A bound as a person would type it: whole as long as it is short."""
    text = str(bound)
    return text if isinstance(bound, int) and len(text) <= 10 else f"{bound:g}"
