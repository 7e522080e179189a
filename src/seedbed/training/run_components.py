"""A run that is ready to start: everything built, and one batch tried through it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.optim import Optimizer

from seedbed.components import AllowList, unused_keys
from seedbed.config.hints import did_you_mean, joined
from seedbed.config.schema import DataConfig, RunConfig
from seedbed.data.batches import Batches, evaluation_batches, training_batches
from seedbed.data.prepared import PreparedData, Rows
from seedbed.data.row_loader import RowLoader, pinning_notes
from seedbed.data.streaming.batches import StreamBatches
from seedbed.data.streaming.blocks import BUFFERS
from seedbed.errors import ConfigError, DataError, ModelError
from seedbed.models.build import build_model
from seedbed.models.copies import copied_model
from seedbed.models.shared_values import kept_to_the_run
from seedbed.tables.sources import read_source
from seedbed.tables.table import Table
from seedbed.tasks.build_head import build_task_head
from seedbed.tasks.chosen_metrics import chosen_metrics, with_metrics
from seedbed.tasks.head import TaskHead
from seedbed.tasks.metrics import SHIPPED, Metric, higher_is_better, is_undirected
from seedbed.tasks.metrics_in_pieces import kept_bytes, kept_metrics
from seedbed.tasks.registry import metric_names, task_for
from seedbed.training.accumulation import refuse_more_than_an_epoch, updates_of
from seedbed.training.attempts import Attempts
from seedbed.training.averaging import SWA, has_batch_norm, refuse_no_epoch
from seedbed.training.built_callbacks import build_callbacks
from seedbed.training.callbacks import OwnCallback
from seedbed.training.compiling import refuse_uncompilable
from seedbed.training.device import mixed_precision, resolved_device
from seedbed.training.interval import MANY
from seedbed.training.optimization import OneGroup, build_optimizer
from seedbed.training.own_step import OwnStep, build_step, step_notes
from seedbed.training.parameter_groups import parameter_groups, refuse_one_rate
from seedbed.training.rank_count import (
    device_of_rank,
    rank_count,
    rank_notes,
    refuse_rank_without_rows,
    refuse_unshared,
)
from seedbed.training.run_data import data_of
from seedbed.training.run_length import RunLength
from seedbed.training.schedule import Schedule, build_schedule
from seedbed.training.splitting import refuse_unsplit
from seedbed.training.starting_model import NO_STARTS, begin, start_for
from seedbed.training.state import Monitor
from seedbed.training.step_norms import refuse_unmeasured
from seedbed.training.threads import OWN_STEP, threads_for
from seedbed.training.trial_batch import try_batch, try_own_step

if TYPE_CHECKING:
    from seedbed.training.starting_point import Starts


@dataclass(frozen=True)
class RunComponents:
    """The built parts of one run.

    Args:
        config: checked.
        data: read, split and fitted.
        device: where it computes.
        mixed_precision: the type for matrix products, or None for float32.
        model: on the device, with its starting weights until the run starts.
        head: the loss, and the form of outputs and targets.
        optimizer: of the model's parameters.
        schedule: of its learning rate.
        train: batches that are learnt from.
        splits: batches that are only measured, by name: validation, test.
        monitor: what decides the best epoch.
        reader: of rows that come through a DataLoader.
        notes: what the user is told of the data and the config.
        multiplications: in the forward pass of a batch.
        ranks: processes that share each batch; this is one of them.
        step: of the user's own, that makes the loss of a batch; None for the head's.
        callbacks: of the user's own.
    """

    config: RunConfig
    data: PreparedData
    device: torch.device
    mixed_precision: torch.dtype | None
    model: nn.Module
    head: TaskHead
    optimizer: Optimizer
    schedule: Schedule
    train: Batches
    splits: Mapping[str, Batches]
    monitor: Monitor
    reader: RowLoader
    notes: Sequence[str] = ()
    multiplications: int = 0
    ranks: int = 1
    step: OwnStep | None = None
    callbacks: Sequence[OwnCallback] = ()

    @property
    def packages(self) -> Sequence[str]:
        """The user's own, whose classes may be named by the config or the environment's word."""
        return AllowList(self.config.allow).packages

    @property
    def updates(self) -> int:
        """Of the weights in an epoch."""
        return updates_of(len(self.train), self.config.trainer.accumulate)

    @property
    def threads(self) -> int:
        """Of the CPU."""
        worth = self.multiplications if self.device.type == "cpu" else OWN_STEP
        return threads_for(self.config.trainer, worth // self.ranks, self.ranks)

    @property
    def parameters(self) -> int:
        """Number of trainable values."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)

    @property
    def metric_names(self) -> list[str]:
        """The columns of losses and metrics in the history, in order."""
        own = [f"train/{name}" for name in self.step_names]
        held_out = _validation_columns(self.data, self.config, self.head.chosen, self.step)
        return ["train/loss", *own, *held_out]

    @property
    def step_names(self) -> Sequence[str]:
        """What a step of the user's own gives beside the loss."""
        return (self.step.names or ()) if self.step is not None else ()


def build_run(
    config: RunConfig,
    allow: AllowList,
    data: PreparedData | None = None,
    read: Callable[[DataConfig], Table] = read_source,
    starts: "Starts" = NO_STARTS,
) -> RunComponents:
    """Builds every part of a run, and lets one batch through.

    Args:
        config: checked.
        allow: what the config may name.
        data: where it was prepared for this config before.
        read: reads a table.
        starts: of a run that goes on, which needs no more what it started from.

    Raises:
        SeedbedError: of the kind of the part that cannot be built, or does not fit the others.
    """
    tried = Attempts()
    device = tried(resolved_device, config.trainer.device) or torch.device("cpu")
    device = tried(device_of_rank, device, config.trainer) or device
    ranks = tried(rank_count, config.trainer, device) or 1
    mixed = tried(mixed_precision, config.trainer.precision, device)
    start = tried(start_for, config, starts)
    data = data if data is not None else tried(data_of, config, allow, read, start)
    if data is None:
        tried(_optimizer, config, allow, _one_group(), length=None, monitor=None)
        raise tried.error()
    wanted = (config.metrics, config.loss["_target_"], allow, data.preprocessing)
    chosen = tried(chosen_metrics, *wanted)
    are_told = chosen is not None or not config.metrics
    limit = config.trainer.limit_batches
    reader = RowLoader(config.loader, config.seed, device)
    train = tried(training_batches, data.train, config.loader, config.seed, device, limit, reader)
    if train is not None:
        tried(refuse_unshared, ranks, train)
    has_step = config.own_step is not None
    head = tried(build_task_head, config.loss, allow, data.preprocessing, has_own_step=has_step)
    head = with_metrics(head, chosen) if head is not None else None
    step = tried(build_step, config, allow, head) if head is not None else None
    callbacks = tried(build_callbacks, config, allow)
    model = tried(_model, config, allow, head) if head is not None else None
    tried(refuse_uncompilable, config, device, model, ranks)
    tried(refuse_unmeasured, config.trainer)
    told: Sequence[str] | None = ()
    if model is not None and head is not None:
        told = tried(begin, model, config, allow, head, start)
    passed = None
    if model is not None and head is not None and train is not None and has_step == bool(step):
        with kept_to_the_run(allow.packages, config.seed):
            measured = data.validation or data.test
            passed = tried(
                _let_through, config, allow, model, head, step, data.train, train, measured
            )
    head, step = (passed.head, passed.step) if passed is not None else (head, step)
    monitor = None
    if are_told and (passed is not None or not has_step):
        monitor = tried(_monitor, config, data, chosen, step)
    learner = model if model is not None else nn.Linear(1, 1)
    if (
        not config.trainer.is_sharded or ranks == 1
    ):  # no device has to hold the whole of one that is
        learner.to(device)
    tried(refuse_no_epoch, config.trainer)
    length = None
    if train is not None:
        tried(refuse_more_than_an_epoch, config, len(train))
        updates = updates_of(len(train), config.trainer.accumulate)
        length = RunLength.of(config.trainer, updates)
    if head is not None and isinstance(head.loss_function, nn.Module):
        head.loss_function.to(device)
    beside = head.trainable if head is not None else []
    trainable = [*learner.parameters(), *beside]
    tried(_refuse_frozen, learner, trainable)
    grouped = tried(_groups, config, learner, beside) if model is not None and trainable else None
    grouped = grouped or _one_group()  # for its optimizer to be tried
    moved = tried(_optimizer, config, allow, grouped, length=length, monitor=monitor)
    if config.trainer.is_sharded and moved is not None:
        tried(refuse_unsplit, config.trainer, device, learner, moved[0])
    if tried.errors or head is None or train is None or monitor is None or moved is None:
        raise tried.error()
    held_out = {"validation": data.validation, "test": data.test}
    splits = {
        name: evaluation_batches(
            rows, config.loader, config.seed, device, reader, train.batch_size if has_step else None
        )
        for name, rows in held_out.items()
        if rows is not None
    }
    _refuse_unmeasurable(config, step, learner)
    if step is not None:
        refuse_rank_without_rows(ranks, train, learner)
    for name, batches in splits.items():
        _refuse_many_outputs(head, batches, name)
    return RunComponents(
        config,
        data,
        device,
        mixed,
        learner,
        head,
        *moved,
        train,
        splits,
        monitor,
        reader,
        [
            *unused_keys(config, allow),
            *data.notes,
            *(told or ()),
            *(passed.notes if passed is not None else ()),
            *rank_notes(ranks, device),
            *pinning_notes(config.loader, device),
            *step_notes(config, step),
        ],
        passed.multiplications if passed is not None else 0,
        ranks,
        step,
        callbacks or (),
    )


class _Passed(NamedTuple):
    """What one batch has shown."""

    multiplications: int
    notes: Sequence[str]
    head: TaskHead
    step: OwnStep | None


def _let_through(
    config: RunConfig,
    allow: AllowList,
    model: nn.Module,
    head: TaskHead,
    step: OwnStep | None,
    rows: Rows,
    train: Batches,
    measured: Rows | None,
) -> _Passed:
    """Lets one batch through copies of the model and the loss.

    Raises:
        SeedbedError: see `try_batch` and `try_own_step`.
    """
    twin, its_head = _twins(config, allow, model, head)
    if step is None:
        return _Passed(*try_batch(twin, its_head, rows, train, measured), head, None)
    own = replace(step, head=its_head)
    (work, notes), found = try_own_step(own, twin, rows, train, measured)
    head = replace(head, has_metrics=not found.misfit)
    step = replace(step, head=head, names=found.names, misfit=found.misfit)
    return _Passed(work, notes, head, step)


def _refuse_unmeasurable(config: RunConfig, step: OwnStep | None, model: nn.Module) -> None:
    """Refuses metrics and statistics of batches that need `model(x)`, where there is none.

    Raises:
        ConfigError: with what to type.
    """
    if step is None or not step.misfit:
        return
    if config.metrics:
        raise ConfigError(f"metrics are of what model(x) gives, and {step.misfit}; leave them out")
    if config.trainer.select == SWA and has_batch_norm(model):
        raise ConfigError(
            "trainer.select=swa measures the batch statistics of averaged weights by model(x), "
            f"and {step.misfit}; type trainer.select=ema"
        )


def _refuse_many_outputs(head: TaskHead, batches: Batches, name: str) -> None:
    """Refuses metrics that would keep more outputs of streamed rows than the memory holds.

    Raises:
        DataError: naming the metric.
    """
    if not isinstance(batches, StreamBatches):
        return
    needed, memory = kept_bytes(head, batches.rows), batches.data.memory
    if needed * BUFFERS > memory:
        raise DataError(
            f"{kept_metrics(head)[0]} needs the outputs of all {batches.rows} {name} rows, which "
            f"take {needed / 1e9:.3g} GB; type data.memory='{needed * BUFFERS / 1e9:.3g} GB', or "
            f"a smaller data.split.{name}"
        )


def _groups(config: RunConfig, model: nn.Module, beside: Sequence[nn.Parameter]) -> list[OneGroup]:
    """The parameters of each group; those of the loss are in the first, as none has their names.

    Raises:
        ConfigError: see `parameter_groups`.
    """
    named = dict(model.named_parameters())
    groups = parameter_groups(config.optimizer, model)
    found: list[OneGroup] = [([named[name] for name in one.names], one.settings) for one in groups]
    return [([*found[0][0], *beside], found[0][1]), *found[1:]]


def _one_group() -> list[OneGroup]:
    """Of parameters that stand in for those of a model that could not be built."""
    return [([*nn.Linear(1, 1).parameters()], {})]


def _optimizer(
    config: RunConfig,
    allow: AllowList,
    groups: Sequence[OneGroup],
    *,
    length: RunLength | None,
    monitor: Monitor | None,
) -> tuple[Optimizer, Schedule]:
    optimizer = build_optimizer(config.optimizer, allow, groups)
    refuse_one_rate(config, groups)
    higher = monitor is not None and monitor.higher_is_better
    known = length or RunLength.of(config.trainer, MANY)  # the rows are what is wrong
    schedule = build_schedule(
        config.scheduler, allow, optimizer, length=known, higher_is_better=higher
    )
    return optimizer, schedule


def _refuse_frozen(model: nn.Module, parameters: Sequence[nn.Parameter]) -> None:
    """Refuses a run in which nothing learns.

    Raises:
        ModelError: if there is no parameter, or none with `requires_grad`.
    """
    if any(one.requires_grad for one in parameters):
        return
    name = type(model).__name__
    if parameters:
        raise ModelError(
            f"model: all {len(parameters)} parameters of {name} are frozen (requires_grad is "
            "False); let one learn: parameter.requires_grad_()"
        )
    raise ModelError(f"model: {name} has no parameters, so there is nothing to train")


def _model(config: RunConfig, allow: AllowList, head: TaskHead) -> nn.Module:
    shape = head.preprocessing.row_form
    return build_model(config.model, allow, shape, head.outputs, config.seed)


def _twins(
    config: RunConfig, allow: AllowList, model: nn.Module, head: TaskHead
) -> tuple[nn.Module, TaskHead]:
    """A model and a loss that may be tried: copies, or built anew where they cannot be copied."""
    try:
        loss = copied_model(head.loss_function)
        return copied_model(model), replace(head, loss_function=loss)
    except Exception:  # of any kind: the classes may be the user's
        anew = build_task_head(
            config.loss, allow, head.preprocessing, has_own_step=head.has_own_step
        )
        anew = replace(anew, chosen=head.chosen)
        return _model(config, allow, anew), anew


def _validation_columns(
    data: PreparedData,
    config: RunConfig,
    chosen: Sequence[Metric] | None,
    step: OwnStep | None,
) -> list[str]:
    if data.validation is None:
        return []
    own = (step.names or ()) if step is not None else ()
    names: Sequence[str] = ()
    if step is None or not step.misfit:
        task = task_for(data.preprocessing.task, config.loss["_target_"])
        names = metric_names(task, data.preprocessing, chosen)
    return ["val/loss", *(f"val/{name}" for name in (*own, *names))]


def _monitor(
    config: RunConfig,
    data: PreparedData,
    chosen: Sequence[Metric] | None,
    step: OwnStep | None,
) -> Monitor:
    """What decides the best epoch.

    Raises:
        ConfigError: if `trainer.monitor` is no column of the history, or has no direction.
    """
    of_step = (step.names or ()) if step is not None else ()
    trained = ["train/loss", *(f"train/{name}" for name in of_step)]
    names = [*_validation_columns(data, config, chosen, step), *trained]
    own = {one.name: one.higher_is_better for one in chosen or ()}
    name = names[0] if config.trainer.monitor == "auto" else config.trainer.monitor
    if name not in names:
        without = "; there are no validation rows" if len(names) == len(trained) else ""
        raise ConfigError(
            f"trainer.monitor: no column '{name}'{without}; there are {', '.join(names)}"
            f"{did_you_mean(name, names)}"
        )
    if step is not None and (given := name.partition("/")[2]) in of_step:
        if given not in step.higher_is_better:
            raise ConfigError(
                f"trainer.monitor: whether a higher {name} is better, your step has to tell; type "
                f"'step.higher_is_better={{{given}: true}}', or false"
            )
        return Monitor(name, step.higher_is_better[given])
    if is_undirected(name, own):
        others = [one for one in names if not is_undirected(one, own)]
        why = "is no better when it is higher, nor when it is lower"
        if name.rpartition("/")[2] not in SHIPPED:
            why = (
                "does not say whether it is better when it is higher; give its entry in metrics "
                "higher_is_better: true or false"
            )
        raise ConfigError(f"trainer.monitor: {name} {why}; there are {joined(others)}")
    return Monitor(name, higher_is_better(name, own))
