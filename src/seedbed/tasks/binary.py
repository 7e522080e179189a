"""Binary: the target is one of two classes."""

from collections.abc import Mapping

import torch
from torch import Tensor

from seedbed.config.task_names import BINARY
from seedbed.tasks.multiclass import Multiclass

ONE_LOGIT = "torch.nn.BCEWithLogitsLoss"
"""Takes a single logit, that of the second class; other losses take one a class."""


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
