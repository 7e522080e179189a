"""An average of the weights that a run comes by, which `trainer.select` takes for its last.

`ema` takes them in after every update, `swa` at the end of every epoch from one on. From then on
it is the average that is measured on held-out rows, and that `model.pth` holds; training goes on
without it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from seedbed.config.schema import TrainerConfig
from seedbed.errors import CheckpointError, ConfigError
from seedbed.process.torch_private import batch_norm, foreach_copy, foreach_lerp
from seedbed.runs.checkpoint import FORMAT
from seedbed.runs.files import printable

EMA, SWA = "ema", "swa"
"""Values of `trainer.select`."""


def share_of_newest(trainer: TrainerConfig, count: int) -> float:
    """What the newest weights are of an average that holds so many before.

    Source: `get_ema_multi_avg_fn` and `get_swa_multi_avg_fn` of `torch.optim.swa_utils`.
    """
    if count == 0:
        return 1.0
    if trainer.select == EMA:
        return 1 - trainer.ema_decay
    return float(np.float32(1 / (count + 1)))  # as torch has it, which counts in a tensor


def epochs_before(trainer: TrainerConfig) -> int:
    """Epochs whose weights an average of epochs leaves out."""
    start = trainer.swa_start
    if isinstance(start, int):
        return start
    return min(round(start * trainer.epochs), trainer.epochs - 1)


def refuse_no_epoch(trainer: TrainerConfig) -> None:
    """Of an average that would begin after the run's end.

    Raises:
        ConfigError: with what to type.
    """
    if trainer.select == SWA and epochs_before(trainer) >= trainer.epochs:
        raise ConfigError(
            f"trainer.swa_start={trainer.swa_start} leaves none of the run's epochs to average, "
            f"which are {trainer.epochs}; type trainer.swa_start=0.75 for a part of the run, or "
            "more trainer.epochs"
        )


def has_batch_norm(model: nn.Module) -> bool:
    """Whether a model holds statistics of batches, which go with its weights."""
    return any(isinstance(one, batch_norm) for one in model.modules())


class Average:
    """That of one run.

    Args:
        model: whose trainable parameters are averaged; its buffers are those of the moment.
        trainer: says how.
        measure: measures the statistics of batches anew with the weights that the model has.
        parameters: those of the model by their names, or what this process holds of them; None
            for the model's own.
    """

    def __init__(
        self,
        model: nn.Module,
        trainer: TrainerConfig,
        measure: Callable[[], None],
        parameters: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.trainer = trainer
        self.count = 0
        known = dict(model.named_parameters()) if parameters is None else parameters
        named = {name: one for name, one in known.items() if one.requires_grad}
        self._names, self._parameters = list(named), list(named.values())
        self._mean = [one.detach().clone() for one in self._parameters]
        self._buffers = list(model.buffers())
        self._measure = measure if has_batch_norm(model) and trainer.select == SWA else None

    def after_update(self) -> None:
        """Takes the weights in, if each update counts."""
        if self.trainer.select == EMA:
            self._take()

    def after_epoch(self, epoch: int) -> None:
        """Takes the weights in, if epochs count and this one does.

        Args:
            epoch: that ends, from 1.
        """
        if self.trainer.select == SWA and epoch > epochs_before(self.trainer):
            self._take()

    def _take(self) -> None:
        now = [one.detach() for one in self._parameters]
        if self.count:
            share = share_of_newest(self.trainer, self.count)
            foreach_lerp(self._mean, now, share)
        else:
            foreach_copy(self._mean, now)
        self.count += 1

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the model has the average for its weights, once there is one."""
        buffers = [one.clone() for one in self._buffers] if self._measure is not None else []
        self._swap()
        try:
            self._measured()
            yield
        finally:
            self._swap()
            for buffer, before in zip(self._buffers, buffers, strict=bool(buffers)):
                buffer.copy_(before)

    def put_in_place(self) -> None:
        """Gives the model the average for good."""
        self._swap()
        self._measured()

    def _measured(self) -> None:
        if self._measure is not None and self.count:
            self._measure()

    def _swap(self) -> None:
        if self.count:
            for place, one in enumerate(self._parameters):
                one.data, self._mean[place] = self._mean[place], one.data

    def state_dict(self) -> dict[str, Any]:
        """How many weights it holds, and their mean; without any there is none."""
        mean = dict(zip(self._names, self._mean, strict=True)) if self.count else {}
        return {"count": self.count, "weights": mean}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where a checkpoint stands.

        Raises:
            KeyError, TypeError, ValueError: if it is not of this model.
        """
        count, weights = read_average(state, dict(zip(self._names, self._mean, strict=True)))
        self.count = count
        for name, mean in zip(self._names, self._mean, strict=True):
            if count:
                mean.copy_(weights[name])


def read_average(
    state: Mapping[str, Any], like: Mapping[str, Tensor]
) -> tuple[int, Mapping[str, Tensor]]:
    """The average in a checkpoint, which may come from a stranger.

    Args:
        state: as a checkpoint has it.
        like: a tensor of each name that has to be there.

    Raises:
        KeyError, TypeError, ValueError: if it is none of these parameters.
    """
    count, weights = state["count"], state["weights"]
    if not isinstance(weights, Mapping):
        raise TypeError("the average holds no weights")
    if type(count) is not int or count < 0:
        raise TypeError("the average must count its weights")
    if set(weights) != (set(like) if count else set()):
        raise ValueError("the average is of other parameters")
    for name, tensor in weights.items():
        if not isinstance(tensor, Tensor) or tensor.shape != like[name].shape:
            raise ValueError(f"the average of {name} is of another shape")
    return count, weights


def load_average(model: nn.Module, state: Any, path: Path) -> None:
    """Puts the average of a checkpoint into a model in place of its weights; nothing without one.

    Args:
        model: that holds the checkpoint's weights.
        state: `average` of the checkpoint, or None.
        path: where it came from, for errors.

    Raises:
        CheckpointError: if it is damaged, or of another model.
    """
    if state is None:
        return
    like = {name: one.detach() for name, one in model.named_parameters() if one.requires_grad}
    try:
        count, weights = read_average(state, like)
    except (KeyError, TypeError, ValueError) as err:
        raise CheckpointError(f"'{path}' is damaged: {printable(str(err))}") from err
    for name, tensor in like.items():
        if count:
            tensor.copy_(weights[name])


def averaged_weights(
    weights: Mapping[str, Tensor], checkpoint: Any, path: Path
) -> Mapping[str, Tensor]:
    """The weights of a checkpoint, its average in place of those that it averages.

    Args:
        weights: `model` of the checkpoint.
        checkpoint: content of a file; one that is not ours has no average.
        path: where it came from, for errors.

    Raises:
        CheckpointError: if the average is damaged.
    """
    ours = isinstance(checkpoint, Mapping) and checkpoint.get("format") == FORMAT
    state = checkpoint.get("average") if ours else None
    if state is None:
        return weights
    try:
        like = {name: weights[name] for name in state["weights"]}
        _, average = read_average(state, like)
    except (KeyError, TypeError, ValueError) as err:
        raise CheckpointError(f"'{path}' is damaged: {printable(str(err))}") from err
    return {**weights, **average}
