"""The loss of a model's outputs and its gradient there, without a graph for the usual losses."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seedbed.tasks.head import TaskHead

aten = torch.ops.aten


def loss_gradient(head: TaskHead) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """What gives the loss of a batch and its gradient, by the kernels that autograd calls.

    Of other losses than the mean of squares and cross entropy a graph is made, of these alone.

    Shape:
        outputs (batch, outputs), targets (batch, …) -> (), (batch, outputs)
    """
    one, loss = torch.ones(()), head.loss_function
    weighed = head.weighs_rows or head.preprocessing.weight is not None

    def graphed(output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        output.requires_grad_()
        with torch.enable_grad():
            made = head.loss(output, y)
            (gradient,) = torch.autograd.grad(made, output)
        return made.detach(), gradient

    def squares(output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        targets = head.task.loss_targets(y, output, head.loss_name)
        if targets.shape != output.shape:
            return graphed(output, y)
        made = aten.mse_loss(output, targets)
        return made, aten.mse_loss_backward(one, output, targets, 1)

    def entropy(output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        targets = head.task.loss_targets(y, output, head.loss_name)
        told = torch.log_softmax(output, 1)
        made, total = aten.nll_loss_forward(told, targets, None, 1, -100)
        gradient = aten.nll_loss_backward(one, told, targets, None, 1, -100, total)
        return made, aten._log_softmax_backward_data(gradient, told, 1, torch.float32)

    if not weighed and type(loss) is nn.MSELoss and loss.reduction == "mean":
        return squares
    plain = type(loss) is nn.CrossEntropyLoss and loss.weight is None and loss.ignore_index == -100
    if not weighed and plain and loss.reduction == "mean" and loss.label_smoothing == 0:
        return entropy
    return graphed
