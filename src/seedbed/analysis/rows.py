"""On which rows each run was measured: by its config, and by what its data files held."""

from collections.abc import Callable, Hashable, Iterable, Sequence

from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import identity
from seedbed.errors import RunDirectoryError
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_json
from seedbed.sweep.yardstick import SAME_ROWS, drawn_by

NOT_OF_ROWS = (*(f"data.{key}" for key in SAME_ROWS), "data.split.seed")
"""Keys of `data` that leave the rows as they are, or are told apart by who draws the split."""


Rows = tuple[Hashable, Hashable, Hashable]

DATA_FILES = ("data.path", "data.validation_path", "data.test_path")


def rows_of(records: Sequence[RunRecord]) -> list[Rows]:
    """Of each run, what decides the rows that it is measured on.

    These are keys of the config, who draws the split, and the contents of the files.
    """
    decide = differing(records, lambda key: key.startswith("data.") and key not in NOT_OF_ROWS)
    contents = file_contents(records)
    return [
        (cells_of(run, decide), _drawn_by(run), content)
        for run, content in zip(records, contents, strict=True)
    ]


def file_contents(records: Sequence[RunRecord]) -> list[Hashable]:
    """Of each run, digests of the data files that it was trained on; all equal where none differ.

    A file may have changed between two sweeps. Within one it did not: one job is asked for all.
    """
    known: dict[Hashable, Hashable] = {}
    found = []
    for run in records:
        files = tuple(run.settings[key] for key in DATA_FILES if run.settings.get(key))
        key = (run.sweep or run.path, identity(list(files)))
        if key not in known:
            known[key] = _digests(run) if files else ()
        found.append(known[key])
    told = {one for one in found if one is not None}
    return found if len(told) > 1 else [()] * len(found)


def _digests(run: RunRecord) -> Hashable:
    """As the run's environment tells them; None where it does not."""
    try:
        data = read_json(RunPaths(run.path).environment).get("data")
    except RunDirectoryError:
        return None
    files = data.get("files") if isinstance(data, dict) else None
    return tuple(sorted(map(str, files.values()))) if isinstance(files, dict) else None


def _drawn_by(run: RunRecord) -> Hashable:
    split = {key: run.settings.get(f"data.split.{key}") for key in ("validation", "test", "seed")}
    own_file = run.settings.get("data.validation_path")
    drawn: Hashable = identity(drawn_by(split, own_file, run.settings.get("seed")))
    return drawn


def differing(records: Sequence[RunRecord], is_asked: Callable[[str], bool]) -> list[str]:
    """Keys of the config that are asked for, and do not have one value in all runs."""
    every = dict.fromkeys(key for keys in {tuple(run.settings) for run in records} for key in keys)
    return [key for key in every if is_asked(key) and _differs(records, key)]


def _differs(records: Sequence[RunRecord], key: str) -> bool:
    first = records[0].settings.get(key)
    others = (run.settings.get(key) for run in records)
    return any(one is not first and identity(one) != identity(first) for one in others)


def cells_of(run: RunRecord, keys: Iterable[str]) -> tuple[Hashable, ...]:
    """What a run has under keys of the config, to be held against another's."""
    return tuple(identity(run.settings.get(key)) for key in keys)
