"""The keys that go with a class of ours, or of torch, that a config names by `_target_`."""

from collections.abc import Mapping
from typing import Any, Literal

from seedbed.config.ranges import (
    Betas,
    Count,
    Factor,
    Fraction,
    FromZero,
    Layers,
    Levels,
    Milestones,
    Object,
    Positive,
    Schedules,
    Share,
    Turns,
    WarmUp,
    WholeFromZero,
    Widths,
)

Keys = Mapping[str, Any]
"""By key; in the tables below, its type and range, as the fields of `schema.py` have them."""

Activation = Literal[
    "relu", "tanh", "sigmoid", "gelu", "elu", "leaky_relu", "silu", "softplus", "identity"
]

PosWeight = Positive | Literal["auto"] | Object | None
ClassWeights = Object | Literal["auto"] | None

NONE: Keys = {}
"""Of an option that takes no keys, such as loss=mse."""

MODEL: Keys = {
    "in_features": Count | None,
    "out_features": Count | None,
    "hidden": Widths,
    "activation": Activation,
    "bias": bool,
    "return_hidden": bool,
}
"""Of all three model styles."""

OPTIMIZER: Keys = {"lr": Positive, "weight_decay": FromZero}
"""Of all optimizers."""

ADAM: Keys = {**OPTIMIZER, "betas": Betas, "eps": FromZero, "amsgrad": bool}

TARGET_KEYS: dict[str, dict[str | None, Keys]] = {
    "model": {
        "seedbed.models.CustomMLP": {**MODEL, "batch_norm": bool, "dropout": Fraction},
        "seedbed.models.ManualMLP": {
            **MODEL,
            "start": Literal["uniform", "linear", "xavier", "kaiming"],
        },
        "seedbed.models.SequentialMLP": {**MODEL, "layers": Layers | None},
    },
    "loss": {
        None: NONE,
        "torch.nn.MSELoss": NONE,
        "torch.nn.L1Loss": NONE,
        "torch.nn.BCEWithLogitsLoss": {"pos_weight": PosWeight, "label_smoothing": Fraction},
        "torch.nn.HuberLoss": {"delta": Positive},
        "torch.nn.CrossEntropyLoss": {"label_smoothing": Fraction, "class_weights": ClassWeights},
        "seedbed.losses.PoissonLoss": NONE,
        "seedbed.losses.QuantileLoss": {"quantiles": Levels},
        "seedbed.losses.FocalLoss": {"gamma": FromZero, "class_weights": ClassWeights},
    },
    "optimizer": {
        "torch.optim.SGD": {
            **OPTIMIZER,
            "momentum": FromZero,
            "nesterov": bool,
            "dampening": FromZero,
        },
        "torch.optim.Adam": ADAM,
        "torch.optim.AdamW": ADAM,
        "torch.optim.RMSprop": {
            **OPTIMIZER,
            "alpha": Share,
            "eps": FromZero,
            "momentum": FromZero,
            "centered": bool,
        },
        "torch.optim.Adagrad": {**OPTIMIZER, "lr_decay": FromZero, "eps": FromZero},
    },
    "scheduler": {
        None: NONE,
        "torch.optim.lr_scheduler.StepLR": {"step_size": Count, "gamma": Positive},
        "torch.optim.lr_scheduler.CosineAnnealingLR": {"T_max": Count, "eta_min": FromZero},
        "torch.optim.lr_scheduler.OneCycleLR": {
            "max_lr": Positive,
            "pct_start": Share,
            "div_factor": Positive,
            "final_div_factor": Positive,
        },
        "torch.optim.lr_scheduler.ReduceLROnPlateau": {
            "factor": Factor,
            "patience": WholeFromZero,
            "threshold": FromZero,
            "min_lr": FromZero,
        },
        "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts": {
            "T_0": Count,
            "T_mult": Count,
            "eta_min": FromZero,
        },
        "torch.optim.lr_scheduler.PolynomialLR": {"total_iters": Count, "power": Positive},
        "torch.optim.lr_scheduler.MultiStepLR": {"milestones": Milestones, "gamma": Positive},
        "torch.optim.lr_scheduler.ExponentialLR": {"gamma": Positive},
        "torch.optim.lr_scheduler.SequentialLR": {"schedulers": Schedules, "milestones": Turns},
        "torch.optim.lr_scheduler.ChainedScheduler": {"schedulers": Schedules},
    },
}
"""The keys that go with a `_target_` of ours; another class is checked against its signature."""

KEYS_OF_OURS: dict[str, Keys] = {"scheduler": {"warmup": WarmUp | None}}
"""Keys of a group that go with every class, and are no arguments of it. Configs may lack them, as
earlier ones and a user's own do; that means null."""

CLASS_WEIGHTS, POS_WEIGHT, BALANCED = "class_weights", "pos_weight", "auto"
"""Keys of losses, and the value by which the training rows decide."""

ABSENT_KEYS: dict[str | None, Mapping[str, Any]] = {
    "torch.nn.BCEWithLogitsLoss": {"pos_weight": None, "label_smoothing": 0.0},
    "torch.nn.CrossEntropyLoss": {"class_weights": None},
    "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts": {"T_mult": 1, "eta_min": 0.0},
    "torch.optim.lr_scheduler.PolynomialLR": {"total_iters": 5, "power": 1.0},
    "torch.optim.lr_scheduler.MultiStepLR": {"gamma": 0.1},
}
"""Keys that earlier configs lack beside a `_target_`; the value is what their absence means."""


def with_absent(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A group with the keys that earlier configs lack."""
    target = spec.get("_target_")
    absent = ABSENT_KEYS.get(target, NONE) if isinstance(target, str) else NONE
    return {**absent, **spec}


def arguments_of(group: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A group without the keys that are no arguments of its class."""
    ours = KEYS_OF_OURS.get(group, NONE)
    return {key: value for key, value in spec.items() if key not in ours}


def is_balanced(loss: Mapping[str, Any]) -> bool:
    """Whether a loss goes by how many training rows each class has."""
    return BALANCED in (loss.get(CLASS_WEIGHTS), loss.get(POS_WEIGHT))
