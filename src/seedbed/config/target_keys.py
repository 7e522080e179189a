"""The keys that go with a class of ours, or of torch, that a config names by `_target_`."""

from collections.abc import Mapping
from typing import Any, Literal

from seedbed.config.ranges import (
    Betas,
    Coefficients,
    Count,
    Etas,
    Factor,
    Fraction,
    FromOne,
    FromZero,
    Layers,
    Levels,
    Milestones,
    NewtonSteps,
    Object,
    Positive,
    Schedules,
    Share,
    StepSizes,
    Turns,
    TwoEps,
    UpToZero,
    WarmUp,
    WholeFromZero,
    Widths,
)

Keys = Mapping[str, Any]
"""By key; in the tables below, its type and range, as the fields of `schema/` have them."""

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

OPTIMIZER: Keys = {"lr": Positive, "weight_decay": FromZero, "maximize": bool}
"""Of nearly all optimizers."""

MEANS: Keys = {**OPTIMIZER, "betas": Betas, "eps": FromZero}
ADAM: Keys = {**MEANS, "amsgrad": bool}
DECOUPLED: Keys = {"decoupled_weight_decay": bool}

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
        "torch.optim.Adam": {**ADAM, **DECOUPLED},
        "torch.optim.AdamW": ADAM,
        "torch.optim.NAdam": {**MEANS, **DECOUPLED, "momentum_decay": FromZero},
        "torch.optim.RAdam": {**MEANS, **DECOUPLED},
        "torch.optim.Adamax": MEANS,
        "torch.optim.RMSprop": {
            **OPTIMIZER,
            "alpha": Share,
            "eps": FromZero,
            "momentum": FromZero,
            "centered": bool,
        },
        "torch.optim.Adagrad": {
            **OPTIMIZER,
            "lr_decay": FromZero,
            "eps": FromZero,
            "initial_accumulator_value": FromZero,
        },
        "torch.optim.Adadelta": {**OPTIMIZER, "rho": Share, "eps": FromZero},
        "torch.optim.Rprop": {
            "lr": Positive,
            "etas": Etas,
            "step_sizes": StepSizes,
            "maximize": bool,
        },
        "seedbed.optimizers.Lion": {**OPTIMIZER, "betas": Betas},
        "torch.optim.ASGD": {**OPTIMIZER, "lambd": FromZero, "alpha": FromZero, "t0": FromZero},
        "torch.optim.Adafactor": {
            **OPTIMIZER,
            "beta2_decay": UpToZero,
            "eps": TwoEps,
            "d": FromOne,
        },
        "torch.optim.Muon": {
            "lr": Positive,
            "weight_decay": FromZero,
            "momentum": FromZero,
            "nesterov": bool,
            "ns_coefficients": Coefficients,
            "eps": FromZero,
            "ns_steps": NewtonSteps,
            "adjust_lr_fn": Literal["original", "match_rms_adamw"] | None,
        },
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

KEYS_OF_OURS: dict[str, Keys] = {
    "scheduler": {"warmup": WarmUp | None},
    "optimizer": {"groups": Object | None, "no_decay": bool | None},
}
"""Keys of a group that go with every class, and are no arguments of it. Configs may lack them, as
earlier ones and a user's own do; that means null."""

FUNCTIONAL = "torch.nn.functional"

CLASSES_OF_FUNCTIONS = {
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "cross_entropy": "CrossEntropyLoss",
    "hinge_embedding_loss": "HingeEmbeddingLoss",
    "huber_loss": "HuberLoss",
    "kl_div": "KLDivLoss",
    "l1_loss": "L1Loss",
    "mse_loss": "MSELoss",
    "multi_margin_loss": "MultiMarginLoss",
    "multilabel_margin_loss": "MultiLabelMarginLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "nll_loss": "NLLLoss",
    "poisson_nll_loss": "PoissonNLLLoss",
    "smooth_l1_loss": "SmoothL1Loss",
    "soft_margin_loss": "SoftMarginLoss",
}
"""Losses of `torch.nn.functional` that take outputs and targets, by the class of `torch.nn` that
calls each: it knows what it fits, and trains in stacks as fast as can be."""

CLASS_WEIGHTS, POS_WEIGHT, BALANCED = "class_weights", "pos_weight", "auto"
"""Keys of losses, and the value by which the training rows decide."""

_ALL = {"weight_decay": 0.0, "maximize": False}
_MEANS = {"lr": 0.002, "betas": [0.9, 0.999], "eps": 1e-8, **_ALL}

OF_TORCH: dict[str, Mapping[str, Any]] = {
    "NAdam": {**_MEANS, "momentum_decay": 0.004, "decoupled_weight_decay": False},
    "RAdam": {**_MEANS, "lr": 0.001, "decoupled_weight_decay": False},
    "Adamax": _MEANS,
    "Adadelta": {"lr": 1.0, "rho": 0.9, "eps": 1e-6, **_ALL},
    "Rprop": {"lr": 0.01, "etas": [0.5, 1.2], "step_sizes": [1e-6, 50.0], "maximize": False},
    "ASGD": {"lr": 0.01, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6, **_ALL},
    "Adafactor": {"lr": 0.01, "beta2_decay": -0.8, "eps": [None, 1e-3], "d": 1.0, **_ALL},
    "Muon": {
        "lr": 0.001,
        "weight_decay": 0.1,
        "momentum": 0.95,
        "nesterov": True,
        "ns_coefficients": [3.4445, -4.775, 2.0315],
        "eps": 1e-7,
        "ns_steps": 5,
        "adjust_lr_fn": None,
    },
}
"""Torch's defaults for its optimizers that earlier versions had no keys for: a config of theirs
names what it changes."""

ABSENT_KEYS: dict[str | None, Mapping[str, Any]] = {
    "torch.nn.BCEWithLogitsLoss": {"pos_weight": None, "label_smoothing": 0.0},
    "torch.nn.CrossEntropyLoss": {"class_weights": None},
    "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts": {"T_mult": 1, "eta_min": 0.0},
    "torch.optim.lr_scheduler.PolynomialLR": {"total_iters": 5, "power": 1.0},
    "torch.optim.lr_scheduler.MultiStepLR": {"gamma": 0.1},
    "torch.optim.SGD": {"maximize": False},
    "torch.optim.Adam": {"maximize": False, "decoupled_weight_decay": False},
    "torch.optim.AdamW": {"maximize": False},
    "torch.optim.RMSprop": {"maximize": False},
    "torch.optim.Adagrad": {"maximize": False, "initial_accumulator_value": 0.0},
    **{f"torch.optim.{name}": defaults for name, defaults in OF_TORCH.items()},
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
