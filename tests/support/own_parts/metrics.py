"""Metrics and losses of a user's own, as functions and as classes."""

import random

import numpy as np
import torch
from torch import nn


def worst(predictions, targets, power=1):
    return (predictions - targets).abs().pow(power).max()


worst.higher_is_better = False


def hits(predictions, targets):
    return float((predictions.argmax(1) == targets).float().mean())


def drawn(predictions, targets):
    predictions.zero_()  # a copy
    return torch.rand(()) + random.random() + np.random.rand()


class Share:
    """Adds up, with a reset that forgets to."""

    higher_is_better = True

    def __init__(self, least=0.5):
        self.least, self.rows, self.found = least, 0, 0

    def update(self, predictions, targets):
        self.rows += len(targets)
        self.found += int((predictions.amax(1) > self.least).sum())

    def reset(self):
        pass

    def compute(self):
        return np.float32(self.found / self.rows)


class Called(nn.Module):
    def forward(self, predictions, targets):
        return (predictions.argmax(1) == targets).double().mean().reshape(1)


def raising(predictions, targets):
    return {}["x"]  # this line


def nothing(predictions, targets):
    pass


def each(predictions, targets):
    return (predictions - targets).abs()


def turned(y_true, y_pred):
    return 0.0


def logcosh(output, target, scale=1.0):
    return (scale * (output - target)).cosh().log().mean()


def summed(output, target, reduction="sum"):
    return (output - target).square().sum()


def of_rows(output, target):
    return (output - target).square().mean(1)


def plain_number(output, target):
    return (output - target).square().mean().item()


def detached(output, target):
    return (output - target).square().mean().detach()


def branching(output, target):
    loss = (output - target).square().mean()
    return loss if loss > 0.5 else 2 * loss


counted = [0]


def counting(output, target):
    counted[0] += 1
    return (output - target).square().mean() * (0.5 if counted[0] > 1000 else 1.0)


class Turned(nn.Module):
    def forward(self, target, output):
        return (output - target).square().mean()


class TurnedUpdate:
    def update(self, y_true, y_pred):
        pass

    def compute(self):
        return 0.0
