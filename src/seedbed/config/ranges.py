"""The types of the schema's keys: every number, text and list has a range, with words for it."""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

from seedbed.config.hints import written

INFINITY = float("inf")

MOST_COUNTED = 2**31 - 1
"""Of rows, epochs, units, steps: what fits into 32 bits."""

LARGEST = 1e30
"""Of a quantity; its square is finite in float64, and it is itself in float32."""

LONGEST_TEXT = 1000
"""Characters of a name, such as a column's."""

MOST_NAMED = 100_000
"""Names in a list."""

LONGEST_PATH = 4096
"""Characters; Linux takes no more."""

NOT_OF_FILES = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")
"""Encodings of Python that turn text into text of other letters, for hosts and source code."""


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
        return f"and at most {_bound_text(self.largest)}"

    def __str__(self) -> str:
        signs = {">=": self.at_least, ">": self.above, "<=": self.at_most, "<": self.below}
        bounds = {sign: bound for sign, bound in signs.items() if bound is not None}
        return " and ".join(f"{sign} {_bound_text(bound)}" for sign, bound in bounds.items())


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


def is_file_name(path: str) -> bool:
    """Whether a file system can have it: no part of it is too long, and nothing ends it early."""
    return (
        0 < len(path) <= LONGEST_PATH
        and "\0" not in path
        and all(len(part.encode("utf-8", "replace")) <= 255 for part in path.split("/"))
    )


def _bound_text(bound: float) -> str:
    """A bound as a person would type it: whole as long as it is short."""
    text = str(bound)
    return text if isinstance(bound, int) and len(text) <= 10 else f"{bound:g}"


DISTINCT = Rule(lambda names: len(set(names)) == len(names), "that all differ")
Constraint = Range | Length | Rule

Count = Annotated[int, Range(at_least=1, largest=MOST_COUNTED)]
WholeFromZero = Annotated[int, Range(at_least=0, largest=MOST_COUNTED)]
WholeFromTwo = Annotated[int, Range(at_least=2, largest=MOST_COUNTED)]
Threads = Annotated[int, Range(at_least=1, at_most=1024)]
Processes = Annotated[int, Range(at_least=0, at_most=1024)]
Prefetched = Annotated[int, Range(at_least=1, at_most=1024)]
Positive = Annotated[float, Range(above=0, largest=LARGEST)]
FromZero = Annotated[float, Range(at_least=0, largest=LARGEST)]
Number = Annotated[float, Range(at_least=-LARGEST, at_most=LARGEST)]
Fraction = Annotated[float, Range(at_least=0, below=1)]
Factor = Annotated[float, Range(above=0, below=1)]
Share = Annotated[float, Range(at_least=0, at_most=1)]
Seed = Annotated[int, Range(at_least=0, below=2**63)]
Text = Annotated[str, Length(0, LONGEST_TEXT)]
Name = Annotated[str, Length(1, LONGEST_TEXT, "not empty")]
PathText = Annotated[str, Rule(is_file_name, "that a file can have as its name")]
Paths = Annotated[list[PathText], Length(1, MOST_NAMED, "one path or more")]
Digest = Annotated[str, matches(r"[0-9a-f]{64}", "64 hexadecimal digits, as sha256sum has them")]
Encoding = Annotated[
    str, Rule(is_text_encoding, "that names a text encoding, such as utf-8, utf-16 or latin-1")
]
WarmUp = (
    Count
    | Factor
    | Annotated[str, matches(r"[1-9]\d{0,8} ?(epochs?|steps?)", "'N steps' or 'N epochs'")]
)
Delimiter = Annotated[str, matches(r"[\t\x20-\x7e]", "one ASCII character")]
FolderName = Annotated[
    str,
    matches(r"[A-Za-z0-9_][A-Za-z0-9._-]*", "letters, digits, '.', '_', '-'"),
    Length(1, 100),
]
Device = Annotated[str, matches(r"auto|cpu|mps|cuda(:\d{1,4})?", "auto, cpu, cuda, cuda:N or mps")]
Interval = Annotated[
    int | str, matches(r"[1-9]\d{0,8}( ?(epochs?|steps?|s))?", "N (epochs), 'N steps' or 'N s'")
]
Duration = Annotated[
    int | str,
    matches(
        r"0*[1-9]\d{0,5}|\d{1,6}:[0-5]\d(:[0-5]\d)?|\d{1,3}-\d\d?(:[0-5]\d){0,2}",
        "as SLURM reads it: MINUTES, 'HOURS:MM:SS', 'MINUTES:SS' or 'DAYS-HOURS'",
    ),
]
Steps = Annotated[str, matches(r"[1-9]\d{0,4} steps?", "'N steps', N from 1 to 99999")]
TimeSpan = Annotated[
    str,
    matches(
        r"(?!0*(\.0*)? ?[a-z])\d{1,9}(\.\d{1,6})? ?(s|min|h|d)", "'N s', 'N min', 'N h' or 'N d'"
    ),
]
Memory = Annotated[str, matches(r"[1-9]\d{0,6}[KMGT]", "a number and K, M, G or T, such as 16G")]
DataMemory = Annotated[
    str,
    matches(r"[1-9]\d{0,5}(\.\d{1,3})? ?[KMGT]B", "a number and KB, MB, GB or TB, as in '1 GB'"),
]
Widths = Annotated[list[Count], Length(1, 10_000, "one width for each hidden layer")]
Names = Annotated[list[Name], Length(1, MOST_NAMED, "one name or more"), DISTINCT]
AnyNames = Annotated[list[Name], Length(0, MOST_NAMED)]
Rows = Annotated[list[Any], Length(1, 1_000_000, "a list of rows")]
Betas = Annotated[list[Fraction], Length(2, 2)]
UpToZero = Annotated[float, Range(at_least=-LARGEST, at_most=0)]
FromOne = Annotated[float, Range(at_least=1, largest=LARGEST)]
Coefficients = Annotated[list[Number], Length(3, 3)]
TwoEps = Annotated[list[FromZero | None], Length(2, 2)]
NewtonSteps = Annotated[int, Range(at_least=1, at_most=99)]
RISING = Rule(lambda numbers: all(a < b for a, b in pairwise(numbers)), "that rise")
NOT_FALLING = Rule(lambda numbers: all(a <= b for a, b in pairwise(numbers)), "in rising order")
Turns = Annotated[list[Count], Length(1, 99, "one milestone or more"), RISING]
Schedules = Annotated[list[Any], Length(1, 100, "one schedule or more")]
Milestones = Annotated[list[Count], Length(1, 10_000, "one milestone or more"), NOT_FALLING]
Etas = Annotated[
    list[Positive],
    Length(2, 2),
    Rule(lambda pair: pair[0] < 1 < pair[1], "one below 1 and one above"),
]
StepSizes = Annotated[list[Positive], Length(2, 2), RISING]
Levels = Annotated[list[Factor], Length(1, 100, "one level or more"), RISING]
Side = Annotated[int, Range(at_least=1, at_most=16384)]
Sides = Annotated[list[Side], Length(2, 2)]
Transforms = Annotated[list[Any], Length(0, 100)]
Layers = Annotated[list[Any], Length(1, 10_000, "one layer or more")]
Object = dict[str, Any]
Objects = Annotated[list[Object], Length(0, MOST_NAMED)]
MetricEntries = Annotated[list[Any], Length(0, 100)]
