"""What is measured on the training rows of one feature, and how its values become inputs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import did_you_mean, shown
from seedbed.data.table import Column, Table
from seedbed.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FittedColumn:
    """What was measured on one feature's training rows.

    Args:
        name: of the column.
        kind: number, boolean or category.
        shape: of one value; [] for a plain number.
        mean: replaces missing values, and is subtracted when standardizing.
        scale: the population deviation to divide by, 1 where the column is constant; None where
            it is left as it is.
        categories: the names in training, sorted; None among them stands for missing.
    """

    name: str
    kind: str
    shape: list[int]
    mean: Any = None
    scale: Any = None
    categories: list[str | None] | None = None

    @property
    def width(self) -> int:
        """How many input columns this one becomes."""
        if self.categories is not None:
            return len(self.categories)
        return int(np.prod(self.shape, dtype=np.int64))

    def transformed(self, column: Column, *, strict: bool, origin: str) -> Floats:
        """The values as the model takes them.

        Args:
            column: as read.
            strict: refuse names not seen in training; otherwise they become zeros.
            origin: for errors.

        Shape:
            (rows,) or (rows, *shape) -> (rows, width) or (rows, *shape)

        Raises:
            DataError: for a value of another kind, infinite, or (strict) an unknown name.
        """
        if self.categories is not None:
            return self._one_hot(column.as_category(), strict=strict, origin=origin)
        if column.kind == "category":
            if all(value is None for value in column.values):
                column = Column("number", np.full(len(column), np.nan))
            else:
                text = next(value for value in column.values if value is not None)
                raise DataError(
                    f"column '{self.name}' of {origin} holds '{text}', the run was trained on "
                    "numbers"
                )
        if list(column.values.shape[1:]) != self.shape:
            raise DataError(
                f"'{self.name}' of {origin} has rows of shape {tuple(column.values.shape[1:])}, "
                f"the run was trained on {tuple(self.shape)}"
            )
        values = np.where(np.isnan(column.values), np.asarray(self.mean), column.values)
        if self.scale is not None:
            values = (values - np.asarray(self.mean)) / np.asarray(self.scale)
        return values if self.shape else values[:, None]

    def _one_hot(self, column: Column, *, strict: bool, origin: str) -> Floats:
        categories = self.categories or []
        place = {name: index for index, name in enumerate(categories)}
        encoded = np.zeros((len(column), len(categories)))
        for row, name in enumerate(column.values):
            if name in place:
                encoded[row, place[name]] = 1.0
            elif strict:
                known = [str(item) for item in categories if item is not None]
                got = "a missing value" if name is None else f"'{name}'"
                raise DataError(
                    f"column '{self.name}' of {origin}, row {row + 1}: {got} was not in the "
                    f"training rows; known are {shown(known)}{did_you_mean(str(name), known)}"
                )
        return encoded


def fit_feature(name: str, column: Column, max_categories: int, origin: str) -> FittedColumn:
    """Measures one feature on its training rows.

    Raises:
        DataError: if all its values are missing or one is infinite, or there are more names than
            `max_categories`.
    """
    if column.kind == "category":
        return _fit_names(name, column, max_categories, origin)
    if np.isnan(column.values).all():
        raise DataError(
            f"column '{name}' of {origin} has no value in any training row; leave it out with "
            "data.features=[…]"
        )
    refuse_infinite(name, column, origin)
    axes = _axes(column.values)
    mean_of = np.mean if _is_whole(column.values) else np.nanmean
    mean = mean_of(column.values, axis=axes, keepdims=len(axes) > 1)
    mean = mean[0] if len(axes) > 1 else mean
    return FittedColumn(
        name, column.kind, list(column.values.shape[1:]), mean=np.nan_to_num(mean).tolist()
    )


def standardized(fitted: FittedColumn, column: Column) -> FittedColumn:
    """The same, with the deviation to divide by; names and truth values stay as they are."""
    if fitted.kind != "number":
        return fitted
    axes = _axes(column.values)
    deviation_of = np.std if _is_whole(column.values) else np.nanstd
    deviation = deviation_of(column.values, axis=axes, keepdims=len(axes) > 1)
    deviation = deviation[0] if len(axes) > 1 else deviation
    spread = np.nanmax(column.values, axis=axes) > np.nanmin(column.values, axis=axes)
    return replace(fitted, scale=np.where(spread.reshape(deviation.shape), deviation, 1.0).tolist())


def _fit_names(name: str, column: Column, limit: int, origin: str) -> FittedColumn:
    found: set[str | None] = set(column.values.tolist())
    if found == {None}:
        raise DataError(
            f"column '{name}' of {origin} has no value in any training row; leave it out with "
            "data.features=[…]"
        )
    if len(found) > limit:
        raise DataError(
            f"column '{name}' of {origin} has {len(found)} different names; leave it out with "
            f"data.features=[…], or raise data.max_categories (now {limit})"
        )
    named: list[str] = sorted(value for value in found if value is not None)
    categories: list[str | None] = [*named, None] if None in found else [*named]
    return FittedColumn(name, "category", [], categories=categories)


def _is_whole(values: Floats) -> bool:
    """Whether the plain functions give the same bits as those that leave missing values out.

    They are several times as fast; a sweep over seeds asks for them once a column and seed.
    """
    return values.ndim == 1 and not np.isnan(values).any()


def _axes(values: Floats) -> tuple[int, ...]:
    """Over rows; for images and the like also over all but the channels."""
    return (0, *range(2, values.ndim)) if values.ndim > 2 else (0,)


def constant_columns(features: Sequence[FittedColumn], table: Table) -> list[str]:
    """Names of the features that have one value only."""
    constant = []
    for feature in features:
        values = table.columns[feature.name].values
        if feature.categories is not None:
            if len(feature.categories) == 1:
                constant.append(feature.name)
        elif values.ndim == 1 and np.nanmin(values) == np.nanmax(values):
            constant.append(feature.name)
    return constant


def refuse_infinite(name: str, column: Column, origin: str) -> None:
    """Raises DataError, naming the row."""
    if column.kind != "category" and np.isinf(column.values).any():
        row = int(np.argmax(np.isinf(column.values).reshape(len(column), -1).any(axis=1)))
        raise DataError(f"column '{name}' of {origin} holds an infinite number (row {row + 1})")
