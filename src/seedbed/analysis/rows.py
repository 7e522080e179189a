"""On which rows each run was measured: by its config, and by what its data files held."""

from collections.abc import Callable, Hashable, Sequence

from seedbed.analysis.data_files import FILE_KEYS, FileCells, file_cells
from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import cells_of, differ, identities, settings_of
from seedbed.sweep.yardstick import SAME_ROWS, drawn_by, some_of_the_rows

NOT_OF_ROWS = (*(f"data.{key}" for key in SAME_ROWS), "data.split.seed", *FILE_KEYS)
"""Keys of `data` that leave the rows as they are, or of which something else tells more."""

Rows = tuple[Hashable, Hashable, Hashable]


def rows_of(records: Sequence[RunRecord], files: FileCells | None = None) -> list[Rows]:
    """Of each run, what decides the rows that it is measured on.

    These are keys of the config, who draws the split, how many of the rows are used where things
    are tried out, and the contents of the files.

    Args:
        records: to be told apart.
        files: as `file_cells` has them; None to look.
    """
    files = file_cells(records) if files is None else files
    decide = differing(records, lambda key: key.startswith("data.") and key not in NOT_OF_ROWS)
    contents = list(zip(*files.values(), strict=True)) if files else [()] * len(records)
    keys = zip(cells_of(records, decide), _some_of(records), strict=True)
    return list(zip(keys, _drawn_by(records), contents, strict=True))


def _some_of(records: Sequence[RunRecord]) -> list[Hashable]:
    names = ("limit_batches", "overfit_batches", "fast_dev_run")
    columns = (settings_of(records, f"trainer.{name}") for name in names)
    sizes = settings_of(records, "loader.batch_size")
    return [
        some_of_the_rows(dict(zip(names, each, strict=True)), {"batch_size": size})
        for *each, size in zip(*columns, sizes, strict=True)
    ]


def _drawn_by(records: Sequence[RunRecord]) -> list[Hashable]:
    names = ("validation", "test", "seed", "time")
    split = zip(*(settings_of(records, f"data.split.{name}") for name in names), strict=True)
    others = ("data.folds", "data.validation_path", "seed")
    rest = zip(*(settings_of(records, key) for key in others), strict=True)
    return identities(
        [
            drawn_by({**dict(zip(names, parts, strict=True)), "folds": folds}, own_file, seed)
            for parts, (folds, own_file, seed) in zip(split, rest, strict=True)
        ]
    )


def differing(records: Sequence[RunRecord], is_asked: Callable[[str], bool]) -> list[str]:
    """Keys of the config that are asked for, and do not have one value in all runs."""
    every = dict.fromkeys(key for keys in {tuple(run.settings) for run in records} for key in keys)
    return [key for key in every if is_asked(key) and differ(settings_of(records, key))]
