"""The loss of a stack is torch's, for few classes and many, few rows and many."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.func import grad_and_value, vmap

from seedbed.tasks.losses import FEW_CLASSES, MANY_ROWS, stackable_loss

SHAPES = [
    (rows, classes)
    for rows in (1, MANY_ROWS - 1, MANY_ROWS, 43, 64, 300)
    for classes in (2, 10, FEW_CLASSES - 1, FEW_CLASSES, 100)
]


@pytest.mark.parametrize(("rows", "classes"), SHAPES)
def test_cross_entropy_of_many_runs_is_that_of_each(rows: int, classes: int) -> None:
    head = SimpleNamespace(loss_function=nn.CrossEntropyLoss())
    torch.manual_seed(rows * classes)
    outputs = 5 * torch.randn(3, rows, classes)
    y = torch.randint(0, classes, (3, rows, 1))
    gradients, losses = vmap(grad_and_value(stackable_loss(head)))(outputs, y)
    for run in range(3):
        output = outputs[run].clone().requires_grad_()
        wanted = nn.functional.cross_entropy(output, y[run, :, 0])
        wanted.backward()
        torch.testing.assert_close(losses[run], wanted.detach(), rtol=1e-6, atol=1e-7)
        torch.testing.assert_close(gradients[run], output.grad, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("rows", [16, 32, 48, 64, 112, 256, 512])
@pytest.mark.parametrize("classes", [2, 3, 5, 10, 15])
def test_the_bits_do_not_depend_on_where_the_rows_lie(rows: int, classes: int) -> None:
    def plain(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return -torch.log_softmax(output, dim=1).gather(1, y.reshape(-1, 1)).mean()

    def of(loss):
        weights = outputs.clone().requires_grad_()
        losses = vmap(loss)(weights, y)
        return losses.detach(), torch.autograd.grad(losses.sum(), weights)[0]

    head = SimpleNamespace(loss_function=nn.CrossEntropyLoss())
    torch.manual_seed(rows + classes)
    outputs = 5 * torch.randn(4, rows, classes)
    y = torch.randint(0, classes, (4, rows, 1))
    for found, wanted in zip(of(stackable_loss(head)), of(plain), strict=True):
        assert torch.equal(found, wanted)
