"""A terminal of a width, and what a command shows on it."""

import io
from collections.abc import Callable, Sequence

import pytest


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


def shown_on(
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    main: Callable[[Sequence[str]], int],
    *words: object,
) -> list[str]:
    """The lines that a command prints on a terminal of so many columns."""
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(list(map(str, words))) == 0
    return out.getvalue().splitlines()
