"""Tries parts that are built one after the other, so that all that is wrong is told at once."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from seedbed.errors import SeedbedError

P = ParamSpec("P")
T = TypeVar("T")


class Attempts:
    """Tries the parts of a run one after the other, and keeps what is wrong with each."""

    def __init__(self) -> None:
        self.errors: list[SeedbedError] = []

    def __call__(self, build: Callable[P, T], *args: P.args, **named: P.kwargs) -> T | None:
        """What `build` returns, or None with its problems kept."""
        try:
            return build(*args, **named)
        except SeedbedError as err:
            self.errors.append(err)
            return None

    def error(self) -> SeedbedError:
        """One error that holds all problems, of the kind of the first, which is its cause."""
        problems = [problem for error in self.errors for problem in error.problems]
        whole = type(self.errors[0])(*problems)
        whole.__cause__ = self.errors[0]
        return whole
