"""What the rules of `rewriting.py` know of torch's operations.

Where torch has a function of its own for an operation, that is called: it takes half of the time
that the operation's entry in `torch.ops` takes.
"""

import operator
from typing import Any

import torch
from torch import Tensor, fx

from seedbed.process.torch_private import log_softmax

aten = torch.ops.aten

VIEWS: dict[Any, Any] = {
    aten.transpose.int: torch.transpose,
    aten.permute.default: torch.permute,
    aten.view.default: torch.reshape,
    aten._unsafe_view.default: torch.reshape,
    aten.unsqueeze.default: torch.unsqueeze,
    aten.expand.default: Tensor.expand,
    aten.select.int: torch.select,
    aten.split_with_sizes.default: torch.split_with_sizes,
    operator.getitem: operator.getitem,
}
"""Operations that look at the numbers they are given."""

SAME = (aten.detach.default, aten.alias.default, aten.clone.default)
"""Operations that give the numbers they are given; what they may change is never changed."""

CONVERTING: Any = aten._to_copy.default
"""The operation that gives the numbers it is given in another type."""

FROM_SHAPE = (
    aten.ones_like.default,
    aten.zeros_like.default,
    aten.full_like.default,
    aten.new_zeros.default,
    aten.new_ones.default,
    aten.new_full.default,
    aten.zeros.default,
    aten.ones.default,
    aten.full.default,
    aten.scalar_tensor.default,
)
"""Operations that look at shapes alone."""

POINTWISE: dict[Any, tuple[Any, str]] = {
    aten.add.Tensor: (torch.add, "out"),
    aten.sub.Tensor: (torch.sub, "out"),
    aten.mul.Tensor: (torch.mul, "out"),
    aten.mul.Scalar: (torch.mul, "out"),
    aten.div.Tensor: (torch.div, "out"),
    aten.div.Scalar: (torch.div, "out"),
    aten.neg.default: (torch.neg, "out"),
    aten.exp.default: (torch.exp, "out"),
    aten.tanh.default: (torch.tanh, "out"),
    aten.tanh_backward.default: (aten.tanh_backward.grad_input, "grad_input"),
    aten.sigmoid.default: (torch.sigmoid, "out"),
    aten.sigmoid_backward.default: (aten.sigmoid_backward.grad_input, "grad_input"),
    aten.threshold_backward.default: (aten.threshold_backward.grad_input, "grad_input"),
    aten.gelu.default: (aten.gelu.out, "out"),
    aten.gelu_backward.default: (aten.gelu_backward.grad_input, "grad_input"),
    aten.silu.default: (aten.silu.out, "out"),
    aten.silu_backward.default: (aten.silu_backward.grad_input, "grad_input"),
    aten.elu.default: (aten.elu.out, "out"),
    aten.elu_backward.default: (aten.elu_backward.grad_input, "grad_input"),
    aten.leaky_relu.default: (aten.leaky_relu.out, "out"),
    aten.leaky_relu_backward.default: (aten.leaky_relu_backward.grad_input, "grad_input"),
}
"""Operations that give each number from those in its place, with what writes them into memory that
is there, and the name of that argument. They may write over what they read."""

WITH_MEMORY: dict[Any, tuple[Any, str]] = {
    aten.sum.dim_IntList: (torch.sum, "out"),
    aten.mean.dim: (torch.mean, "out"),
    aten.gather.default: (torch.gather, "out"),
    aten.scatter_add.default: (torch.scatter_add, "out"),
    aten.mse_loss.default: (aten.mse_loss.out, "out"),
    aten.mse_loss_backward.default: (aten.mse_loss_backward.grad_input, "grad_input"),
    aten._log_softmax.default: (log_softmax, "out"),
    aten._log_softmax_backward_data.default: (aten._log_softmax_backward_data.out, "out"),
}
"""Others that write into memory that is there."""

GAPLESS = (aten._log_softmax.default, aten._log_softmax_backward_data.default)
"""Those that take memory for granted that has no gaps."""


def is_same(node: fx.Node) -> bool:
    """Whether it gives what it is given."""
    if node.op != "call_function":
        return False
    by_one = node.target is aten.mul.Scalar and node.args[1:] == (1,)
    return by_one or node.target in SAME


def is_look(node: fx.Node) -> bool:
    """Whether what it gives lies in the memory of what it is given, or may do so."""
    return is_same(node) or (node.op == "call_function" and node.target in VIEWS)
