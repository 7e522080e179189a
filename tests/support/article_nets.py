"""The article's three networks, in plain PyTorch: what ours are measured against."""

import torch
from torch import Tensor, nn


class MyNeuralNet(nn.Module):
    """Section 1.1 (3)."""

    def __init__(self) -> None:
        super().__init__()
        self.input_to_hidden_layer = nn.Linear(2, 8)
        self.hidden_layer_activation = nn.ReLU()
        self.hidden_to_output_layer = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.input_to_hidden_layer(x)
        x = self.hidden_layer_activation(x)
        return self.hidden_to_output_layer(x)


class MyManualNet(nn.Module):
    """Section 1.1 (5), with the article's slip mended."""

    def __init__(self) -> None:
        super().__init__()
        self.input_to_hidden_layer = nn.Parameter(torch.rand(2, 8))
        self.hidden_layer_activation = nn.ReLU()
        self.hidden_to_output_layer = nn.Parameter(torch.rand(8, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = x @ self.input_to_hidden_layer
        x = self.hidden_layer_activation(x)
        return x @ self.hidden_to_output_layer


def sequential_net() -> nn.Sequential:
    """Section 2."""
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))


ARTICLE_NETS = {"custom": MyNeuralNet, "manual": MyManualNet, "sequential": sequential_net}
X = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
Y = torch.tensor([[3.0], [7.0], [11.0], [15.0]])
