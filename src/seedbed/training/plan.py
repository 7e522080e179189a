"""A run that is ready to start: everything built, and one batch tried through it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

import torch
from torch import nn
from torch.optim import Optimizer

from seedbed.components import AllowList, unused_keys
from seedbed.config.hints import did_you_mean
from seedbed.config.schema import DatasetConfig, RunConfig
from seedbed.data.batches import Batches, evaluation_batches, training_batches
from seedbed.data.prepared import PreparedData, Rows, prepare_data
from seedbed.errors import ConfigError, ModelError, SeedbedError
from seedbed.models.build import build_model, output_of
from seedbed.models.copies import copied_model
from seedbed.models.shared_values import kept_to_the_run
from seedbed.raised import is_of_user, reason
from seedbed.tasks.head import TaskHead, build_task_head
from seedbed.tasks.metrics import higher_is_better
from seedbed.tasks.registry import TASKS
from seedbed.training.device import mixed_precision, resolved_device
from seedbed.training.engine import Engine
from seedbed.training.optimization import Schedule, build_optimizer, build_schedule
from seedbed.training.state import Best
from seedbed.training.threads import OWN_STEP, counting, threads_for

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """The built parts of one run.

    Args:
        config: checked.
        data: read, split and fitted.
        engine: the model with its loss, optimizer and schedule, on the device.
        train: batches to train on.
        parts: batches that are only measured, by name: validation, test.
        best: how the best epoch is told.
        notes: what the user is told of the data and the config.
        multiplications: in the forward pass of a batch.
    """

    config: RunConfig
    data: PreparedData
    engine: Engine
    train: Batches
    parts: Mapping[str, Batches]
    best: Best
    notes: Sequence[str] = ()
    multiplications: int = 0

    @property
    def model(self) -> nn.Module:
        """The network, with its starting weights until the run starts."""
        return self.engine.model

    @property
    def packages(self) -> Sequence[str]:
        """The user's own, whose classes may be named by the config or the environment's word."""
        return AllowList(self.config.allow).packages

    @property
    def threads(self) -> int:
        """Of the CPU."""
        worth = self.multiplications if self.engine.device.type == "cpu" else OWN_STEP
        return threads_for(self.config.trainer, worth)

    @property
    def parameters(self) -> int:
        """Number of trainable values."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)


def prepare_run(config: RunConfig, allow: AllowList, data: PreparedData | None = None) -> Plan:
    """Builds every part of a run, and lets one batch through.

    Args:
        config: checked.
        allow: what the config may name.
        data: where it was prepared for this config before.

    Raises:
        SeedbedError: of the kind of the part that cannot be built, or does not fit the others.
    """
    tried = Attempts()
    device = tried(resolved_device, config.trainer.device) or torch.device("cpu")
    mixed = tried(mixed_precision, config.trainer.precision, device)
    data = data if data is not None else tried(_data, config, allow)
    if data is None:
        tried(_optimizer, config, allow, [*nn.Linear(1, 1).parameters()], steps=1, best=None)
        raise tried.error()
    best = tried(_best, config, data)
    train = tried(training_batches, data.train, config.loader, config.seed, device)
    head = tried(build_task_head, config.loss, allow, data.preprocessing)
    model = tried(_model, config, allow, head) if head is not None else None
    work = None
    if model is not None and head is not None and train is not None:
        twins = _twins(config, allow, model, head)
        with kept_to_the_run(allow.packages, config.seed):
            work = tried(_try_batch, *twins, data.train, train)
    learner = (model if model is not None else nn.Linear(1, 1)).to(device)
    steps = config.trainer.epochs * (len(train) if train is not None else 1)
    if head is not None and isinstance(head.loss_function, nn.Module):
        head.loss_function.to(device)
    trainable = [*learner.parameters(), *(head.trainable if head is not None else [])]
    moved = tried(_optimizer, config, allow, trainable, steps=steps, best=best)
    if tried.errors or head is None or train is None or best is None or moved is None:
        raise tried.error()
    optimizer, schedule = moved
    engine = Engine(learner, head, optimizer, schedule, device, mixed, config.trainer.gradient_clip)
    held_out = {"validation": data.validation, "test": data.test}
    parts = {
        name: evaluation_batches(rows, config.loader, config.seed, device)
        for name, rows in held_out.items()
        if rows is not None
    }
    notes = [*unused_keys(config, allow), *data.notes]
    return Plan(config, data, engine, train, parts, best, notes, work or 0)


def metric_names(plan: Plan) -> list[str]:
    """The columns of losses and metrics in the history, in order."""
    names = ["train/loss"]
    if "validation" in plan.parts:
        names += ["val/loss", *(f"val/{name}" for name in plan.engine.head.task.metrics)]
    return names


class Attempts:
    """Tries the parts of a run one after the other, and keeps what is wrong with each."""

    def __init__(self) -> None:
        self.errors: list[SeedbedError] = []

    def __call__(self, build: Callable[P, T], *args: P.args, **named: P.kwargs) -> T | None:
        """What `build` returns, or None with its problems kept."""
        try:
            return build(*args, **named)
        except SeedbedError as err:
            self.errors.append(err)
            return None

    def error(self) -> SeedbedError:
        """One error that holds all problems, of the kind of the first, which is its cause."""
        problems = [problem for error in self.errors for problem in error.problems]
        whole = type(self.errors[0])(*problems)
        whole.__cause__ = self.errors[0]
        return whole


def _data(config: RunConfig, allow: AllowList) -> PreparedData:
    if isinstance(config.data, DatasetConfig):
        from seedbed.data.own_dataset import prepare_own  # with what looks at a user's rows

        return prepare_own(config.data, allow, config.seed)
    return prepare_data(config.data, config.seed)


def _optimizer(
    config: RunConfig,
    allow: AllowList,
    parameters: Sequence[nn.Parameter],
    *,
    steps: int,
    best: Best | None,
) -> tuple[Optimizer, Schedule]:
    optimizer = build_optimizer(config.optimizer, allow, parameters)
    higher = best is not None and best.higher_is_better
    schedule = build_schedule(
        config.scheduler, allow, optimizer, steps=steps, higher_is_better=higher
    )
    return optimizer, schedule


def _model(config: RunConfig, allow: AllowList, head: TaskHead) -> nn.Module:
    shape = head.preprocessing.input_shape
    return build_model(config.model, allow, shape, head.outputs, config.seed)


def _twins(
    config: RunConfig, allow: AllowList, model: nn.Module, head: TaskHead
) -> tuple[nn.Module, TaskHead]:
    """A model and a loss that may be tried: copies, or built anew where they cannot be copied."""
    try:
        loss = copied_model(head.loss_function)
        return copied_model(model), replace(head, loss_function=loss)
    except Exception:  # of any kind: the classes may be the user's
        anew = build_task_head(config.loss, allow, head.preprocessing)
        return _model(config, allow, anew), anew


def _try_batch(model: nn.Module, head: TaskHead, rows: Rows, batches: Batches) -> int:
    """Lets the smallest batch that training will see through.

    Args:
        model: a twin, which the batch may change; so is the loss.
        head: likewise.
        rows: of training.
        batches: of these.

    Returns:
        The multiplications in the forward pass of a whole batch, about.

    Raises:
        ModelError: if it does not fit the data, or its output does not fit the loss.
    """
    left = batches.rows - (len(batches) - 1) * batches.batch_size
    size = min(left, batches.batch_size)
    with torch.random.fork_rng(devices=[]):
        samples = [rows[index] for index in range(size)]
        x = torch.stack([sample[0] for sample in samples])
        y = torch.stack([torch.as_tensor(sample[1]) for sample in samples])
        try:
            with counting(model) as count:
                output = output_of(model(x))
        except ModelError:
            raise
        except (Exception, SystemExit) as err:
            raise ModelError(_misfit(err, x)) from err
    wanted = (len(x), head.outputs)
    if head.loss_name.startswith("torch.nn.") and tuple(output.shape) != wanted:
        raise ModelError(
            f"model: forward gives {tuple(output.shape)} for {len(x)} rows, the loss asks for "
            f"{wanted}; leave the last layer's size out to have it inferred"
        )
    try:
        loss = head.loss(output, y)
    except (Exception, SystemExit) as err:
        what = f"raises {reason(err)}" if is_of_user(err) else f"refuses the model's output: {err}"
        raise ModelError(f"loss: {head.loss_name} {what}") from err
    if loss.numel() != 1:
        raise ModelError(
            f"loss: {head.loss_name} gives {loss.numel()} numbers for a batch of {len(x)} "
            "rows, training takes one; type loss.reduction=mean"
        )
    return count() * batches.batch_size // size


def _misfit(err: BaseException, x: torch.Tensor) -> str:
    if "more than 1 value per channel" in str(err):
        return (
            "model: batch normalisation cannot train on a batch of one row, and the last one would "
            "be; type loader.drop_last=true, or another loader.batch_size"
        )
    kind = f"{tuple(x.shape)} {str(x.dtype).removeprefix('torch.')}"
    if is_of_user(err):
        return f"model: forward raises {reason(err)}, given a batch of {kind}"
    return (
        f"model does not take the data: a batch of {kind} gives {reason(err)}; "
        "sizes left out of the config are inferred"
    )


def _best(config: RunConfig, data: PreparedData) -> Best:
    """How the best epoch is told.

    Raises:
        ConfigError: if `trainer.monitor` is no column of the history.
    """
    names = ["train/loss"]
    if data.validation is not None:
        metrics = TASKS[data.preprocessing.task].metrics
        names = ["val/loss", *(f"val/{name}" for name in metrics), "train/loss"]
    monitor = config.trainer.monitor
    if monitor == "auto":
        monitor = names[0]
    if monitor not in names:
        without = "; there are no validation rows" if len(names) == 1 else ""
        raise ConfigError(
            f"trainer.monitor: no column '{monitor}'{without}; there are {', '.join(names)}"
            f"{did_you_mean(monitor, names)}"
        )
    return Best(monitor, higher_is_better(monitor), config.trainer.early_stopping.min_delta)
