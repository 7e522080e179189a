"""A model with parameters of every type that torch trains, one of them empty."""

import torch
from torch import Tensor, nn


class AllTypes(nn.Module):
    """Multiplies by some of them, and passes over others."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.layer = nn.Linear(in_features, out_features)
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.turn = nn.Parameter(torch.tensor([1 + 1j]))
        self.coarse = nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
        self.fine = nn.Parameter(torch.ones(1, dtype=torch.float64))
        self.none = nn.Parameter(torch.empty(0, 3))

    def forward(self, x: Tensor) -> Tensor:
        turned = self.turn.real * self.scale + self.turn.imag
        output: Tensor = self.layer(x) * turned * self.coarse.sum().float() + self.fine.float()
        return output
