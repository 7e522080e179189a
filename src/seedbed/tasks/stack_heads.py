"""The heads of runs that train together: their losses may weigh classes each in its own way."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from seedbed.losses.weighted import weights_in
from seedbed.tasks.head import TaskHead


def told_apart(heads: Sequence[TaskHead], device: torch.device) -> list[TaskHead]:
    """Heads of which each has the weights of all, where they differ; else the same as they are.

    Their targets then have to say whose they are: see `TaskHead.weights_of_runs`.

    Args:
        heads: one for each preparation of the data, of one config but for its seed.
        device: where they are used.
    """
    of_runs = _different_weights(heads)
    if of_runs is None:
        return list(heads)
    loss = heads[0].loss_function  # one module for all, whose own weights are not looked at
    of_runs = of_runs.to(device)
    return [replace(head, loss_function=loss, weights_of_runs=of_runs) for head in heads]


def unlike_labels(heads: Sequence[TaskHead]) -> bool:
    """Whether the weights of several labels differ: a target of 0 and 1 cannot say whose it is."""
    return not heads[0].preprocessing.classes and _different_weights(heads) is not None


def _different_weights(heads: Sequence[TaskHead]) -> Tensor | None:
    """Of each head's classes; None where there are none, or they are the same."""
    weights = [weights_in(head.loss_function) for head in heads]
    known = [one for one in weights if one is not None]
    if len(known) < len(heads):
        return None
    of_runs = torch.stack(known)
    return None if bool((of_runs == of_runs[0]).all()) else of_runs
