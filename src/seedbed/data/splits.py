"""Which rows train, which validate and which test: a pure function of a seed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed.config.hints import counted
from seedbed.config.schema import DataConfig, Split
from seedbed.data.folds import dealt, lightest, rows_for
from seedbed.data.seeds import permutation, stream_seed
from seedbed.data.times import split_by_time
from seedbed.errors import DataError

Rows = NDArray[np.int64]

Drawn = tuple[int, int | None]
"""What sets the parts of one run apart from those of another: the seed that draws, and the fold."""


@dataclass(frozen=True)
class Told:
    """What decides where each row may go.

    Args:
        classes: of each row, or None where there are none; of groups nobody asks.
        groups: the number of each row's, or None.
        times: of each row, or None.
    """

    classes: ArrayLike | None = None
    groups: Rows | None = None
    times: NDArray[np.float64] | None = None


def parts_of(config: DataConfig, split: Split, seed: int, rows: int, told: Told) -> dict[str, Rows]:
    """The row numbers of the parts train, validation and test, ascending.

    Args:
        config: `data`, for its folds.
        split: `data.split`, but for the parts that have a file of their own.
        seed: of the run.
        rows: how many there are.
        told: what is known of them.

    Raises:
        DataError: if a part that was asked for would be empty, or there are too few for the folds.
    """
    if told.times is not None:
        parts = split_by_time(split, config.folds, config.fold or 0, told.times)
    elif told.groups is not None:
        parts = _of_groups(config, split, seed, told.groups)
    elif config.folds is not None:
        parts = _of_folds(config.folds, config.fold or 0, split, seed, rows, told.classes)
    else:
        return split_rows(split, seed, rows, told.classes)
    refuse_empty(split, rows, _sizes(parts), told)
    return parts


def refuse_empty(
    split: Split, rows: int, counts: Mapping[str, int], told: Told | None = None
) -> None:
    """Refuses a split that leaves no row where some were asked for.

    Args:
        split: the fraction of each.
        rows: how many there are.
        counts: rows of the splits train, validation and test.
        told: what is known of the rows.

    Raises:
        DataError: naming the first that is empty.
    """
    fractions = {"train": 1.0, "validation": split.validation, "test": split.test}
    for name, fraction in fractions.items():
        if fraction > 0 and counts[name] == 0:
            raise DataError(_empty(name, split, rows, told or Told()))


def _sizes(parts: Mapping[str, Rows]) -> dict[str, int]:
    return {name: len(part) for name, part in parts.items()}


def _empty(name: str, split: Split, rows: int, told: Told) -> str:
    among = f"{rows}"
    if told.groups is not None:
        among = f"{rows} in {counted(int(told.groups.max()) + 1, 'group')} of '{split.by}'"
    if told.times is not None:
        among = f"{rows} of {counted(len(np.unique(told.times)), 'value')} in '{split.time}'"
    return (
        f"data.split leaves no {name} rows of {among} (validation={split.validation:g}, "
        f"test={split.test:g}); give a part more, or 0 to do without it"
    )


def split_rows(
    split: Split, seed: int, rows: int, classes: ArrayLike | None = None
) -> dict[str, Rows]:
    """The row numbers of the splits train, validation and test, ascending, drawn row by row.

    Args:
        split: the fraction of each; with `stratify`, every class is split alike.
        seed: the run's; `split.seed` goes before it.
        rows: how many there are.
        classes: the class of each row, or None where there are none.

    Raises:
        DataError: if a split that was asked for would be empty.
    """
    parts = _cut(split, _drawn(split, seed, rows, classes))
    refuse_empty(split, rows, _sizes(parts))
    return parts


def _cut(split: Split, drawn: Sequence[Rows]) -> dict[str, Rows]:
    parts: dict[str, list[Rows]] = {"train": [], "validation": [], "test": []}
    for group in drawn:
        tested = rows_for(len(group), split.test)
        trained_from = tested + rows_for(len(group), split.validation)
        parts["test"].append(group[:tested])
        parts["validation"].append(group[tested:trained_from])
        parts["train"].append(group[trained_from:])
    return {name: np.sort(np.concatenate(part)) for name, part in parts.items()}


def _drawn(split: Split, seed: int, rows: int, classes: ArrayLike | None) -> list[Rows]:
    """All rows in the order that they are drawn in: those of each class, or all together."""
    order = permutation(stream_seed(split_seed(split, seed), "split"), rows)
    return _by_class(order, classes) if classes is not None and split.stratify else [order]


def _of_folds(
    folds: int, fold: int, split: Split, seed: int, rows: int, classes: ArrayLike | None
) -> dict[str, Rows]:
    """Test rows as without folds; the others are dealt out, those of a class one after the other.

    The parts differ by one row at most, in all and of each class.
    """
    tested, left = [], []
    for group in _drawn(split, seed, rows, classes):
        count = rows_for(len(group), split.test)
        tested.append(group[:count])
        left.append(group[count:])
    rest = np.concatenate(left)
    if len(rest) < folds:
        raise DataError(_too_many(folds, counted(len(rest), "row"), split))
    if classes is not None and split.stratify:
        _refuse_single(folds, np.asarray(classes)[rest])
    inside = dealt(len(rest), folds) == fold
    parts = {"train": rest[~inside], "validation": rest[inside], "test": np.concatenate(tested)}
    return {name: np.sort(part) for name, part in parts.items()}


def _refuse_single(folds: int, classes: NDArray[Any]) -> None:
    """Refuses a class of one row: the fold that it is in would train without the class."""
    names, counts = np.unique(classes, return_counts=True)
    if len(counts) and counts.min() < 2:
        raise DataError(
            f"data.folds={folds}: {counted(int((counts < 2).sum()), 'class')} of {len(names)} "
            "have one row outside of the test rows; a fold would be measured on a class that it "
            "was not trained on; give each class 2 rows or more, or leave the class out"
        )


def _of_groups(config: DataConfig, split: Split, seed: int, groups: Rows) -> dict[str, Rows]:
    """Fractions are of the groups; folds have as nearly equal rows as whole groups allow."""
    number = int(groups.max()) + 1
    if number < 2:
        raise DataError(
            f"data.split.by: '{split.by}' has one group only, which can be in one part alone; name "
            "a column of several groups, or null"
        )
    (order,) = drawn = _drawn(split, seed, number, None)
    if config.folds is None:
        chosen = _cut(split, drawn)
    else:
        tested = rows_for(number, split.test)
        left = order[tested:]
        if len(left) < config.folds:
            what = f"{counted(len(left), 'group')} of '{split.by}'"
            raise DataError(_too_many(config.folds, what, split))
        sizes = np.bincount(groups, minlength=number)[left]
        inside = lightest(sizes, config.folds) == config.fold
        chosen = {"train": left[~inside], "validation": left[inside], "test": order[:tested]}
    return {name: np.flatnonzero(np.isin(groups, one)) for name, one in chosen.items()}


def _too_many(folds: int, what: str, split: Split) -> str:
    test = f" that data.split.test={split.test:g} leaves" if split.test > 0 else ""
    return f"data.folds={folds} are more than the {what}{test}; type fewer folds"


def rest_of(split: Split, own: Iterable[str]) -> Split:
    """The fractions of the parts that have no rows of their own.

    Args:
        split: `data.split`.
        own: the names of those that have.

    Raises:
        DataError: if the fractions leave nothing to train on.
    """
    rest = replace(split, **dict.fromkeys(own, 0.0))  # type: ignore[arg-type]
    if rest.validation + rest.test >= 1:
        raise DataError(
            f"data.split leaves nothing to train on: validation {rest.validation:g} + test "
            f"{rest.test:g} must be < 1"
        )
    return rest


def refuse_few_rows(rows: int, origin: str) -> None:
    """Raises DataError if so many rows, before any split, are too few to train on."""
    if rows < 2:
        count = ("no rows", "one row only")[rows]
        raise DataError(f"data: {origin} has {count}; 2 to train on are the least")


def refuse_few_to_train(rows: int, origin: str) -> None:
    """Raises DataError if a split leaves so few rows to train on."""
    if rows < 2:
        raise DataError(f"data: {origin} leaves {rows} row to train on; 2 are the least")


def split_seed(split: Split, seed: int) -> int:
    """The seed that the parts are drawn by, of a run with this `seed`."""
    return seed if split.seed is None else split.seed


def drawn_by(config: DataConfig, seed: int) -> Drawn:
    """Equal for runs of one `data` group whose parts are the same rows.

    Args:
        config: of a run.
        seed: of it; 0 counts where nothing is drawn from it.
    """
    split = config.split
    takes = split.validation > 0 or split.test > 0 or config.folds is not None
    drawn = takes and split.time is None
    return (split_seed(split, seed) if drawn else 0), config.fold


def _by_class(order: Rows, classes: ArrayLike) -> list[Rows]:
    named = np.asarray(classes)[order]
    return [order[named == name] for name in np.unique(named)]
