"""The target is one real value or several, counts among them, or the inputs themselves."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from seedbed.config.task_names import COUNTS, QUANTILES, RECONSTRUCTION, REGRESSION, TargetKind
from seedbed.tasks.metrics import OF_LEVELS


class Regression:
    """Outputs are the values themselves; losses compare them in the form that is trained on."""

    name = REGRESSION
    target: TargetKind = "real values"
    losses: Mapping[str, str] = {
        "torch.nn.MSELoss": "loss=mse",
        "torch.nn.L1Loss": "loss=l1",
        "torch.nn.HuberLoss": "loss=huber",
        "torch.nn.SmoothL1Loss": "loss._target_=torch.nn.SmoothL1Loss",
    }
    metrics: Sequence[str] = ("mse", "mae", "r2")

    def num_outputs(self, loss: str, size: int) -> int:
        """One a real value."""
        return size

    def loss_targets(self, y: Tensor, output: Tensor, loss: str) -> Tensor:
        """A row each."""
        return y if y.ndim == 2 else y.reshape(len(y), -1)

    def predictions(self, outputs: Tensor, loss: str) -> Tensor:
        """The outputs themselves."""
        return outputs


class Counts(Regression):
    """Outputs are logarithms of rates; the rates are predicted."""

    name = COUNTS
    losses: Mapping[str, str] = {"seedbed.losses.PoissonLoss": "loss=poisson"}
    metrics: Sequence[str] = ("deviance", "mse", "mae")

    def predictions(self, outputs: Tensor, loss: str) -> Tensor:
        """The rates."""
        return outputs.exp()


class Quantiles(Regression):
    """Outputs are the quantiles of each target, in the form that is trained on."""

    name = QUANTILES
    losses: Mapping[str, str] = {"seedbed.losses.QuantileLoss": "loss=quantile"}
    metrics: Sequence[str] = OF_LEVELS


class Reconstruction(Regression):
    """Outputs are the inputs of a row, one after the other, as the model takes them."""

    name = RECONSTRUCTION
    metrics: Sequence[str] = ("mse", "mae")
