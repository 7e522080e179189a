"""A stack that is ready to start: what its runs share is built once, their weights side by side."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
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
from seedbed.fused.flat import Layout, Named
from seedbed.fused.kept_state import KeptState
from seedbed.fused.optimizers import BATCHED
from seedbed.fused.pure import is_pure, refused_form
from seedbed.fused.rows import NotAlikeError, StackedBatches, StackedRows, table_of
from seedbed.fused.runs_last import is_small
from seedbed.fused.schedules import Schedules
from seedbed.fused.starts import starting_points, starting_weights
from seedbed.fused.step import Randomness, StackedModel
from seedbed.tables.sources import read_once
from seedbed.tasks.build_head import build_task_head
from seedbed.tasks.chosen_metrics import with_metrics
from seedbed.tasks.head import TaskHead
from seedbed.tasks.stack_heads import told_apart, unlike_labels
from seedbed.training.averaging import SWA, has_batch_norm
from seedbed.training.parameter_groups import parameter_groups
from seedbed.training.run_components import RunComponents, build_run
from seedbed.training.run_data import data_of
from seedbed.training.starting_model import NO_STARTS, prepared_by

if TYPE_CHECKING:
    from seedbed.training.starting_point import StartingPoint, Starts

KnownData = dict[Hashable, PreparedData]
"""Data that was prepared before, by what it was drawn and fitted by."""

NARROWEST = 2
"""Runs; a stack of one would be computed by other kernels, and give other bits."""

SERIAL_COPY = 2**14
"""Values; torch copies longer tensors in threads."""


@dataclass
class StackComponents:
    """The built parts of a stack.

    Args:
        configs: of each run; a stack of one has its run twice.
        first: the first run, built as a single one.
        layout: where each parameter lies in a row of weights.
        model: the network, as a function of the weights.
        weights: starting ones, (runs, width).
        buffers: and parameters that are not trained, each (runs, …).
        data: of each run, with its own preprocessing.
        heads: of each run.
        batches: of the training rows.
        splits: rows that are only measured, by name.
        schedules: the optimizers' numbers.
        points: what each run starts from.
    """

    configs: list[RunConfig]
    first: RunComponents
    layout: Layout
    model: StackedModel
    weights: Tensor
    buffers: Named
    data: list[PreparedData]
    heads: list[TaskHead]
    batches: StackedBatches
    splits: dict[str, StackedRows]
    schedules: Schedules
    points: "list[StartingPoint | None]"

    @property
    def device(self) -> torch.device:
        """Where the stack is trained."""
        return self.first.device

    @property
    def threads(self) -> int:
        """Of the CPU: one, unless the user asks for more; an accelerator's work is torch's."""
        on_cpu = self.device.type == "cpu"
        return self.configs[0].trainer.threads or (1 if on_cpu else torch.get_num_threads())

    def optimizer(self) -> KeptState:
        """One that has made no step yet."""
        settings = self.configs[0].optimizer
        columns = self.layout.columns
        placed = None if columns is None else columns.to(self.device)
        return BATCHED[settings["_target_"]](settings, placed)

    @property
    def may_fork(self) -> bool:
        """Whether a fork may read the weights.

        It cannot ask an accelerator for them, and torch copies long ones in threads, which a fork
        does not have.
        """
        return self.device.type == "cpu" and self.layout.width < SERIAL_COPY

    @property
    def are_alike(self) -> bool:
        """Whether other runs of the group can differ from these in numbers alone."""
        return len({id(one) for one in self.data}) == 1 and is_pure(self.first.model)

    def untouched_model(self, *, written_out: bool = False) -> StackedModel:
        """The network for a trial, see `StackedModel`; a module of the user's may count calls."""
        head, randomness = self.first.head, self.model.randomness
        frozen = self.configs[0].init.frozen_eval
        return StackedModel(
            self.first.model,
            self.layout,
            head,
            randomness,
            written_out=written_out,
            frozen_eval=frozen,
            packing=self.model.packing,
            step=self.first.step,
        )


def build_stack(
    configs: Sequence[RunConfig],
    allow: AllowList,
    *,
    randomness: Randomness = "error",
    known: KnownData | None = None,
    written: StackedModel | None = None,
    starts: "Starts" = NO_STARTS,
) -> StackComponents:
    """Builds what a stack needs.

    Args:
        configs: of equal shape, see `fusion_key`.
        allow: what they may name.
        randomness: what happens where the model draws at random.
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
    first = build_run(configs[0], allow, known.get(_drawn_by(configs[0], points[0])), starts=starts)
    device, model = first.device, first.model
    data = _data(configs, allow, first, points, known)
    distinct = {id(one): one for one in data}
    built = [
        build_task_head(
            configs[0].loss, allow, one.preprocessing, has_own_step=first.step is not None
        )
        for one in distinct.values()
    ]
    built = [replace(one, has_metrics=first.head.has_metrics) for one in built]
    if unlike_labels(built):
        raise NotAlikeError(
            "loss.pos_weight=auto counts labels in the rows that each seed draws; with "
            "data.split.seed=0, say, all have the same"
        )
    built = [with_metrics(one, first.head.chosen) for one in built]
    heads = dict(zip(distinct, told_apart(built, device), strict=True))
    if first.step is not None and heads[id(data[0])].weights_of_runs is not None:
        raise NotAlikeError(
            "loss.class_weights=auto counts the rows that each seed draws, and a step of your own "
            "is handed one loss; with data.split.seed=0, say, all have the same"
        )
    if heads[id(data[0])].weights_of_runs is not None:
        first = replace(first, head=heads[id(data[0])])
    reason = refused_form(model, first.head.loss_function)
    if configs[0].trainer.select == SWA and has_batch_norm(model):
        reason = "trainer.select=swa measures each run's batch statistics anew, by itself"
    if reason is not None:
        raise NotAlikeError(reason)
    groups = [one.names for one in parameter_groups(configs[0].optimizer, model)]
    layout = Layout(model, runs_last=_runs_last(first, randomness), groups=groups)
    rows, kept = starting_weights(configs, allow, first, layout, points)
    classes = len(first.head.preprocessing.classes)
    whose = classes if first.head.weights_of_runs is not None else 0
    train = _table(data, "train", device, whose)
    assert train is not None
    epochs = max(config.trainer.epochs for config in configs)
    seeds = [config.seed for config in configs]
    limit = configs[0].trainer.limit_batches
    buckets = _buckets(configs[0].loader.buckets, data)
    batches = StackedBatches(train, configs[0].loader, seeds, epochs, limit, buckets)
    splits = {name: _table(data, name, device, whose) for name in ("validation", "test")}
    precision = first.mixed_precision
    return StackComponents(
        configs=configs,
        first=first,
        layout=layout,
        model=written
        or StackedModel(
            model,
            layout,
            first.head,
            randomness,
            precision=precision,
            frozen_eval=configs[0].init.frozen_eval,
            packing=first.data.packing,
            step=first.step,
        ),
        weights=layout.arranged(rows.to(device)),
        buffers={name: tensor.to(device) for name, tensor in kept.items()},
        data=data,
        heads=[heads[id(one)] for one in data],
        batches=batches,
        splits={name: table for name, table in splits.items() if table is not None},
        schedules=Schedules(
            configs,
            allow,
            updates=first.updates,
            higher_is_better=first.monitor.higher_is_better,
        ),
        points=points,
    )


def _runs_last(first: RunComponents, randomness: Randomness) -> bool:
    small = is_small(first.model, first.head.loss_function, first.train.batch_size)
    plain = first.mixed_precision is None and first.device.type == "cpu" and first.step is None
    return small and plain and randomness == "error"


def _data(
    configs: Sequence[RunConfig],
    allow: AllowList,
    first: RunComponents,
    points: "Sequence[StartingPoint | None]",
    known: KnownData,
) -> list[PreparedData]:
    """Of each run; prepared once for each seed, or once where nothing is drawn from it."""
    drawn = [_drawn_by(*each) for each in zip(configs, points, strict=True)]
    known.setdefault(drawn[0], first.data)
    read = read_once()
    for config, point, key in zip(configs, points, drawn, strict=True):
        if key not in known:
            known[key] = data_of(config, allow, read, point)
            if point is not None and point.taken is not None:
                _refuse_other_shape(first.data, known[key])
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


def _drawn_by(config: RunConfig, point: "StartingPoint | None") -> Hashable:
    """What a run's parts are drawn by, and what fits them."""
    return (drawn_by(config.data, config.seed), prepared_by(config, point))


def _buckets(number: int | None, data: Sequence[PreparedData]) -> Order | None:
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


def _table(
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
