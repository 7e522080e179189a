"""What a person can mend, one class a cause.

The command line prints each problem as an `error:` line and exits with 2; every message says what
was asked, what was got, what is allowed and what to type. `Attempts` gathers what is wrong with
several things, so that it is told at once.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LONGEST = 2000
"""Characters of a problem; what it quotes may have thousands."""


class SeedbedError(Exception):
    """One or more problems with what the user gave.

    Args:
        problems: one line each, without the `error:` in front; they may quote anything, and
            characters that a terminal would not print as such are escaped.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = [_short(_printable(problem)) for problem in problems]
        super().__init__("\n".join(self.problems))

    told_elsewhere = False
    """Whether another process of the same command says it."""


class ConfigError(SeedbedError):
    """A key, value, group or option that the config does not take."""


class NotAllowedError(SeedbedError):
    """A class that is not on the allow-list, or that cannot be built as asked."""


class DataError(SeedbedError):
    """A data file or row that cannot be used."""


class ModelError(SeedbedError):
    """A model that cannot be built, or does not fit the data."""


class MetricError(SeedbedError):
    """A metric of the config's that cannot be computed."""


class OwnCodeError(SeedbedError):
    """A function or class of the user's own that gives something else than it has to."""


class DeviceError(SeedbedError):
    """A device or precision that this machine does not have."""


class RunDirectoryError(SeedbedError):
    """A run directory that is missing, incomplete or cannot be written."""


class DirectoryTakenError(RunDirectoryError):
    """A run directory that another run holds."""


class PackReplacedError(RunDirectoryError):
    """A pack of runs that another one has taken the place of while it was read."""


class CheckpointError(SeedbedError):
    """A checkpoint that is damaged, or belongs to another model."""


class RunFailedError(SeedbedError):
    """A run that broke off; the command line ends with 1 then, not with 2."""


class RunTakenError(RunFailedError, RunDirectoryError):
    """A run or a sweep with which another process has gone on while this one stood still."""


class LimitError(SeedbedError):
    """A run that takes more memory to open than is allowed."""


class ArgumentError(SeedbedError):
    """An argument of a command that cannot be used."""


class Attempts:
    """Tries things one after the other, and keeps what is wrong with each."""

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


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _short(text: str) -> str:
    """The beginning and the end, where it says what to type."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} … {text[-half:]}"
