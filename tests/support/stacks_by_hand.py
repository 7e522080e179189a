"""Stacks of small models, without configs: their steps, and arguments for these."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.fused.flat import Layout
from seedbed.fused.function_of_weights import FunctionOfWeights
from seedbed.fused.runs_last import is_small
from seedbed.fused.step import StackedModel
from seedbed.fused.tracing import Function
from seedbed.models.copies import copied_model
from seedbed.tasks.head import TaskHead

CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss)


def mlp(
    inputs: int, hidden: Sequence[int], outputs: int, activation: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """A perceptron."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(inputs, width), activation()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


class Stack:
    """Runs of a model whose first layer is linear.

    Args:
        model: of each.
        loss: of each.
        runs: how many.
        rows: of a batch.
        precision: of products, as `FunctionOfWeights` takes it.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        runs: int,
        rows: int,
        precision: torch.dtype | None = None,
    ) -> None:
        self.loss, self.runs, self.rows = loss, runs, rows
        self.layout = Layout(model, runs_last=precision is None and is_small(model, loss, rows))
        self.classes = isinstance(loss, CLASSES)
        linear: list[Any] = [one for one in model.modules() if hasattr(one, "in_features")]
        self.inputs, self.outputs = linear[0].in_features, linear[-1].out_features
        task: Any = SimpleNamespace(
            task="multiclass" if self.classes else "regression", weight=None
        )
        self.head = TaskHead(type(loss).__name__, loss, task)
        run = FunctionOfWeights(copied_model(model), self.head, precision)
        self.model = StackedModel(run, self.layout, "error")

    def plain_step(self) -> Function:
        """A step as Python has it."""

        def step(weights: Tensor, x: Tensor, y: Tensor) -> list[Tensor]:
            gradient, losses, _ = self.model.vmapped.gradients(weights, {}, x, y)
            return [gradient.detach(), losses.detach()]

        return step

    def arguments(self, seed: int) -> list[Tensor]:
        """Weights, and a batch of each run."""
        generator = torch.Generator().manual_seed(seed)
        shapes = self.layout.shapes.items()
        weights = self.layout.row(
            {n: torch.randn(self.runs, *shape, generator=generator) * 0.3 for n, shape in shapes}
        )
        weights = self.layout.arranged(weights)
        x = torch.randn(self.runs, self.rows, self.inputs, generator=generator)
        if self.classes:
            chosen = (self.runs, self.rows)
            return [weights, x, torch.randint(0, self.outputs, chosen, generator=generator)]
        return [weights, x, torch.randn(self.runs, self.rows, self.outputs, generator=generator)]
