"""Builds a run phase after phase, and gathers all that is wrong with its parts.

Each part is tried (`Attempts`): one that fails is None from then on, and the parts that do without
it are tried too, so that a person is told everything at once. What is refused of parts that are
right by themselves comes last.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from torch import nn
from torch.optim import Optimizer

from seedbed.components import AllowList, unused_keys
from seedbed.config.schema import DataConfig, RunConfig
from seedbed.data.batches import Batches, evaluation_batches
from seedbed.data.prepared import PreparedData
from seedbed.data.row_loader import RowLoader, pinning_notes
from seedbed.errors import Attempts
from seedbed.models.frozen import refuse_frozen
from seedbed.tables.sources import read_source
from seedbed.tables.table import Table
from seedbed.tasks.head import TaskHead
from seedbed.tasks.metrics_in_pieces import refuse_many_outputs
from seedbed.training.accumulation import refuse_more_than_an_epoch, updates_of
from seedbed.training.averaging import refuse_no_epoch
from seedbed.training.first_batch import FirstBatch, let_through
from seedbed.training.history_columns import monitor_of
from seedbed.training.optimization import (
    grouped,
    optimizer_and_schedule,
    refuse_unbounded,
    stand_in,
)
from seedbed.training.own_step import OwnStep, refuse_misfit, step_notes
from seedbed.training.rank_count import rank_notes, refuse_rank_without_rows
from seedbed.training.run_components import RunComponents
from seedbed.training.run_data import data_of
from seedbed.training.run_length import RunLength
from seedbed.training.run_parts import Machine, RunParts, machine_of, parts_of
from seedbed.training.schedule import Schedule
from seedbed.training.splitting import refuse_unsplit
from seedbed.training.starting_model import NO_STARTS, begin, start_for
from seedbed.training.state import Monitor

if TYPE_CHECKING:
    from seedbed.training.starting_point import StartingPoint, Starts


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
    machine = machine_of(config, tried)
    start = tried(start_for, config, starts)
    data = data if data is not None else tried(data_of, config, allow, read, start)
    if data is None:
        tried(optimizer_and_schedule, config, allow, stand_in(), length=None, monitor=None)
        raise tried.error()
    return _Builder(config, allow, machine, data, tried).build(start)


class _Builder:
    """The phases that follow on the data, in the order in which what is wrong is told.

    Args:
        config: of the run.
        allow: what it may name.
        machine: what computes.
        data: read, split and fitted.
        tried: what was tried before.
    """

    def __init__(
        self,
        config: RunConfig,
        allow: AllowList,
        machine: Machine,
        data: PreparedData,
        tried: Attempts,
    ) -> None:
        self.config, self.allow, self.machine, self.data = config, allow, machine, data
        self.tried = tried
        self.has_step = config.own_step is not None
        self.reader = RowLoader(config.loader, config.seed, machine.device)

    def build(self, start: "StartingPoint | None") -> RunComponents:
        """Every phase, and what comes of them.

        Raises:
            SeedbedError: see `build_run`.
        """
        parts = parts_of(self.config, self.allow, self.machine, self.data, self.reader, self.tried)
        start_notes = self._begin(parts, start)
        shown = self._let_through(parts)
        if shown is not None:
            parts = parts._replace(head=shown.head, step=shown.step)
        monitor = self._monitor(parts, shown)
        learner = self._on_device(parts)
        moved = self._optimizer(parts, learner, monitor)
        head, step, train = parts.head, parts.step, parts.train
        if self.tried.errors or head is None or train is None or monitor is None or moved is None:
            raise self.tried.error()
        splits = self._splits(train)
        self._refuse_together(head, step, learner, train, splits)
        return RunComponents(
            config=self.config,
            data=self.data,
            device=self.machine.device,
            mixed_precision=self.machine.mixed_precision,
            model=learner,
            head=head,
            optimizer=moved[0],
            schedule=moved[1],
            train=train,
            splits=splits,
            monitor=monitor,
            reader=self.reader,
            notes=self._notes(start_notes, shown, learner, step),
            multiplications=shown.tried.multiplications if shown is not None else 0,
            ranks=self.machine.ranks,
            step=step,
            callbacks=parts.callbacks or (),
        )

    def _begin(self, parts: RunParts, start: "StartingPoint | None") -> Sequence[str]:
        """Gives the model its start, and tells of it."""
        if parts.model is None or parts.head is None:
            return ()
        return self.tried(begin, parts.model, self.config, self.allow, parts.head, start) or ()

    def _let_through(self, parts: RunParts) -> FirstBatch | None:
        """What one batch shows of the parts, where all are there that it takes."""
        model, head, step, train = parts.model, parts.head, parts.step, parts.train
        if model is None or head is None or train is None or self.has_step != bool(step):
            return None
        config, allow, data = self.config, self.allow, self.data
        return self.tried(let_through, config, allow, model, head, step, data, train)

    def _monitor(self, parts: RunParts, shown: FirstBatch | None) -> Monitor | None:
        """What decides the best epoch, where all columns of the history are known."""
        metrics_known = parts.metrics is not None or not self.config.metrics
        step_known = shown is not None or not self.has_step
        if not metrics_known or not step_known:
            return None
        return self.tried(monitor_of, self.config, self.data, parts.metrics, parts.step)

    def _on_device(self, parts: RunParts) -> nn.Module:
        """What learns: the model, or another for the optimizer to be tried; the loss beside it."""
        device, ranks = self.machine.device, self.machine.ranks
        learner = parts.model if parts.model is not None else nn.Linear(1, 1)
        is_split = self.config.trainer.is_sharded and ranks > 1
        if not is_split:  # no device has to hold the whole of one that is
            learner.to(device)
        if parts.head is not None:
            parts.head.loss_function.to(device)
        return learner

    def _optimizer(
        self, parts: RunParts, learner: nn.Module, monitor: Monitor | None
    ) -> tuple[Optimizer, Schedule] | None:
        """Moves what can be trained, for as long as the run is."""
        config, allow, tried = self.config, self.allow, self.tried
        length = self._length(parts.train)
        beside = parts.head.trainable if parts.head is not None else []
        trainable = [*learner.parameters(), *beside]
        tried(refuse_frozen, learner, trainable)
        tried(refuse_unbounded, config.trainer, learner)
        groups = None
        if parts.model is not None and trainable:
            groups = tried(grouped, config, learner, beside)
        groups = groups or stand_in()
        moved = tried(optimizer_and_schedule, config, allow, groups, length=length, monitor=monitor)
        if config.trainer.is_sharded and moved is not None:
            tried(refuse_unsplit, config.trainer, self.machine.device, learner, moved[0])
        return moved

    def _length(self, train: Batches | None) -> RunLength | None:
        trainer = self.config.trainer
        self.tried(refuse_no_epoch, trainer)
        if train is None:
            return None
        self.tried(refuse_more_than_an_epoch, self.config, len(train))
        return RunLength.of(trainer, updates_of(len(train), trainer.accumulate))

    def _splits(self, train: Batches) -> Mapping[str, Batches]:
        """Batches of the rows that are only measured."""
        config, device = self.config, self.machine.device
        size = train.batch_size if self.has_step else None
        held_out = {"validation": self.data.validation, "test": self.data.test}
        return {
            name: evaluation_batches(rows, config.loader, config.seed, device, self.reader, size)
            for name, rows in held_out.items()
            if rows is not None
        }

    def _refuse_together(
        self,
        head: TaskHead,
        step: OwnStep | None,
        model: nn.Module,
        train: Batches,
        splits: Mapping[str, Batches],
    ) -> None:
        """Refuses parts that are right by themselves, and not with one another.

        Raises:
            ConfigError, DataError: what to type.
        """
        refuse_misfit(self.config, step, model)
        if step is not None:
            refuse_rank_without_rows(self.machine.ranks, train, model)
        for name, batches in splits.items():
            refuse_many_outputs(head, batches, name)

    def _notes(
        self,
        of_start: Sequence[str],
        shown: FirstBatch | None,
        model: nn.Module,
        step: OwnStep | None,
    ) -> list[str]:
        """What a person is told."""
        config, device = self.config, self.machine.device
        return [
            *unused_keys(config, self.allow),
            *self.data.notes,
            *of_start,
            *(shown.tried.notes if shown is not None else ()),
            *rank_notes(self.machine.ranks, device, model),
            *pinning_notes(config.loader, device),
            *step_notes(config, step),
        ]
