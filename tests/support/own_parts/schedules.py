"""Schedules as a user writes them, and optimizers with a `state_dict` of their own."""

import torch
from torch.optim.lr_scheduler import LRScheduler


class Counting(LRScheduler):
    """Falls every second epoch, by a count of its own, which it does not save."""

    def __init__(self, optimizer, gamma=0.5):
        self.gamma = gamma
        self.calls = 0
        super().__init__(optimizer)

    def get_lr(self):
        self.calls += 1
        return [base * self.gamma ** (self.calls // 2) for base in self.base_lrs]

    def state_dict(self):
        return {"last_epoch": self.last_epoch}


class Saving(Counting):
    """The same, and it saves the count."""

    def state_dict(self):
        return {"last_epoch": self.last_epoch, "count": self.calls}

    def load_state_dict(self, state):
        self.calls = state.pop("count")
        self.last_epoch = state.pop("last_epoch")


class WithTorchsOwn(Counting):
    """The same, and torch saves it with the rest."""

    state_dict = LRScheduler.state_dict


class Steps(torch.optim.SGD):
    """Counts its steps, and forgets them in its `state_dict`."""

    def __init__(self, params, lr=0.01):
        super().__init__(params, lr, momentum=0.9)
        self.steps = 0

    def step(self, closure=None):
        self.steps += 1
        return super().step(closure)

    def state_dict(self):
        return super().state_dict()


class SavedSteps(Steps):
    """Counts its steps, and saves them."""

    def state_dict(self):
        return {**super().state_dict(), "steps": self.steps}

    def load_state_dict(self, state):
        self.steps = state.pop("steps")
        super().load_state_dict(state)
