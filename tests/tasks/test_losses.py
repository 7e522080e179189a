"""The losses of stacks are torch's."""

import pytest
import torch
from torch import nn

from seedbed.data.preprocessing import Preprocessing
from seedbed.tasks.head import TaskHead
from seedbed.tasks.losses import stackable_loss


def head(loss: nn.Module) -> TaskHead:
    """Of three classes."""
    preprocessing = Preprocessing(
        task="multiclass",
        features=[],
        target=["y"],
        classes=["a", "b", "c"],
        target_mean=None,
        target_scale=None,
        input_shape=[4],
        outputs=1,
    )
    return TaskHead("torch.nn.CrossEntropyLoss", loss, preprocessing)


def test_stackable_cross_entropy_and_gradient_match_torch() -> None:
    torch.manual_seed(0)
    output = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    y = torch.randint(0, 3, (7,))
    plain = head(nn.CrossEntropyLoss())
    assert stackable_loss(plain) != plain.loss
    found = stackable_loss(plain)(output, y)
    expected = nn.functional.cross_entropy(output, y)
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=0)
    (gradient,) = torch.autograd.grad(found, output)
    (wanted,) = torch.autograd.grad(expected, output)
    torch.testing.assert_close(gradient, wanted, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_weighted_cross_entropy_and_gradient_match_torch(smoothing: float) -> None:
    torch.manual_seed(0)
    output = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    y, weight = torch.randint(0, 3, (7,)), torch.tensor([0.2, 3.0, 1.0], dtype=torch.float64)
    loss = nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)
    found, expected = stackable_loss(head(loss))(output, y), loss(output, y)
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=0)
    (gradient,) = torch.autograd.grad(found, output)
    (wanted,) = torch.autograd.grad(expected, output)
    torch.testing.assert_close(gradient, wanted, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize(
    "loss",
    [
        nn.CrossEntropyLoss(label_smoothing=0.1),
        nn.CrossEntropyLoss(ignore_index=0),
        nn.MSELoss(),
        nn.BCEWithLogitsLoss(),
    ],
    ids=["smoothed", "a class ignored", "mse", "bce"],
)
def test_other_losses_stay_as_they_are(loss: nn.Module) -> None:
    one = head(loss)
    assert stackable_loss(one) == one.loss
