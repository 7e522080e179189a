"""Builds a stack: the first run as a single one, and of the others what differs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.data.orders import RowOrders
from seedbed.data.prepared import PreparedData
from seedbed.fused.flat import Layout
from seedbed.fused.rows import NotAlikeError, StackedBatches, StackedRows
from seedbed.fused.runs_last import is_small
from seedbed.fused.schedules import Schedules
from seedbed.fused.stack_components import NARROWEST, StackComponents, model_of_runs
from seedbed.fused.stack_data import (
    KnownData,
    buckets_of_runs,
    data_of_runs,
    drawn_and_fitted_by,
    table_of_runs,
)
from seedbed.fused.starts import starting_points, starting_weights
from seedbed.fused.step import StackedModel
from seedbed.tasks.build_head import rebuilt_head
from seedbed.tasks.head import TaskHead
from seedbed.tasks.stack_heads import told_apart, unlike_labels
from seedbed.training.averaging import SWA, has_batch_norm
from seedbed.training.build_run import build_run
from seedbed.training.parameter_groups import parameter_groups
from seedbed.training.pure import refused_form
from seedbed.training.run_components import RunComponents
from seedbed.training.starting_model import NO_STARTS

if TYPE_CHECKING:
    from seedbed.training.starting_point import Starts

ORDERED_ROWS = 2**20
"""Orders are drawn for as many epochs at once as keep below this many rows over all runs."""


def build_stack(
    configs: Sequence[RunConfig],
    allow: AllowList,
    *,
    known: KnownData | None = None,
    written: StackedModel | None = None,
    starts: "Starts" = NO_STARTS,
) -> StackComponents:
    """Builds what a stack needs.

    Args:
        configs: of equal shape, see `fusion_key`.
        allow: what they may name.
        known: data that was prepared before for the same group; added to.
        written: the model of another stack of the group, which has steps written out.
        starts: of runs that go on, which need no more what they started from.

    Raises:
        SeedbedError: if a part cannot be built, or the parts do not fit one another.
        NotAlikeError: if the model is of a form that is never stacked, or what the runs would share
            differs between their seeds.
    """
    configs = [*configs, configs[-1]] if len(configs) < NARROWEST else list(configs)
    known = {} if known is None else known
    points = starting_points(configs, starts)
    prepared = known.get(drawn_and_fitted_by(configs[0], points[0]))
    first = build_run(configs[0], allow, prepared, starts=starts)
    data = data_of_runs(configs, allow, first.data, points, known)
    heads = _heads(allow, first, data)
    if heads[0].weights_of_runs is not None:
        first = replace(first, head=heads[0])
    _refuse_form(first)
    groups = [one.names for one in parameter_groups(configs[0].optimizer, first.model)]
    layout = Layout(first.model, runs_last=_runs_last(first), groups=groups)
    rows, kept = starting_weights(configs, allow, first, layout, points)
    batches, splits = _rows(configs, first, data)
    return StackComponents(
        configs=configs,
        first=first,
        layout=layout,
        model=written or model_of_runs(first, layout, precision=first.mixed_precision),
        weights=layout.arranged(rows.to(first.device)),
        buffers={name: tensor.to(first.device) for name, tensor in kept.items()},
        data=data,
        heads=heads,
        batches=batches,
        splits=splits,
        schedules=Schedules(
            configs,
            allow,
            updates=first.updates,
            higher_is_better=first.monitor.higher_is_better,
        ),
        points=points,
    )


def _heads(allow: AllowList, first: RunComponents, data: Sequence[PreparedData]) -> list[TaskHead]:
    """Of each run; one for each preparation of the data.

    Raises:
        NotAlikeError: if the runs' losses differ in what one loss of all cannot hold.
    """
    distinct = {id(one): one.preprocessing for one in data}
    loss = first.config.loss
    built = [rebuilt_head(first.head, loss, allow, one) for one in distinct.values()]
    if unlike_labels(built):
        raise NotAlikeError(
            "loss.pos_weight=auto counts labels in the rows that each seed draws; with "
            "data.split.seed=0, say, all have the same"
        )
    of_data = dict(zip(distinct, told_apart(built, first.device), strict=True))
    heads = [of_data[id(one)] for one in data]
    if first.step is not None and heads[0].weights_of_runs is not None:
        raise NotAlikeError(
            "loss.class_weights=auto counts the rows that each seed draws, and a step of your own "
            "is handed one loss; with data.split.seed=0, say, all have the same"
        )
    return heads


def _refuse_form(first: RunComponents) -> None:
    """Refuses models, losses and averages that are never stacked.

    Raises:
        NotAlikeError: saying why.
    """
    if first.config.trainer.select == SWA and has_batch_norm(first.model):
        raise NotAlikeError(
            "trainer.select=swa measures each run's batch statistics anew, by itself"
        )
    reason = refused_form(first.model, first.head.loss_function)
    if reason is not None:
        raise NotAlikeError(reason)


def _rows(
    configs: Sequence[RunConfig], first: RunComponents, data: Sequence[PreparedData]
) -> tuple[StackedBatches, dict[str, StackedRows]]:
    """Batches of the training rows, and the rows that are only measured, by name.

    Raises:
        NotAlikeError: if the runs' rows differ in form.
    """
    config, classes = configs[0], len(first.head.preprocessing.classes)
    whose = classes if first.head.weights_of_runs is not None else 0
    train = table_of_runs(data, "train", first.device, whose)
    assert train is not None
    epochs = max(one.trainer.epochs for one in configs)
    seeds, limit = [one.seed for one in configs], config.trainer.limit_batches
    buckets = buckets_of_runs(config.loader.buckets, data)
    orders = RowOrders(train.rows, config.loader, seeds, ORDERED_ROWS, epochs, limit, buckets)
    measured = {
        name: table_of_runs(data, name, first.device, whose) for name in ("validation", "test")
    }
    splits = {name: table for name, table in measured.items() if table is not None}
    return StackedBatches(train, orders), splits


def _runs_last(first: RunComponents) -> bool:
    small = is_small(first.model, first.head.loss_function, first.train.batch_size)
    plain = first.mixed_precision is None and first.device.type == "cpu" and first.step is None
    return small and plain and not first.config.sweep.allow_random
