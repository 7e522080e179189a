"""What forbids a run of which each rank holds a part of the weights, `trainer.strategy=fsdp`."""

import torch
from torch import nn, optim

from seedbed.config.hints import joined
from seedbed.config.schema import TrainerConfig
from seedbed.errors import ConfigError, DeviceError, ModelError, NotAllowedError, SeedbedError
from seedbed.optimizers.lion import Lion

BY_NUMBER = (
    optim.SGD, optim.Adam, optim.AdamW, optim.NAdam, optim.RAdam, optim.Adamax, optim.RMSprop,
    optim.Adagrad, optim.Adadelta, optim.ASGD, optim.Rprop, Lion,
)  # fmt: skip
"""Optimizers that move each number by its own gradients alone; others look at whole matrices."""

WHOLE = {
    "log_gradients": "it looks at whole parameters",
    "log_histograms": "it looks at whole parameters",
    "log_graph": "it looks at whole parameters",
    "detect_anomaly": "it looks into one model",
}
"""Switches of `trainer`, and why they need a model that one process holds."""


def refuse_unsplit(
    trainer: TrainerConfig, device: torch.device, model: nn.Module, optimizer: optim.Optimizer
) -> None:
    """Refuses what a rank cannot do with a part of the weights.

    Args:
        trainer: of the run.
        device: of a rank.
        model: whole.
        optimizer: of its parameters.

    Raises:
        SeedbedError: with what to type.
    """
    if error := _of_settings(trainer, device) or _of_parts(model, optimizer):
        raise error


def _of_settings(trainer: TrainerConfig, device: torch.device) -> SeedbedError | None:
    for key, why in WHOLE.items():
        if getattr(trainer, key):
            return ConfigError(
                f"trainer.{key}=true does not go with trainer.strategy=fsdp: {why}; type "
                f"trainer.{key}=false, or trainer.strategy=ddp"
            )
    if trainer.precision == "float16":
        return ConfigError(
            "trainer.precision=float16 does not go with trainer.strategy=fsdp: each rank would "
            "scale its own part; type trainer.precision=bfloat16"
        )
    if device.type not in ("cpu", "cuda"):
        return DeviceError(
            f"trainer.strategy=fsdp needs cpu or cuda devices, this run has {device.type}; type "
            "trainer.device=cpu"
        )
    return None


def _of_parts(model: nn.Module, optimizer: optim.Optimizer) -> SeedbedError | None:
    if type(optimizer) not in BY_NUMBER:
        return NotAllowedError(
            f"optimizer._target_: {type(optimizer).__name__} may look at whole parameters, of "
            "which a rank has a part with trainer.strategy=fsdp; there are "
            f"{joined([one.__name__ for one in BY_NUMBER], 20)}"
        )
    for name, one in model.named_parameters():
        if one._backward_hooks or getattr(one, "_post_accumulate_grad_hooks", None):
            return ModelError(
                f"model: {name} has a hook on its gradient, which the parts of it that ranks have "
                "with trainer.strategy=fsdp would lose; type trainer.strategy=ddp"
            )
    if isinstance(model, torch.jit.ScriptModule):
        return ModelError(
            "model: a compiled module cannot be split with trainer.strategy=fsdp; type "
            "trainer.strategy=ddp"
        )
    return None
