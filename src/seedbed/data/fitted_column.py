"""What is measured on the training rows of one feature, and how its values become inputs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import did_you_mean, in_list, joined
from seedbed.data.measurable import refuse_immeasurable
from seedbed.errors import DataError
from seedbed.tables.spellings import KnownNames
from seedbed.tables.table import Column, Table
from seedbed.tables.text_form import Kind

Floats = NDArray[np.float64]

AT_ONCE = 2**18
"""Values of several columns that are measured side by side."""


@dataclass(frozen=True)
class FittedColumn:
    """What was measured on one feature's training rows.

    Args:
        name: of the column.
        kind: number, boolean or category.
        shape: of one value; [] for a plain number.
        mean: replaces missing values, and is subtracted when standardizing.
        scale: the population standard deviation to divide by, 1 where the column is constant; None
            where it is left as it is.
        categories: the names in training, sorted; None among them stands for missing.
        gaps: whether a training row had no number; None of names, and where nobody looked.
        parts: of dates, one for each of its values; None of anything else.
        decoded: of images, how their files are read; None of anything else.
    """

    name: str
    kind: Kind
    shape: list[int]
    mean: Any = None
    scale: Any = None
    categories: list[str | None] | None = None
    gaps: bool | None = None
    parts: list[str] | None = None
    decoded: dict[str, Any] | None = None

    @property
    def width(self) -> int:
        """How many input columns this one becomes."""
        if self.categories is not None:
            return len(self.categories)
        return math.prod(self.shape)

    @property
    def input_names(self) -> list[str]:
        """Of the inputs that this one becomes: `city=Rome`, `pixel_1`, or its own name."""
        if self.categories is not None:
            return [f"{self.name}={'' if one is None else one}" for one in self.categories]
        if not self.shape:
            return [self.name]
        if self.parts is not None:
            return [f"{self.name}.{part}" for part in self.parts]
        return [f"{self.name}_{number + 1}" for number in range(self.width)]

    @property
    def unit(self) -> tuple[Floats, Floats]:
        """The mean and the scale of each input: its own value is `input * scale + mean`."""
        if self.scale is None:
            return np.zeros(self.width), np.ones(self.width)
        mean, scale = (np.broadcast_to(one, self.shape).ravel() for one in (self.mean, self.scale))
        return mean.astype(np.float64), scale.astype(np.float64)

    @cached_property
    def known(self) -> KnownNames:
        """The names in training."""
        return KnownNames(self.categories or [])

    def refuse_other_kind(self, column: Column, origin: str) -> None:
        """Refuses a column that is no number, or of another shape; `origin` is for errors.

        Raises:
            DataError: naming the column.
        """
        if column.kind == "category":
            text = next((one for one in column.names().in_order() if one is not None), None)
            raise DataError(
                f"column '{self.name}' of {origin} holds '{text}', the run was trained on numbers"
            )
        if list(column.values.shape[1:]) != self.shape:
            raise DataError(
                f"'{self.name}' of {origin} has rows of shape {tuple(column.values.shape[1:])}, "
                f"the run was trained on {tuple(self.shape)}"
            )

    def standardized(self, values: Floats) -> Floats:
        """Numbers without gaps and, where the feature has a scale, standardized."""
        mean = np.asarray(self.mean, dtype=np.float64)
        values = np.where(np.isnan(values), mean, values)
        return values if self.scale is None else (values - mean) / np.asarray(self.scale)

    def takes_number(self, column: Column) -> bool:
        """Whether the feature is a plain number, and such is the column."""
        return self.categories is None and not self.shape and _is_plain(column)

    def places(self, column: Column, *, strict: bool, origin: str) -> NDArray[np.int64]:
        """Which of the feature's inputs is 1, of each row; -1 for none.

        Args:
            column: as read.
            strict: refuse names not seen in training; otherwise they become zeros.
            origin: for errors.

        Raises:
            DataError: for an unknown name, where these are refused.
        """
        categories, names = self.categories or [], column.names()
        indices = self.known.indices(names)
        unknown = indices < 0
        if strict and unknown.any():
            row = int(np.argmax(unknown))
            known = [str(item) for item in categories if item is not None]
            name = names.name(int(names.indices[row]))
            got = "a missing value" if name is None else f"'{name}'"
            raise DataError(
                f"column '{self.name}' of {origin}, row {row + 1}: {got} was not in the training "
                f"rows; known are {joined(known)}{did_you_mean(str(name), known)}; "
                "data.unknown=zeros takes such names as zeros"
            )
        return indices


def fit_features(
    names: Sequence[str], table: Table, max_categories: int, *, standardize: bool
) -> list[FittedColumn]:
    """Measures features on their training rows.

    Args:
        names: of the features.
        table: the training rows.
        max_categories: names that a column may have.
        standardize: whether numbers are to be divided by their standard deviation; names and
            booleans stay as they are.

    Raises:
        DataError: if all values of one are missing, or there are more names than that.
    """
    if problems := unusable(names, table, max_categories):
        raise DataError(*problems)
    plain = [name for name in names if _is_plain(table.columns[name])]
    fitted = {one.name: one for one in _fit_numbers(plain, table, standardize=standardize)}
    for name in names:
        column = table.columns[name]
        if column.kind == "category":
            fitted[name] = FittedColumn(name, "category", [], categories=_names_held(column))
        elif name not in fitted:
            fitted[name] = _fit_array(name, column, table.origin, standardize=standardize)
    return [fitted[name] for name in names]


def _fit_numbers(names: Sequence[str], table: Table, *, standardize: bool) -> list[FittedColumn]:
    """Columns of plain numbers: of few rows side by side, as a sweep asks for many, once a seed.

    A number of columns or of one at a time, they have the same bits.
    """
    at_once = max(1, AT_ONCE // max(1, len(table)))
    parts = [names[start : start + at_once] for start in range(0, len(names), at_once)]
    measured = [_measured(part, table, standardize=standardize) for part in parts]
    means, deviations, gaps = (
        [value for part in measured for value in part[index].tolist()] for index in range(3)
    )
    if names:
        refuse_immeasurable(names, means, deviations, table.origin)
    scales = deviations if standardize else [None] * len(names)
    kinds = [table.columns[name].kind for name in names]
    return [
        FittedColumn(name, kind, [], mean, scale if kind == "number" else None, gaps=gap)
        for name, kind, mean, scale, gap in zip(names, kinds, means, scales, gaps, strict=True)
    ]


def _measured(
    names: Sequence[str], table: Table, *, standardize: bool
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """Of each column the mean, the deviation (1 of a constant one), and whether it has gaps."""
    values = np.stack([table.columns[name].values for name in names])
    missing = np.isnan(values)
    mean_of, deviation_of = (np.nanmean, np.nanstd) if missing.any() else (np.mean, np.std)
    with np.errstate(over="ignore", invalid="ignore"):
        means = mean_of(values, axis=1)
        deviations = np.ones(len(names))
        if standardize:
            spread = np.nanmax(values, axis=1) > np.nanmin(values, axis=1)
            deviations = np.where(spread, deviation_of(values, axis=1), 1.0)
    return means, deviations, missing.any(axis=1)


def _fit_array(name: str, column: Column, origin: str, *, standardize: bool) -> FittedColumn:
    """A column of arrays: by value of a row, or by channel of an image and the like."""
    values, scale = column.values, None
    over: Any = {"axis": (0, *range(2, values.ndim)), "keepdims": True}
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.nan_to_num(np.nanmean(values, **over))[0]
        if standardize and column.kind == "number":
            spread = np.nanmax(values, **over) > np.nanmin(values, **over)
            deviation = np.where(spread, np.nanstd(values, **over), 1.0)[0]
            refuse_immeasurable([name], mean, deviation, origin)
            scale = deviation.tolist()
    gaps = bool(np.isnan(values).any())
    shape, parts = list(values.shape[1:]), list(column.parts) or None
    return FittedColumn(name, column.kind, shape, mean.tolist(), scale, gaps=gaps, parts=parts)


def unusable(names: Sequence[str], table: Table, limit: int) -> list[str]:
    """What is wrong with each feature that cannot be fitted."""
    problems, drop = [], "leave it out with data.features=[…] or data.drop=[{}]"
    for name in names:
        column = table.columns[name]
        is_names = column.kind == "category"
        different = _names_held(column) if is_names else []
        if different == [None] or (not is_names and _is_empty(column)):
            problems.append(
                f"column '{name}' of {table.origin} has no value in any training row; "
                f"{drop.format(in_list(name))}"
            )
        elif len(different) > limit:
            problems.append(
                f"column '{name}' of {table.origin} has {len(different)} different names; "
                f"{drop.format(in_list(name))}, or raise data.max_categories (now {limit})"
            )
    return problems


def _is_empty(column: Column) -> bool:
    """Whether numbers are all missing; the first mostly tells."""
    values = column.values
    return not values.size or bool(np.isnan(values.flat[0]) and np.isnan(values).all())


def _names_held(column: Column) -> list[str | None]:
    """The different names in a column, sorted; None, the last, if a row has none."""
    names = column.names()
    held: list[str | None] = [*sorted(names.held())]
    return [*held, None] if names.missing.any() else held


def _is_plain(column: Column) -> bool:
    """Whether it holds one number a row."""
    return column.kind not in ("category", "image") and column.values.ndim == 1


def constant_columns(features: Sequence[FittedColumn], table: Table) -> list[str]:
    """Names of the features that have one value only; arrays are not asked."""
    columns = [(one.name, table.columns[one.name]) for one in features]
    constant = {
        name
        for name, column in columns
        if _is_plain(column) and np.fmin.reduce(column.values) == np.fmax.reduce(column.values)
    }
    constant |= {one.name for one in features if len(one.categories or []) == 1}
    return [one.name for one in features if one.name in constant]
