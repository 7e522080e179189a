"""The optimizers over K runs at once that follow means of the gradient, as Adam does."""

import torch
from torch import Tensor

from seedbed.fused.kept_state import Numbers, TwoMeans, rounded_as


class NAdam(TwoMeans):
    """Source: `torch.optim.NAdam`, Dozat 2016."""

    names = ("mu_product", "exp_avg", "exp_avg_sq")

    def move(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `KeptState`."""
        mean = self._kept("exp_avg", weights)
        self._follow_mean(mean, gradient)
        root = self._root_of_squares(weights, gradient, numbers)
        now, following = (self._share(numbers, step) for step in (self.steps, self.steps + 1))
        one = torch.ones(now.shape, device=weights.device)  # torch's own is in float32
        product = self._kept("mu_product", one, one)
        product.mul_(rounded_as(now, product))
        so_far = product.to("cpu", torch.float64)
        of_gradient = -numbers["lr"] * (1 - now) / (1 - so_far)
        of_mean = -numbers["lr"] * following / (1 - so_far * following)
        weights.addcdiv_(gradient * self.spread(of_gradient, weights), root)
        weights.addcdiv_(mean * self.spread(of_mean, weights), root)

    def _root_of_squares(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> Tensor:
        squares = self._kept("exp_avg_sq", weights)
        self._follow_squares(squares, gradient)
        scale = self.spread(1 - numbers["beta2"].pow(self.steps), weights)
        return (squares / scale).sqrt_().add_(self._rounded["eps"])

    def _share(self, numbers: Numbers, step: int) -> Tensor:
        """Of the mean in a step, growing to `beta1`."""
        return numbers["beta1"] * (1 - 0.5 * torch.pow(0.96, step * numbers["momentum_decay"]))


class RAdam(TwoMeans):
    """Source: `torch.optim.RAdam`, Liu et al. 2020."""

    names = ("exp_avg", "exp_avg_sq")

    def move(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `KeptState`."""
        mean, squares = (self._kept(name, weights) for name in self.names)
        self._follow_mean(mean, gradient)
        self._follow_squares(squares, gradient)
        size = numbers["lr"] / (1 - numbers["beta1"].pow(self.steps))
        moved = mean * self.spread(size, weights)
        rectified, factor = self._rectified(numbers)
        if bool(rectified.any()):
            adapted = self.spread(factor, weights) / squares.sqrt().add_(self._rounded["eps"])
            if not bool(rectified.all()):
                chosen = self.spread(rectified.double(), weights) > 0
                adapted = torch.where(chosen, adapted, 1)
            moved = moved * adapted
        weights.sub_(moved)

    def _rectified(self, numbers: Numbers) -> tuple[Tensor, Tensor]:
        """Which runs know the size of their gradients by now, and what a step by it is taken times.

        Shape:
            both (runs, groups)
        """
        beta2 = numbers["beta2"]
        kept = beta2.pow(self.steps)
        most = 2 / (1 - beta2) - 1
        known = most - 2 * self.steps * kept / (1 - kept)
        part = (known - 4) * (known - 2) * most / ((most - 4) * (most - 2) * known)
        rectified = known > 5
        factor = torch.where(rectified, part, 1).sqrt() * (1 - kept).sqrt()
        return rectified, factor


class Adamax(TwoMeans):
    """Source: `torch.optim.Adamax`, Kingma and Ba 2015, section 7.1."""

    names = ("exp_avg", "exp_inf")

    def move(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `KeptState`."""
        rounded = self._rounded
        mean, largest = (self._kept(name, weights) for name in self.names)
        self._follow_mean(mean, gradient)
        torch.maximum(largest.mul_(rounded["beta2"]), gradient.abs() + rounded["eps"], out=largest)
        size = -numbers["lr"] / (1 - numbers["beta1"].pow(self.steps))
        weights.addcdiv_(mean * self.spread(size, weights), largest)


class Lion(TwoMeans):
    """Source: `seedbed.optimizers.Lion`, Chen et al. 2023."""

    counts_steps = False
    decouples = True
    names = ("exp_avg",)

    def move(self, weights: Tensor, gradient: Tensor, numbers: Numbers) -> None:
        """See `KeptState`."""
        rounded, mean = self._rounded, self._kept("exp_avg", weights)
        moved = torch.lerp(mean, gradient, rounded["new1"].expand_as(gradient)).sign_()
        weights.addcmul_(moved, rounded["lr"], value=-1)
        mean.lerp_(gradient, rounded["new2"].expand_as(gradient))
