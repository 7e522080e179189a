"""Which rows train, which validate and which test: a pure function of a seed."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed.config.schema import Split
from seedbed.data.seeds import permutation, stream_seed
from seedbed.errors import DataError

Rows = NDArray[np.int64]


def split_rows(
    split: Split, seed: int, rows: int, classes: ArrayLike | None = None
) -> dict[str, Rows]:
    """The row numbers of the splits train, validation and test, ascending.

    Args:
        split: the fraction of each; with `stratify`, every class is split alike.
        seed: the run's; `split.seed` goes before it.
        rows: how many there are.
        classes: the class of each row, or None where there are none.

    Raises:
        DataError: if a split that was asked for would be empty.
    """
    order = permutation(stream_seed(split_seed(split, seed), "split"), rows)
    groups = _by_class(order, classes) if classes is not None and split.stratify else [order]
    parts: dict[str, list[Rows]] = {"train": [], "validation": [], "test": []}
    for group in groups:
        tested = _count(len(group), split.test)
        trained_from = tested + _count(len(group), split.validation)
        parts["test"].append(group[:tested])
        parts["validation"].append(group[tested:trained_from])
        parts["train"].append(group[trained_from:])
    splits = {name: np.sort(np.concatenate(part)) for name, part in parts.items()}
    fractions = {"train": 1.0, "validation": split.validation, "test": split.test}
    for name, fraction in fractions.items():
        if fraction > 0 and len(splits[name]) == 0:
            raise DataError(
                f"data.split leaves no {name} rows of {rows} (validation={split.validation:g}, "
                f"test={split.test:g}); give a part more, or 0 to do without it"
            )
    return splits


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


def _by_class(order: Rows, classes: ArrayLike) -> list[Rows]:
    named = np.asarray(classes)[order]
    return [order[named == name] for name in np.unique(named)]


def _count(rows: int, fraction: float) -> int:
    return int(rows * fraction + 0.5)
