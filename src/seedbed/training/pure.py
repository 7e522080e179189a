"""Modules and losses that are known to be functions of their weights, buffers and input alone.

They need no trial before they are stacked. Tests hold each layer to its single run, and these lists
to torch's own.
"""

from typing import Any

import torch
from torch import Tensor, nn

from seedbed.losses import FocalLoss, PoissonLoss, QuantileLoss
from seedbed.losses.weighted import SmoothedBCE
from seedbed.models.custom import CustomMLP
from seedbed.models.manual import ManualMLP
from seedbed.models.sequential import SequentialMLP

LAYERS = """
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveMaxPool1d AdaptiveMaxPool2d AvgPool1d AvgPool2d
    BatchNorm1d BatchNorm2d BatchNorm3d Bilinear CELU CircularPad1d CircularPad2d ConstantPad1d
    ConstantPad2d Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d Dropout Dropout1d Dropout2d
    ELU Flatten GELU GLU GRU GRUCell GroupNorm Hardshrink Hardsigmoid Hardswish Hardtanh Identity
    InstanceNorm1d InstanceNorm2d LSTM LSTMCell LayerNorm LeakyReLU Linear LogSigmoid LogSoftmax
    MaxPool1d MaxPool2d Mish ModuleList PReLU RMSNorm RNN RNNCell ReLU ReLU6 ReflectionPad1d
    ReflectionPad2d ReplicationPad1d ReplicationPad2d SELU Sequential SiLU Sigmoid Softmax Softmin
    Softplus Softshrink Softsign Tanh Tanhshrink Threshold Unflatten ZeroPad1d ZeroPad2d
"""
"""Of `torch.nn`."""

LOSSES = """
    BCEWithLogitsLoss CrossEntropyLoss HingeEmbeddingLoss HuberLoss L1Loss MSELoss NLLLoss
    PoissonNLLLoss SmoothL1Loss SoftMarginLoss
"""
"""Of `torch.nn`."""

PURE = {CustomMLP, ManualMLP, SequentialMLP, *(getattr(nn, name) for name in LAYERS.split())}
OURS = {FocalLoss, PoissonLoss, QuantileLoss, SmoothedBCE}
PURE_LOSSES = {*(getattr(nn, name) for name in LOSSES.split()), *OURS}

HOOKS = (
    "_forward_pre_hooks",
    "_forward_hooks",
    "_backward_pre_hooks",
    "_backward_hooks",
)
"""Attributes of a module that hold what is called around its `forward` and `backward`."""


def is_pure(model: nn.Module) -> bool:
    """Whether every module of it is of such a class itself, not of one derived from it."""
    return all(type(module) in PURE and hook_of(module) is None for module in model.modules())


def is_pure_loss(loss: Any) -> bool:
    """Likewise of a loss."""
    return type(loss) in PURE_LOSSES and hook_of(loss) is None


def hook_of(module: nn.Module) -> str | None:
    """The kind of hook that a module has, or None."""
    for kind in HOOKS:
        if getattr(module, kind, None):
            return kind.strip("_").removesuffix("s").replace("_", " ")
    return None


def is_gradient_hooked(parameter: Tensor) -> bool:
    """Whether something is called with its gradient."""
    accumulated = getattr(parameter, "_post_accumulate_grad_hooks", None)
    return bool(parameter._backward_hooks or accumulated)


def refused_form(model: nn.Module, loss: Any) -> str | None:
    """What a model or a loss is made of that is never stacked, seen before it is called."""
    named = list(model.named_modules())
    if isinstance(loss, nn.Module):
        named += [(f"loss.{name}".rstrip("."), one) for name, one in loss.named_modules()]
    for name, module in named:
        where = f"'{name}'" if name else type(module).__name__
        if isinstance(module, torch.jit.ScriptModule):
            return f"{where} is a scripted module"
        if hook := hook_of(module):
            return f"{where} has a {hook}"
    for name, one in model.named_parameters():
        if type(one) is not nn.Parameter:
            return f"'{name}' is no plain parameter but a {type(one).__name__}"
        if is_gradient_hooked(one):
            return f"the gradient of '{name}' has a hook"
    return None
