"""Steps and callbacks of one's own, as docs/step.md trains with them."""

import csv
from pathlib import Path

import torch


def sparse(model, batch, loss, strength=0.001):
    """The loss of the config, and a price on every weight that is not zero."""
    x, y = batch
    fit = loss(model(x), y)
    size = sum(weight.abs().sum() for weight in model.parameters())
    return {"loss": fit + strength * size, "fit": fit, "size": size}


def mixup(model, batch, loss):
    """Trains on blends of two rows; measures on the rows as they are."""
    x, y = batch
    if not model.training:
        return {"loss": loss(model(x), y)}
    share, other = torch.rand(()), torch.randperm(len(x))
    output = model(share * x + (1 - share) * x[other])
    return {"loss": share * loss(output, y) + (1 - share) * loss(output, y[other])}


def to_csv(event, path="epochs.csv"):
    """Appends a line for every epoch of every run."""
    with Path(path).open("a", newline="") as file:
        csv.writer(file).writerow([event.run.name, event.epoch, event.metrics["val/loss"]])


class StopWhenSlow:
    """Stops a run whose monitored value fell by less than a part of it in one epoch."""

    def __init__(self, column="val/loss", part=0.01):
        self.column, self.part, self.before = column, part, None

    def epoch_end(self, event):
        """Gives the reason, where it stops the run."""
        before, value = self.before, event.metrics[self.column]
        self.before = value
        if before is not None and before - value < self.part * before:
            return f"{self.column} fell from {before:.4g} to {value:.4g} alone"
        return None

    def state_dict(self):
        """What a run goes on with."""
        return {"before": self.before}

    def load_state_dict(self, state):
        """Goes on."""
        self.before = state["before"]
