"""The types of the schema's keys, each with its range: every number, text and list has one."""

from typing import Annotated, Any

from seedbed.config.constraints import (
    DISTINCT,
    FILE_NAME,
    TEXT_ENCODING,
    Length,
    Range,
    matches,
)

MOST_COUNTED = 2**31 - 1
"""Of rows, epochs, units, steps: what fits into 32 bits."""

LARGEST = 1e30
"""Of a quantity; its square is finite in float64, and it is itself in float32."""

LONGEST_TEXT = 1000
"""Characters of a name, such as a column's."""

MOST_NAMED = 100_000
"""Names in a list."""

Count = Annotated[int, Range(at_least=1, largest=MOST_COUNTED)]
WholeFromZero = Annotated[int, Range(at_least=0, largest=MOST_COUNTED)]
Threads = Annotated[int, Range(at_least=1, at_most=1024)]
Processes = Annotated[int, Range(at_least=0, at_most=1024)]
Positive = Annotated[float, Range(above=0, largest=LARGEST)]
FromZero = Annotated[float, Range(at_least=0, largest=LARGEST)]
Fraction = Annotated[float, Range(at_least=0, below=1)]
Factor = Annotated[float, Range(above=0, below=1)]
Share = Annotated[float, Range(at_least=0, at_most=1)]
Seed = Annotated[int, Range(at_least=0, below=2**63)]
Text = Annotated[str, Length(0, LONGEST_TEXT)]
Name = Annotated[str, Length(1, LONGEST_TEXT, "not empty")]
PathText = Annotated[str, FILE_NAME]
Encoding = Annotated[str, TEXT_ENCODING]
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
Widths = Annotated[list[Count], Length(1, 10_000, "one width for each hidden layer")]
Names = Annotated[list[Name], Length(1, MOST_NAMED, "one name or more"), DISTINCT]
AnyNames = Annotated[list[Name], Length(0, MOST_NAMED)]
Rows = Annotated[list[Any], Length(1, 1_000_000, "a list of rows")]
Betas = Annotated[list[Fraction], Length(2, 2)]
Layers = Annotated[list[Any], Length(1, 10_000, "one layer or more")]
Object = dict[str, Any]
Objects = Annotated[list[Object], Length(0, MOST_NAMED)]
