"""Which data file each run read: by its content where the run tells it, else by its path.

So a copy, a link, and a file that was moved are one file, and a file that changed is two.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import identity
from seedbed.errors import RunDirectoryError
from seedbed.runs import data_paths
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_json

FILE_KEYS = tuple(f"data.{key}" for key in data_paths.FILE_KEYS)
"""Keys of the config that name a data file."""

Digests = Mapping[str, Any]

FileCells = Mapping[str, list[Hashable]]
"""By key, what each run has there."""


def file_cells(records: Sequence[RunRecord]) -> FileCells:
    """By each key that names a data file in a run: what each run has there; None for no file.

    A run that does not tell what its file held is taken to have read what the others found there,
    if that was one content.
    """
    paths = {key: [run.settings.get(key) for run in records] for key in FILE_KEYS}
    named = {key: column for key, column in paths.items() if any(column)}
    digests = _digests_of_each(records, list(named.values()))
    return {key: _cells(column, digests) for key, column in named.items()}


def _cells(paths: Sequence[Any], digests: Sequence[Digests]) -> list[Hashable]:
    told = [_content(path, known) for path, known in zip(paths, digests, strict=True)]
    found: dict[Any, set[Any]] = {}
    for path, content in zip(paths, told, strict=True):
        if content is not None:
            found.setdefault(identity(path), set()).add(content)
    return [
        content if content is not None else _untold(path, found.get(identity(path), ()))
        for path, content in zip(paths, told, strict=True)
    ]


def _content(path: Any, digests: Digests) -> Hashable:
    """What a run tells of the file at a path; None where it tells nothing."""
    if not path:
        return ("no file",)
    digest = digests.get(str(path))
    return None if digest is None else ("content", str(digest))


def _untold(path: Any, contents: Iterable[Hashable]) -> Hashable:
    found = list(contents)
    return found[0] if len(found) == 1 else ("path", identity(path))


def _digests_of_each(
    records: Sequence[RunRecord], columns: Sequence[Sequence[Any]]
) -> list[Digests]:
    """Of each run, digests of its files by their paths.

    Within a sweep no file changes: one job is asked for all that name the same files.
    """
    known: dict[Hashable, Digests] = {}
    found = []
    for run, *paths in zip(records, *columns, strict=True):
        files = [str(path) for path in paths if path]
        key = (run.sweep or run.path, *files) if files else ()
        if key not in known:
            known[key] = _digests(run, files) if files else {}
        found.append(known[key])
    return found


def _digests(run: RunRecord, files: Sequence[str]) -> Digests:
    """As the run's environment tells them; empty where it does not.

    The only file of a run is the one that its config names, wherever it lay when the run began.
    """
    try:
        data = read_json(RunPaths(run.path).environment).get("data")
    except RunDirectoryError:
        return {}
    told = data.get("files") if isinstance(data, dict) else None
    if not isinstance(told, dict):
        return {}
    return dict(zip(files, told.values(), strict=True)) if len(files) == len(told) == 1 else told
