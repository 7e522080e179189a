"""The rows of every run of a stack, prepared once where runs have them in common."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.data.buckets import buckets_of
from seedbed.data.custom_rows import lengths_of_data
from seedbed.data.images.rows import ImageRows
from seedbed.data.prepared import PreparedData
from seedbed.data.seeds import Order
from seedbed.data.splits import drawn_by
from seedbed.fused.rows import NotAlikeError, StackedRows, table_of
from seedbed.tables.sources import read_once
from seedbed.training.run_data import data_of
from seedbed.training.starting_model import prepared_by

if TYPE_CHECKING:
    from seedbed.training.starting_point import StartingPoint

KnownData = dict[Hashable, PreparedData]
"""Data that was prepared before, by what it was drawn and fitted by."""


def drawn_and_fitted_by(config: RunConfig, point: "StartingPoint | None") -> Hashable:
    """What a run's parts are drawn by, and what fits them."""
    return (drawn_by(config.data, config.seed), prepared_by(config, point))


def data_of_runs(
    configs: Sequence[RunConfig],
    allow: AllowList,
    first: PreparedData,
    points: "Sequence[StartingPoint | None]",
    known: KnownData,
) -> list[PreparedData]:
    """Of each run; prepared once for each seed, or once where nothing is drawn from it."""
    drawn = [drawn_and_fitted_by(*each) for each in zip(configs, points, strict=True)]
    known.setdefault(drawn[0], first)
    read = read_once()
    for config, point, key in zip(configs, points, drawn, strict=True):
        if key not in known:
            known[key] = data_of(config, allow, read, point)
            if point is not None and point.taken is not None:
                _refuse_other_shape(first, known[key])
    return [known[key] for key in drawn]


def _refuse_other_shape(first: PreparedData, other: PreparedData) -> None:
    """Runs may take over what was fitted on other names of the same columns.

    Raises:
        NotAlikeError: if that makes another number of inputs.
    """
    one, two = first.preprocessing.input_shape, other.preprocessing.input_shape
    if one != two:
        raise NotAlikeError(
            f"init.run: the preprocessing of one run makes inputs of {tuple(one)}, another's of "
            f"{tuple(two)}"
        )


def buckets_of_runs(number: int | None, data: Sequence[PreparedData]) -> Order | None:
    """Of the training rows, which all runs have in common then.

    Raises:
        NotAlikeError: if they have not.
    """
    if number is None:
        return None
    if len({id(one) for one in data}) > 1:
        raise NotAlikeError(
            "loader.buckets goes by the training rows, which the seeds draw; with "
            "data.split.seed=0, say, all have the same"
        )
    return buckets_of(lengths_of_data(data[0].train), number)


def table_of_runs(
    data: Sequence[PreparedData], part: str, device: torch.device, whose: int
) -> StackedRows | None:
    """Rows of every run; `whose` is added to the targets of each further preparation."""
    if getattr(data[0], part) is None:
        return None
    distinct = list({id(one): one for one in data}.values())
    place = {id(one): at for at, one in enumerate(distinct)}
    which = [place[id(one)] for one in data]
    if isinstance(getattr(data[0], part), ImageRows):
        from seedbed.fused.images import images_of

        images = [cast(ImageRows, getattr(one, part)) for one in distinct]
        if whose:
            images = [replace(one, y=_told(one.y, whose * at)) for at, one in enumerate(images)]
        return images_of(images, which, device)
    sets = [cast(TensorDataset, getattr(one, part)) for one in distinct]
    if whose:
        pairs = enumerate(one.tensors for one in sets)
        sets = [TensorDataset(x, _told(y, whose * number)) for number, (x, y) in pairs]
    return table_of(sets, which, device)


def _told(y: Tensor, more: int) -> Tensor:
    """Numbers of classes with as much added; behind them may be the weights of the rows."""
    if y.ndim == 1:
        return y + more
    return torch.cat([y[:, :1] + more, y[:, 1:]], dim=1)
