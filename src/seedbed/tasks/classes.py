"""The target is one of several classes, or of two."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from seedbed.config.task_names import BINARY, MULTICLASS, TargetKind

ONE_LOGIT = "torch.nn.BCEWithLogitsLoss"
"""Takes a single logit, that of the second of two classes; other losses take one a class."""


class Multiclass:
    """One logit a class."""

    name = MULTICLASS
    target: TargetKind = "classes"
    losses: Mapping[str, str] = {
        "torch.nn.CrossEntropyLoss": "loss=cross_entropy",
        "seedbed.losses.FocalLoss": "loss=focal",
    }
    metrics: Sequence[str] = ("accuracy", "f1", "auroc")

    def num_outputs(self, loss: str, size: int) -> int:
        """One a class."""
        return size

    def loss_targets(self, y: Tensor, output: Tensor, loss: str) -> Tensor:
        """The class numbers."""
        return y.reshape(-1)

    def predictions(self, outputs: Tensor, loss: str) -> Tensor:
        """By softmax."""
        return outputs.softmax(dim=-1)


class Binary(Multiclass):
    """One logit, or one a class as `Multiclass` has them."""

    name = BINARY
    losses: Mapping[str, str] = {ONE_LOGIT: "loss=bce", **Multiclass.losses}

    def num_outputs(self, loss: str, size: int) -> int:
        """One for `ONE_LOGIT`, else one a class."""
        return 1 if loss == ONE_LOGIT else size

    def loss_targets(self, y: Tensor, output: Tensor, loss: str) -> Tensor:
        """The class numbers, for `ONE_LOGIT` as real ones in a column."""
        return y.reshape(-1, 1).to(output.dtype) if loss == ONE_LOGIT else y.reshape(-1)

    def predictions(self, outputs: Tensor, loss: str) -> Tensor:
        """By sigmoid of `ONE_LOGIT`'s output, else by softmax."""
        if loss != ONE_LOGIT:
            return super().predictions(outputs, loss)
        positive = outputs.sigmoid()
        return torch.cat([1 - positive, positive], dim=-1)
