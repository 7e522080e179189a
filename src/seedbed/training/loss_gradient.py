"""The loss of a model's outputs and its gradient there, without a graph for the usual losses."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seedbed.tasks.head import TaskHead
from seedbed.tasks.losses import is_plain_cross_entropy

aten = torch.ops.aten


def loss_gradient(head: TaskHead) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """What gives the loss of a batch and its gradient, by the kernels that autograd calls.

    Of other losses than the mean of squares and cross entropy a graph is made, of these alone.

    Shape:
        outputs (batch, outputs), targets (batch, …) -> (), (batch, outputs)
    """
    one, loss = torch.ones(()), head.loss_function
    ignored = getattr(loss, "ignore_index", 0)  # a number that no class has

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
        made, total = aten.nll_loss_forward(told, targets, None, 1, ignored)
        gradient = aten.nll_loss_backward(one, told, targets, None, 1, ignored, total)
        return made, aten._log_softmax_backward_data(gradient, told, 1, torch.float32)

    if head.weighs_rows:
        return graphed
    if type(loss) is nn.MSELoss and loss.reduction == "mean":
        return squares
    return entropy if is_plain_cross_entropy(loss) else graphed
