"""What is measured on the training rows of a stream, in one pass over all rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.config.hints import in_list
from seedbed.config.schema import ColumnsConfig
from seedbed.config.task_names import MULTILABEL, NEVER_SCALED
from seedbed.data.fitted_column import FittedColumn, unusable
from seedbed.data.fitted_table import (
    Columns,
    name_limit,
    notes_on_constants,
    preprocessing_of,
    refuse_absent,
)
from seedbed.data.fitted_target import unit_of_inputs
from seedbed.data.measurable import refuse_immeasurable, refuse_infinite
from seedbed.data.prepared import ColumnsSeen
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.streaming.moments import Moments
from seedbed.data.streaming.split_rule import TRAIN
from seedbed.data.target_values import class_numbers, refuse_other_numbers, target_matrix
from seedbed.errors import DataError
from seedbed.tables.row_names import RowNames
from seedbed.tables.table import Column, Table
from seedbed.tables.text_seen import MOST_DIFFERENT


class Fitting:
    """Measures the training rows, which come some at a time.

    Args:
        config: of the data.
        columns: that are used.
        origin: of the rows, for errors.
    """

    def __init__(self, config: ColumnsConfig, columns: Columns, origin: str) -> None:
        self.config, self.columns, self.origin = config, columns, origin
        kinds = columns.types.kinds
        self.plain = [name for name in columns.features if kinds[name] != "category"]
        self.numbers = Moments(axis=1)
        self.targets = Moments(axis=0)
        self.names: dict[str, dict[str, None]] = {
            name: {} for name in columns.features if kinds[name] == "category"
        }
        self.missing = dict.fromkeys(self.names, False)
        self.held_out: dict[str, set[str | None]] = {name: set() for name in self.names}
        self.held_out_gaps: Any = np.zeros(len(self.plain), dtype=bool)
        self.without: dict[str, int] = dict.fromkeys(columns.features, 0)
        self.class_counts = np.zeros(len(columns.classes), dtype=np.int64)

    def add(self, table: Table, splits: NDArray[np.int8]) -> None:
        """Looks at further rows.

        Args:
            table: of them.
            splits: the split of each.

        Raises:
            DataError: if a number is infinite, or a target is missing or none of the task's.
        """
        columns = self.columns
        refuse_infinite({name: table.columns[name] for name in columns.features}, table.origin)
        whole = bool((splits == TRAIN).all())
        rows = np.flatnonzero(splits == TRAIN)
        others = np.flatnonzero(splits != TRAIN)
        if self.plain:
            numbers = [table.columns[name].values for name in self.plain]
            self.numbers.add(numbers if whole else [one[rows] for one in numbers])
            for index, (name, values) in enumerate(zip(self.plain, numbers, strict=True)):
                missing = np.isnan(values)
                if count := int(np.count_nonzero(missing)):
                    self.without[name] += count
                    self.held_out_gaps[index] |= missing[others].any()
        for name in self.names:
            self._add_names(name, table.columns[name].names(), rows, others)
        if columns.classes:
            classes = class_numbers(table, columns.targets[0], columns.classes)[rows]
            self.class_counts += np.bincount(classes, minlength=len(columns.classes))
        elif columns.targets:
            of_targets = target_matrix(table, columns.targets)
            refuse_other_numbers(columns.task, of_targets, table.origin)
            self.targets.add(of_targets[rows])

    def _add_names(
        self, name: str, names: RowNames, rows: NDArray[np.int64], others: NDArray[np.int64]
    ) -> None:
        held = RowNames(names.indices[rows], names.different)
        self.without[name] += int(names.missing.sum())
        self.names[name] |= dict.fromkeys(held.held())
        self.missing[name] |= bool(held.missing.any())
        if len(self.names[name]) > MOST_DIFFERENT:
            raise DataError(
                f"column '{name}' of {self.origin} has more than {MOST_DIFFERENT} different names; "
                f"leave it out with data.features=[…] or data.drop=[{in_list(name)}]"
            )
        if len(others):
            out = RowNames(names.indices[others], names.different)
            self.held_out[name] |= {*out.held(), *([None] if out.missing.any() else [])}

    def preprocessing(self) -> Preprocessing:
        """What was fitted, as of a table in memory.

        Raises:
            DataError: if a column or the target has nothing that can be measured.
        """
        self.numbers.finish()
        self.targets.finish()
        features = self._features()
        outputs = len(self.columns.targets) or sum(one.width for one in features)
        counts, unit = self._counts(), self._target_unit(features)
        return preprocessing_of(self.config, self.columns, features, outputs, counts, unit)

    def _features(self) -> list[FittedColumn]:
        self._refuse_unusable()
        fitted = {
            name: FittedColumn(name, "category", [], categories=self._categories(name))
            for name in self.names
        }
        if self.plain:
            means = self.numbers.mean.tolist()
            deviations: list[Any] = [1.0] * len(means)
            if self.config.standardize:
                deviations = self.numbers.deviation.tolist()
            refuse_immeasurable(self.plain, means, deviations, self.origin)
            gaps = self.numbers.gaps.tolist()
            for name, mean, scale, gap in zip(self.plain, means, deviations, gaps, strict=True):
                kind = self.columns.types.kinds[name]
                scaled = self.config.standardize and kind == "number"
                fitted[name] = FittedColumn(
                    name, kind, [], mean, scale if scaled else None, gaps=gap
                )
        return [fitted[name] for name in self.columns.features]

    def _categories(self, name: str) -> list[str | None]:
        held: list[str | None] = [*sorted(self.names[name])]
        return [*held, None] if self.missing[name] else held

    def _refuse_unusable(self) -> None:
        """By a table that has every name once, and a number where there is any."""
        stand_in: dict[str, Column] = {}
        for name in self.names:
            stand_in[name] = Column.of_names(RowNames.of(self._categories(name)))
        for index, name in enumerate(self.plain):
            value = 0.0 if self.numbers.count[index] else np.nan
            stand_in[name] = Column("number", np.array([value]))
        table, limit = Table(stand_in, self.origin), name_limit(self.config)
        if problems := unusable(self.columns.features, table, limit):
            raise DataError(*problems)

    def _counts(self) -> list[int]:
        columns = self.columns
        if columns.task == MULTILABEL:
            rows = int(self.targets.count[0])
            return [*np.rint(self.targets.mean * rows).astype(int).tolist(), rows]
        counts: list[int] = self.class_counts.tolist()
        refuse_absent(self.config, columns, counts)
        return counts

    def _target_unit(self, features: Sequence[FittedColumn]) -> tuple[Any, Any]:
        columns = self.columns
        if not columns.targets:
            return unit_of_inputs(features)
        if columns.classes or not self.config.standardize or columns.task in NEVER_SCALED:
            return None, None
        mean, scale = self.targets.mean, self.targets.deviation
        refuse_immeasurable(columns.targets, mean, scale, self.origin)
        return mean.tolist(), scale.tolist()

    def columns_seen(self, left_out: Mapping[str, str]) -> ColumnsSeen:
        """Of all rows, trained on or not.

        Args:
            left_out: columns that are not used, and why.
        """
        names = {
            name: len({*held, *self.held_out[name]} - {None}) for name, held in self.names.items()
        }
        return ColumnsSeen(self.without, names, left_out)

    def notes(self) -> list[str]:
        """On columns that have one value in all training rows."""
        constant = [
            name
            for index, name in enumerate(self.plain)
            if self.numbers.low[index] == self.numbers.high[index]
        ]
        constant += [name for name in self.names if len(self._categories(name)) == 1]
        listed = [name for name in self.columns.features if name in constant]
        targets = [
            name
            for index, name in enumerate(() if self.columns.classes else self.columns.targets)
            if self.targets.low[index] == self.targets.high[index]
        ]
        return notes_on_constants(listed, targets, self.origin)

    def held_out_differ(self, preprocessing: Preprocessing) -> bool:
        """Whether a held-out row has a name or a gap that no training row has."""
        known = {one.name: {*(one.categories or [])} for one in preprocessing.features}
        if any(not held <= known[name] for name, held in self.held_out.items()):
            return True
        return bool((self.held_out_gaps & ~np.asarray(self.numbers.gaps)).any())
