"""What commands over many runs share: their flags, and the table of the runs that are meant."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seedbed.catalog.table import RecordTable, table_of
from seedbed.cli.arguments import Parser, add_better
from seedbed.cli.looking import told_while_looking
from seedbed.config.hints import counted
from seedbed.errors import ArgumentError
from seedbed.remote.places import read_place
from seedbed.runs.layout import RunPaths
from seedbed.runs.opening import opening
from seedbed.runs.pack import is_pack_name

NONE = "none"
"""Of `--over`: no key."""


def is_folder_of_runs(path: Path) -> bool:
    """Whether it is no run itself, and there is something in it to look for runs in."""
    paths = RunPaths(path)
    own = (paths.config, paths.status, paths.history)
    try:
        return path.is_dir() and not any(one.exists() for one in own) and _has_folders(path)
    except OSError:
        return False


def _has_folders(path: Path) -> bool:
    return any(
        is_pack_name(one.name) or (one.is_dir() and not one.name.startswith("."))
        for one in path.iterdir()
    )


def add_filter(made: Parser) -> None:
    """`--filter`."""
    made.add_argument("--filter", metavar="TEXT", help="which runs, as `seedbed runs` takes it")


def add_runs(made: Parser, place: Callable[[str], str] = read_place) -> None:
    """The runs, sweeps and folders that are named.

    Args:
        made: of the command.
        place: the folder of each; what lies at a URL is brought here.
    """
    named = "a run, a sweep, or a folder of some"
    made.add_argument("runs", metavar="RUN | SWEEP | DIR", nargs="+", type=place, help=named)


def add_comparison(made: Parser) -> None:
    """Which runs, and how they are compared: `--metric`, `--over` (`keys_of`), `--better`."""
    made.add_argument("--metric", metavar="NAME", help="default: of the validation rows")
    made.add_argument(
        "--over", metavar="KEY,…", help="keys that repeat a setting; default: seed; none: no key"
    )
    add_better(made)
    add_filter(made)


def keys_of(over: str | None) -> tuple[str, ...] | None:
    """The keys of `--over`; none for `none`, and None where it was not typed.

    Raises:
        ArgumentError: if one is empty.
    """
    if over is None or over == NONE:
        return None if over is None else ()
    keys = tuple(dict.fromkeys(key.strip() for key in over.split(",")))
    if not all(keys):
        raise ArgumentError(f"--over: '{over}' names no key; type --over seed, or --over none")
    return keys


@contextmanager
def runs_below(folders: Sequence[str]) -> Iterator[RecordTable]:
    """The runs below folders, the newest first; bounds of memory hold inside, as for one run.

    Raises:
        RunDirectoryError: if one of them is no folder.
    """
    with opening(folders[0]) as bounds:
        bounds.for_many()
        with told_while_looking() as watch:
            table = table_of(folders, watch)
        yield table


def print_rows(rows: Sequence[Mapping[str, Any]], *, markdown: bool) -> None:
    """Prints rows as CSV, or as a table of Markdown; a row may lack what others have."""
    from seedbed.views.run_rows import csv_text, markdown_text
    from seedbed.views.run_text import columns_of

    columns = columns_of(rows)
    names = [name for name, _ in columns]
    whole = [{name: row.get(name) for name in names} for row in rows]
    print(markdown_text(columns) if markdown else csv_text(whole, names), end="")


def filtered(table: RecordTable, text: str | None) -> RecordTable:
    """The runs that fulfil `--filter`; all where it was not typed.

    Raises:
        ArgumentError: if none does.
    """
    if text is None:
        return table
    found = table.filtered(text)
    if len(table) and not len(found):
        hint = f"; {found.notes[-1]}" if found.notes else ""
        raise ArgumentError(
            f"--filter: none of {counted(len(table), 'run')} fulfils '{text}'{hint}"
        )
    return found
