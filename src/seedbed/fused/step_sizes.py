"""The optimizers over K runs at once that find the length of each parameter's step."""

import torch
from torch import Tensor

from seedbed.fused.kept_state import KeptState, Numbers


class Adadelta(KeptState):
    """Source: `torch.optim.Adadelta`, Zeiler 2012."""

    names = ("square_avg", "acc_delta")

    def move(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `KeptState`."""
        rounded = self._rounded
        squares, moves = (self._kept(name, weights) for name in self.names)
        squares.mul_(rounded["rho"]).addcmul_(gradient * gradient, rounded["new"])
        moved = (moves + rounded["eps"]).sqrt_()
        moved.div_((squares + rounded["eps"]).sqrt_()).mul_(gradient)
        moves.mul_(rounded["rho"]).addcmul_(moved * moved, rounded["new"])
        weights.addcmul_(moved, rounded["lr"], value=-1)

    def _more(self, numbers: Numbers) -> Numbers:
        return {"new": 1 - numbers["rho"]}


class Rprop(KeptState):
    """Source: `torch.optim.Rprop`, Riedmiller and Braun 1993; `lr` is the first step alone."""

    names = ("prev", "step_size")

    def move(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `KeptState`."""
        rounded = self._rounded
        before = self._kept("prev", weights)
        length = self._kept("step_size", weights, rounded["lr"])
        agreed = gradient * before
        turned = agreed < 0
        factor = torch.where(agreed > 0, rounded["etaplus"], 1)
        factor = torch.where(turned, rounded["etaminus"], factor)
        length.mul_(factor)
        torch.clamp(length, rounded["shortest"], rounded["longest"], out=length)
        gradient = torch.where(turned, 0, gradient)
        weights.addcmul_(gradient.sign(), length, value=-1)
        before.copy_(gradient)
