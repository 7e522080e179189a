"""The words of a filter: names, values, operators, brackets, each with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from seedbed.errors import ArgumentError

LONGEST = 10_000
"""Characters of a filter."""

SHOWN = 60
"""Characters of a filter in an error, around the place."""

TOKEN = re.compile(
    r"""\s*(?:
    (?P<word>[^\s()\[\],=!<>~'"`]+)
    | (?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<name>`[^`]+`)
    | (?P<operator>==|!=|<=|>=|!~|=|<|>|~)
    | (?P<mark>[()\[\],])
    )""",
    flags=re.VERBOSE | re.DOTALL,
)

ESCAPE = re.compile(r"\\(.)", flags=re.DOTALL)


@dataclass(frozen=True)
class Token:
    """One word.

    Args:
        kind: `word`, `quoted`, `name`, `operator`, `mark`, or `end`.
        text: without quotes.
        at: its first character in the filter.
    """

    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"'{self.text}'"


def tokens(text: str) -> Iterator[Token]:
    """The words of a filter; the last is its end.

    Raises:
        ArgumentError: naming the place where there is none.
    """
    if len(text) > LONGEST:
        raise ArgumentError(f"a filter has at most {LONGEST} characters, got {len(text)}")
    at = 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            kind = "name in backticks" if text[at] == "`" else "text in quotes"
            what = f"a {kind} that does not end" if text[at] in "'\"`" else f"'{text[at]}'"
            raise mistake(text, at, f"got {what}")
        kind = match.lastgroup or ""
        word = match[kind]
        if kind == "quoted":
            yield Token(kind, ESCAPE.sub(r"\1", word[1:-1]), match.start(kind))
        else:
            yield Token(kind, word.strip("`") if kind == "name" else word, match.start(kind))
        at = match.end()
    yield Token("end", "", len(text))


def mistake(text: str, at: int, problem: str) -> ArgumentError:
    """An error that shows the place: a `^` stands in front of it."""
    begin, end = max(0, at - SHOWN), at + SHOWN
    before = ("…" if begin else "") + text[begin:at]
    after = text[at:end] + ("…" if end < len(text) else "")
    return ArgumentError(f"filter, at character {at + 1}: {problem}; see ^ in: {before}^{after}")
