"""Which rows train, which validate and which test: a pure function of a seed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seedbed.config.schema import Split
from seedbed.data.seeds import permutation, stream_seed
from seedbed.errors import DataError

Rows = NDArray[np.int64]


class Parts(NamedTuple):
    """Row numbers of each part, ascending."""

    train: Rows
    validation: Rows
    test: Rows


def split_rows(split: Split, seed: int, rows: int, classes: Sequence[Any] | None = None) -> Parts:
    """Draws the parts.

    Args:
        split: the fraction of each part; with `stratify`, every class is split alike.
        seed: the run's; `split.seed` goes before it.
        rows: how many there are.
        classes: the class of each row, or None where there are none.

    Raises:
        DataError: if a part that was asked for would be empty.
    """
    order = permutation(stream_seed(split_seed(split, seed), "split"), rows)
    groups = _by_class(order, classes) if classes is not None and split.stratify else [order]
    train, validation, test = [], [], []
    for group in groups:
        tested = _count(len(group), split.test)
        validated = _count(len(group), split.validation)
        test.append(group[:tested])
        validation.append(group[tested : tested + validated])
        train.append(group[tested + validated :])
    parts = Parts(*(np.sort(np.concatenate(part)) for part in (train, validation, test)))
    for name, part, share in (
        ("train", parts.train, 1.0),
        ("validation", parts.validation, split.validation),
        ("test", parts.test, split.test),
    ):
        if share > 0 and len(part) == 0:
            raise DataError(
                f"data.split leaves no {name} rows of {rows} (validation={split.validation:g}, "
                f"test={split.test:g}); give a part more, or 0 to do without it"
            )
    return parts


def refuse_no_rest(split: Split) -> None:
    """Raises DataError if the fractions leave nothing to train on."""
    if split.validation + split.test >= 1:
        raise DataError(
            f"data.split leaves nothing to train on: validation {split.validation:g} + test "
            f"{split.test:g} must be < 1"
        )


def split_seed(split: Split, seed: int) -> int:
    """The seed that the parts are drawn by, of a run with this `seed`."""
    return seed if split.seed is None else split.seed


def _by_class(order: Rows, classes: Sequence[Any]) -> list[Rows]:
    named = np.asarray(classes)[order]
    return [order[named == name] for name in np.unique(named)]


def _count(rows: int, share: float) -> int:
    return int(rows * share + 0.5)
