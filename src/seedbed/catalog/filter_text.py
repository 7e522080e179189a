"""Reads a filter: comparisons joined by `and`, `or`, `not` and parentheses. Nothing is evaluated.

filter     = all ("or" all)*
all        = one ("and" one)*
one        = "not" one | "(" filter ")" | comparison
comparison = key operator value | key ["not"] "in" "[" value ("," value)* "]"
operator   = "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"
value      = number | true | false | null | nan | word | "text" | 'text' | "[" values "]"
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from seedbed.catalog.filter_tokens import Token, mistake, tokens
from seedbed.errors import ArgumentError

DEEPEST = 50
"""Parentheses and `not`s in each other."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", flags=re.IGNORECASE)
INFINITE = re.compile(r"[+-]?inf", flags=re.IGNORECASE)

CONSTANTS = {"true": True, "false": False, "null": None, "none": None, "nan": math.nan}

JOINING = ("and", "or", "not", "in")


@dataclass(frozen=True)
class Comparison:
    """What is asked of one value.

    Args:
        key: the name of the value.
        operator: `=`, `<`, `<=`, `>`, `>=`, `~` or `in`.
        value: to compare with; of `in` a list of them.
        written: each value as it was typed, for errors and `~`.
        negated: whether the opposite is asked, as `!=`, `!~` and `not in` do.
        at: of the key, in the filter.
        value_at: of the value.
    """

    key: str
    operator: str
    value: Any
    written: str
    negated: bool
    at: int
    value_at: int


@dataclass(frozen=True)
class Not:
    """The opposite."""

    inner: "Condition"


@dataclass(frozen=True)
class Joined:
    """Several conditions, all of which hold, or one of which does.

    Args:
        parts: two or more.
        every: whether all must hold.
    """

    parts: "tuple[Condition, ...]"
    every: bool


Condition = Comparison | Not | Joined


def parsed(text: str) -> Condition:
    """What a filter asks.

    Raises:
        ArgumentError: showing the place where it cannot be read.
    """
    reader = _Reader(text)
    condition = reader.either(0)
    reader.expect_end()
    return condition


class _Reader:
    """Reads from the left, looking one word ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = list(tokens(text))
        self.place = 0

    @property
    def next(self) -> Token:
        return self.words[self.place]

    def take(self) -> Token:
        token = self.next
        self.place += token.kind != "end"
        return token

    def takes(self, word: str) -> bool:
        """Whether it comes next; it is taken then."""
        token = self.next
        joining = token.kind == "word" and token.text.lower() == word
        if joining or (token.kind == "mark" and token.text == word):
            self.place += 1
            return True
        return False

    def refuse(self, wanted: str) -> ArgumentError:
        return mistake(self.text, self.next.at, f"expected {wanted}, got {self.next}")

    def expect_end(self) -> None:
        if self.next.kind != "end":
            raise self.refuse("'and', 'or' or the end")

    def either(self, depth: int) -> Condition:
        parts = [self.all(depth)]
        while self.takes("or"):
            parts.append(self.all(depth))
        return parts[0] if len(parts) == 1 else Joined(tuple(parts), every=False)

    def all(self, depth: int) -> Condition:
        parts = [self.one(depth)]
        while self.takes("and"):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else Joined(tuple(parts), every=True)

    def one(self, depth: int) -> Condition:
        if depth > DEEPEST:
            raise mistake(self.text, self.next.at, f"nested more than {DEEPEST} levels deep")
        if self.takes("not"):
            return Not(self.one(depth + 1))
        if self.takes("("):
            inner = self.either(depth + 1)
            if not self.takes(")"):
                raise self.refuse("'and', 'or' or ')'")
            return inner
        return self.comparison()

    def comparison(self) -> Comparison:
        if self.next.kind not in ("word", "name") or self.next.text.lower() in JOINING:
            raise self.refuse("a name, such as status or optimizer.lr")
        key = self.take()
        negated = self.takes("not")
        if self.takes("in"):
            return self.membership(key, negated=negated)
        if self.next.text.lower() == "is":
            raise self.refuse(f"=, as in {key.text}=null or {key.text}!=null")
        if negated or self.next.kind != "operator":
            raise self.refuse(
                "'in'" if negated else f"=, !=, <, <=, >, >=, ~ or in behind '{key.text}'"
            )
        operator = self.take().text
        at, (value, written) = self.next.at, self.value()
        negated, plain = operator[0] == "!", operator.removeprefix("!")
        return Comparison(
            key.text, "=" if plain in ("=", "==") else plain, value, written, negated, key.at, at
        )

    def membership(self, key: Token, *, negated: bool) -> Comparison:
        at = self.next.at
        if self.next.text != "[":
            raise self.refuse("'[' and a list of values behind 'in'")
        value, written = self.value()
        return Comparison(key.text, "in", value, written, negated, key.at, at)

    def value(self, depth: int = 0) -> tuple[Any, str]:
        """A value, and its text."""
        token = self.next
        if token.kind == "quoted":
            return self.take().text, token.text
        if self.takes("["):
            if depth > DEEPEST:
                raise mistake(self.text, token.at, "a list nested too deeply")
            return self.values(depth), self.text[token.at : self.words[self.place - 1].at + 1]
        if token.kind != "word" or token.text.lower() in JOINING:
            raise self.refuse("a value; text that is no single word goes into quotes")
        return _constant(self.take().text), token.text

    def values(self, depth: int) -> list[Any]:
        items: list[Any] = []
        while not self.takes("]"):
            if items and not self.takes(","):
                raise self.refuse("',' or ']'")
            items.append(self.value(depth + 1)[0])
        return items


def _constant(word: str) -> Any:
    if word.lower() in CONSTANTS:
        return CONSTANTS[word.lower()]
    if NUMBER.fullmatch(word):
        is_whole = word.lstrip("+-").isdigit() and len(word) < 300
        return int(word) if is_whole else float(word)
    return float(word) if INFINITE.fullmatch(word) else word
