"""Optimizers as a user writes them."""

import torch


class Counting(torch.optim.SGD):
    """Takes smaller steps with time, by an attribute."""

    steps = 0

    def step(self, closure=None):
        self.steps += 1
        return super().step(closure)


class CountingInGroups(torch.optim.SGD):
    """The same, in what its `state_dict` holds; and it knows the parameters."""

    def __init__(self, params, lr=0.01):
        super().__init__(params, lr)
        self.learnt = [one for group in self.param_groups for one in group["params"]]

    def step(self, closure=None):
        group = self.param_groups[0]
        group["steps"] = group.get("steps", 0) + 1
        return super().step(closure)
