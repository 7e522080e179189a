"""Lines up columns of text."""

from collections.abc import Sequence

Column = list[str]
"""A title and a text for each row."""


def cut(text: str, longest: int) -> str:
    """The text, or the front of it."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def number(value: float | None) -> str:
    """Five digits of it; nothing where there is none."""
    return "" if value is None else f"{value:.5g}"


def width(columns: Sequence[Column]) -> int:
    """Of all of them together."""
    return sum(max(map(len, column)) for column in columns) + 2 * (len(columns) - 1)


def aligned(columns: Sequence[Column]) -> str:
    """Numbers to the right, texts to the left, two spaces between."""
    padded = []
    for column in columns:
        widest = max(map(len, column))
        to_right = all(_is_number(text) for text in column[1:])
        padded.append([text.rjust(widest) if to_right else text.ljust(widest) for text in column])
    return "\n".join("  ".join(line).rstrip() for line in zip(*padded, strict=True))


def with_short_titles(columns: list[Column]) -> list[Column]:
    """`lr` for `optimizer.lr`, where no other key ends so."""
    tails = [title.rpartition(".")[2] for title, *_ in columns]
    return [
        [tail if tails.count(tail) == 1 else title, *texts]
        for tail, (title, *texts) in zip(tails, columns, strict=True)
    ]


def _is_number(text: str) -> bool:
    try:
        float(text.removeprefix("± ") or 0)
    except ValueError:
        return text == "-"
    return True
