"""Builds the loss of a config, with tensors in place of the keys that name classes."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from seedbed.components import AllowList
from seedbed.config.target_keys import CLASS_WEIGHTS, POS_WEIGHT
from seedbed.data.preprocessing import Preprocessing
from seedbed.errors import NotAllowedError
from seedbed.losses.function import FunctionLoss
from seedbed.losses.weighted import SmoothedBCE
from seedbed.process.generators import seed_torch
from seedbed.signatures import refuse_turned
from seedbed.tasks.class_weights import smoothing_of, takes_weights, weight_arguments
from seedbed.tasks.classes import ONE_LOGIT

GIVEN = ("the outputs", "the targets")
"""What a loss is called with."""


def is_ours_or_torchs(module: str) -> bool:
    """Whether a loss of this module keeps nothing from batch to batch, and has no parameters."""
    return module.startswith(("torch.", "seedbed.losses"))


def listed_loss(
    spec: Mapping[str, Any], allow: AllowList, preprocessing: Preprocessing
) -> nn.Module:
    """A loss that a task lists, which draws nothing.

    Args:
        spec: `loss` of the config, with the class.
        allow: what it may name.
        preprocessing: the classes, and how many training rows each has.

    Raises:
        ConfigError: if weights do not fit the classes.
        NotAllowedError: if the class may not be built.
    """
    if not takes_weights(spec):
        other: nn.Module = allow.build(spec, "loss")
        return other
    weights = weight_arguments(spec, preprocessing)
    plain = {key: one for key, one in spec.items() if key not in (CLASS_WEIGHTS, POS_WEIGHT)}
    if spec["_target_"] == ONE_LOGIT:
        plain.pop("label_smoothing", None)
        if smoothing := smoothing_of(spec):
            return SmoothedBCE(smoothing, **weights)
    built: nn.Module = allow.build(plain, "loss", **weights)
    return built


def users_loss(spec: Mapping[str, Any], allow: AllowList) -> nn.Module:
    """A loss that no task lists, a class or a function.

    What it draws is a matter of its config alone.

    Raises:
        NotAllowedError: if the class may not be built, or the function not be called as a loss.
    """
    found = allow.find_part(str(spec["_target_"]), "loss")
    if isinstance(found, nn.Module):
        raise NotAllowedError(
            f"loss: '{spec['_target_']}' is a {type(found).__name__} that is made already, and "
            "runs would share it; name its class"
        )
    with torch.random.fork_rng(devices=[]):
        seed_torch(0)
        if not isinstance(found, type):
            return FunctionLoss(allow.bound(spec, "loss", GIVEN))
        built: nn.Module = allow.build(spec, "loss")
    refuse_turned(getattr(built, "forward", built), found.__name__, "loss", GIVEN)
    return built
