"""The heads of runs that train together: their losses may weigh classes each in its own way."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from seedbed.losses.weighted import weights_in
from seedbed.tasks.head import TaskHead


def told_apart(heads: Sequence[TaskHead]) -> list[TaskHead]:
    """Heads of which each has the weights of all, where they differ; else the same as they are.

    Their targets then have to say whose they are: see `TaskHead.weights_of_runs`.

    Args:
        heads: one for each preparation of the data, of one config but for its seed.
    """
    weights = [weights_in(head.loss_function) for head in heads]
    if any(one is None for one in weights):
        return list(heads)
    of_runs = torch.stack([one for one in weights if one is not None])
    if bool((of_runs == of_runs[0]).all()):
        return list(heads)
    loss = heads[0].loss_function  # one module for all, whose own weights are not looked at
    return [replace(head, loss_function=loss, weights_of_runs=of_runs) for head in heads]
