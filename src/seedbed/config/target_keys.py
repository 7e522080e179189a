"""The keys that go with a class of ours, or of torch, that a config names by `_target_`."""

from dataclasses import dataclass
from typing import Literal

from seedbed.config.ranges import (
    Betas,
    Count,
    Factor,
    Fraction,
    FromZero,
    Layers,
    Positive,
    Share,
    WholeFromZero,
    Widths,
)

Activation = Literal[
    "relu", "tanh", "sigmoid", "gelu", "elu", "leaky_relu", "silu", "softplus", "identity"
]


@dataclass(repr=False, eq=False, kw_only=True)
class ModelKeys:
    """Keys that our three model styles share."""

    in_features: Count | None
    out_features: Count | None
    hidden: Widths
    activation: Activation
    bias: bool
    return_hidden: bool


@dataclass(repr=False, eq=False, kw_only=True)
class CustomKeys(ModelKeys):
    """Keys of model=custom."""

    batch_norm: bool
    dropout: Fraction


@dataclass(repr=False, eq=False, kw_only=True)
class ManualKeys(ModelKeys):
    """Keys of model=manual."""

    start: Literal["uniform", "linear", "xavier", "kaiming"]


@dataclass(repr=False, eq=False, kw_only=True)
class SequentialKeys(ModelKeys):
    """Keys of model=sequential."""

    layers: Layers | None


@dataclass(repr=False, eq=False, kw_only=True)
class NoKeys:
    """An option that takes no keys, such as loss=mse."""


@dataclass(repr=False, eq=False, kw_only=True)
class HuberKeys:
    """Keys of loss=huber."""

    delta: Positive


@dataclass(repr=False, eq=False, kw_only=True)
class CrossEntropyKeys:
    """Keys of loss=cross_entropy."""

    label_smoothing: Fraction


@dataclass(repr=False, eq=False, kw_only=True)
class OptimizerKeys:
    """Keys that the optimizers share."""

    lr: Positive
    weight_decay: FromZero


@dataclass(repr=False, eq=False, kw_only=True)
class SgdKeys(OptimizerKeys):
    """Keys of optimizer=sgd."""

    momentum: FromZero
    nesterov: bool
    dampening: FromZero


@dataclass(repr=False, eq=False, kw_only=True)
class AdamKeys(OptimizerKeys):
    """Keys of optimizer=adam and adamw."""

    betas: Betas
    eps: FromZero
    amsgrad: bool


@dataclass(repr=False, eq=False, kw_only=True)
class RmspropKeys(OptimizerKeys):
    """Keys of optimizer=rmsprop."""

    alpha: Share
    eps: FromZero
    momentum: FromZero
    centered: bool


@dataclass(repr=False, eq=False, kw_only=True)
class AdagradKeys(OptimizerKeys):
    """Keys of optimizer=adagrad."""

    lr_decay: FromZero
    eps: FromZero


@dataclass(repr=False, eq=False, kw_only=True)
class StepKeys:
    """Keys of scheduler=step."""

    step_size: Count
    gamma: Positive


@dataclass(repr=False, eq=False, kw_only=True)
class CosineKeys:
    """Keys of scheduler=cosine."""

    T_max: Count
    eta_min: FromZero


@dataclass(repr=False, eq=False, kw_only=True)
class OneCycleKeys:
    """Keys of scheduler=onecycle."""

    max_lr: Positive
    pct_start: Share
    div_factor: Positive
    final_div_factor: Positive


@dataclass(repr=False, eq=False, kw_only=True)
class PlateauKeys:
    """Keys of scheduler=plateau."""

    factor: Factor
    patience: WholeFromZero
    threshold: FromZero
    min_lr: FromZero


TARGET_KEYS: dict[str, dict[str | None, type]] = {
    "model": {
        "seedbed.models.CustomMLP": CustomKeys,
        "seedbed.models.ManualMLP": ManualKeys,
        "seedbed.models.SequentialMLP": SequentialKeys,
    },
    "loss": {
        None: NoKeys,
        "torch.nn.MSELoss": NoKeys,
        "torch.nn.L1Loss": NoKeys,
        "torch.nn.BCEWithLogitsLoss": NoKeys,
        "torch.nn.HuberLoss": HuberKeys,
        "torch.nn.CrossEntropyLoss": CrossEntropyKeys,
    },
    "optimizer": {
        "torch.optim.SGD": SgdKeys,
        "torch.optim.Adam": AdamKeys,
        "torch.optim.AdamW": AdamKeys,
        "torch.optim.RMSprop": RmspropKeys,
        "torch.optim.Adagrad": AdagradKeys,
    },
    "scheduler": {
        None: NoKeys,
        "torch.optim.lr_scheduler.StepLR": StepKeys,
        "torch.optim.lr_scheduler.CosineAnnealingLR": CosineKeys,
        "torch.optim.lr_scheduler.OneCycleLR": OneCycleKeys,
        "torch.optim.lr_scheduler.ReduceLROnPlateau": PlateauKeys,
    },
}
"""The keys that go with a `_target_` of ours; another class is checked against its signature."""
