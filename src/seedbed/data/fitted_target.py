"""What is to be predicted: its columns, and what is measured on the training rows of them."""

from collections.abc import Sequence

import numpy as np

from seedbed.config.schema import ColumnsConfig
from seedbed.config.task_names import RECONSTRUCTION
from seedbed.data.fitted_column import FittedColumn
from seedbed.data.measurable import refuse_immeasurable
from seedbed.data.target_values import target_matrix
from seedbed.errors import DataError
from seedbed.tables.table import Table
from seedbed.tables.table_file import names_of


def target_names(config: ColumnsConfig, table: Table) -> list[str]:
    """The columns to predict; none where the features are reconstructed.

    Raises:
        DataError: if there are none where there must be some, or the other way round.
    """
    named = names_of(getattr(config, "target", None))
    if config.task == RECONSTRUCTION:
        if named:
            raise DataError(
                f"data.task=reconstruction predicts the features, got data.target={named[0]}; type "
                "data.target=null"
            )
        return []
    targets = named or list(table.targets)
    if not targets:
        raise DataError(
            f"data.target is null: name the column of {table.origin} to predict, or type "
            "data.task=reconstruction to predict the features themselves"
        )
    return targets


def outputs_of(train: Table, targets: Sequence[str], features: Sequence[FittedColumn]) -> int:
    """Real values of a row's target."""
    if not targets:
        return sum(one.width for one in features)
    return int(target_matrix(train, targets).shape[1])


def unit_of_inputs(features: Sequence[FittedColumn]) -> tuple[list[float], list[float]]:
    """What undoes the standardizing of the inputs, one after the other."""
    mean, scale = (np.concatenate(parts) for parts in zip(*(f.unit for f in features), strict=True))
    return mean.tolist(), scale.tolist()


def constant_targets(train: Table, targets: Sequence[str]) -> list[str]:
    """Names of the targets that have one value only."""
    return [name for name in targets if np.ptp(train.columns[name].values) == 0]


def target_scale_of(train: Table, targets: Sequence[str]) -> tuple[list[float], list[float]]:
    """The mean and the standard deviation of each target; 1 of one that is constant."""
    values = target_matrix(train, targets)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = values.mean(axis=0)
        scale = np.where(np.ptp(values, axis=0) > 0, values.std(axis=0), 1.0)
    names = targets if len(targets) == len(mean) else [", ".join(targets)]
    refuse_immeasurable(names, mean, scale, train.origin)
    return mean.tolist(), scale.tolist()
