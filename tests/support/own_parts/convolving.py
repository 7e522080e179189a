"""A convolutional network with batch normalisation and a residual block, and own transforms."""

import numpy as np
import torch
from torch import Tensor, nn


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.body(x)).relu()


class SmallResNet(nn.Module):
    def __init__(self, input_shape: list[int], out_features: int, width: int = 4) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(input_shape[0], width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            Residual(width),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(4 * width, out_features),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Noise:
    """Draws from torch and from NumPy."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __call__(self, x: Tensor) -> Tensor:
        return x + self.scale * torch.randn_like(x) + self.scale * float(np.random.rand())


def dimmed(x: Tensor, factor: float = 0.5) -> Tensor:
    return x * (1 - factor * torch.rand(()))


def scaled(x: Tensor, to: float = 255.0) -> Tensor:
    return x * to


class Unseeded:
    def __call__(self, x: Tensor) -> Tensor:
        return x + float(np.random.default_rng().random())


class Smaller:
    def __call__(self, x: Tensor) -> Tensor:
        return x[:, 1:]


class Raising:
    def __call__(self, x: Tensor) -> Tensor:
        raise KeyError("colour")
