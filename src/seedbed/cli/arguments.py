"""What the commands share in reading their arguments."""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from seedbed.config.hints import did_you_mean
from seedbed.errors import ArgumentError
from seedbed.remote.data_files import local_file
from seedbed.remote.urls import is_url
from seedbed.runs.files import printable

MOST_DIGITS = 300
"""Of a number; a float can hold no more."""


class Once(argparse.Action):
    """Keeps the value of a flag, and refuses a second: argparse keeps the last in silence."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Keeps it."""
        if option_string and getattr(namespace, self.dest, self.default) is not self.default:
            parser.error(f"argument {option_string}: given more than once")
        setattr(namespace, self.dest, values)


class Parser(argparse.ArgumentParser):
    """Refuses in one line, with the nearest right name.

    Args:
        command: its name.
        text: what it does.
        example: one whole line to type.
    """

    def __init__(self, command: str, text: str, example: str) -> None:
        super().__init__(
            prog=f"seedbed {command}",
            description=text,
            epilog=f"example: {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.register("action", None, Once)

    def error(self, message: str) -> NoReturn:
        """Raises instead of printing.

        Raises:
            ArgumentError: always.
        """
        hint = ""
        if message.startswith("unrecognized arguments: "):
            flags = [flag for action in self._actions for flag in action.option_strings]
            hint = did_you_mean(message.split(": ")[1].split()[0], flags)
        raise ArgumentError(f"{message}{hint or f'; type {self.prog} --help'}")


def parsed_json(text: str, key: str) -> Any:
    """JSON from the command line.

    Raises:
        ArgumentError: saying where it breaks.
    """
    try:
        return json.loads(text, parse_int=_whole, object_pairs_hook=partial(_mapping, key))
    except json.JSONDecodeError as err:
        raise ArgumentError(
            f"{key} is not JSON ({err.msg} at character {err.pos + 1}): {text[:60]}; "
            f"type {key} '[[10, 11]]'"
        ) from err
    except RecursionError as err:
        raise ArgumentError(f"{key} is nested too deeply") from err
    except ValueError as err:
        raise ArgumentError(f"{key} has {err}; type it as 1e30") from err


def _mapping(key: str, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, in which no name stands twice: Python would keep the last in silence."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ArgumentError(f"{key} names '{printable(twice)}' more than once in a row")
    return mapping


def _whole(digits: str) -> int:
    """An integer that a float can hold."""
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def output_file(text: str, key: str) -> Path:
    """A file to be written, whose folder is there.

    Raises:
        ArgumentError: if it is not.
    """
    if is_url(text):
        raise ArgumentError(f"{key}: '{text}' is a URL; write a file here, and copy it there")
    path = Path(text)
    if path.is_dir():
        raise ArgumentError(f"{key}: '{path}' is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ArgumentError(f"{key}: no folder '{path.parent}'; make it first")
    return path


def rows_file(text: str) -> str:
    """A file of rows that a flag `--file` names; one at a URL is brought here.

    Raises:
        DataError: if it cannot be brought.
    """
    return str(local_file(text, "--file"))


def print_notes(notes: Sequence[str]) -> None:
    """Beside the output, which may be JSON."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def refuse_idle_flag(flag: str, given: object, reason: str) -> None:
    """Refuses a flag that would change nothing.

    Raises:
        ArgumentError: if it was given.
    """
    if given:
        raise ArgumentError(f"{flag} {reason}; leave it out")


def refuse_negative(flag: str, number: int | None, noun: str) -> None:
    """Refuses what is no number of things, of which 0 means all.

    Raises:
        ArgumentError: for one below 0.
    """
    if number is not None and number < 0:
        raise ArgumentError(f"{flag}: a number of {noun}, or 0 for all, got {number}")


def add_forms(parser: Parser) -> None:
    """`--csv`, `--md` or `--json`."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print CSV")
    form.add_argument("--md", action="store_true", help="print a table of Markdown")
    form.add_argument("--json", action="store_true", help="print JSON")


def add_better(parser: Parser) -> None:
    """`--better`, which only a metric of the user's own needs."""
    parser.add_argument(
        "--better", choices=("higher", "lower"), help="of a metric of your own: which is better"
    )
