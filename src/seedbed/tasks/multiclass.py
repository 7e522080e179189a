"""Multiclass: the target is one of several classes."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from seedbed.config.task_names import MULTICLASS, TargetKind


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
