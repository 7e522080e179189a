"""Losses that keep something, and one that does not."""

import torch
from torch import nn


class Plain(nn.Module):
    def forward(self, output, y):
        return (output - y).square().mean() + 0.01 * output.abs().mean()


class Uncertain(Plain):
    """Has a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(()))

    def forward(self, output, y):
        return super().forward(output, y) * torch.exp(-self.log_scale) + self.log_scale


class Counting(Plain):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, output, y):
        self.calls += 1
        return super().forward(output, y) * min(1.0, self.calls / 100)


class Rarely(Counting):
    """Its count tells after a thousand calls."""

    def forward(self, output, y):
        loss = super(Counting, self).forward(output, y)
        self.calls += 1
        return loss * (0.5 if self.calls > 1000 else 1.0)


class Moving(Plain):
    """Is measured by its own running mean, a buffer that is assigned anew."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.ones(()))

    def forward(self, output, y):
        loss = super().forward(output, y)
        self.mean = 0.9 * self.mean + 0.1 * loss.detach()
        return loss / self.mean


class MovingInPlace(Moving):
    def forward(self, output, y):
        loss = super(Moving, self).forward(output, y)
        self.mean.mul_(0.9).add_(0.1 * loss.detach())
        return loss / self.mean


class Doubled(Plain):
    """Is twice as much of rows that are measured; a part of it is always in evaluation mode."""

    def __init__(self):
        super().__init__()
        self.part = nn.Identity().eval()

    def forward(self, output, y):
        assert not self.part.training
        error = (output - y).square().mean()
        return error if self.training else 2 * error


class Noisy(Plain):
    """Draws."""

    def forward(self, output, y):
        return super().forward(output, y + 0.1 * torch.randn(y.shape))
