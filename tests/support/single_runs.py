"""Runs in process what `seedbed train` runs, and reads back what it left on the disk."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from support.composing import composed_quickly
from torch import Tensor

from seedbed.components import AllowList
from seedbed.compose.composed import ComposedConfig
from seedbed.recording.run import run
from seedbed.runs.directory import RunDirectory, claim
from seedbed.training.build_run import build_run
from seedbed.training.run_components import RunComponents

# Tests share the cores; torch's threads would spend their time waiting for one another.
torch.set_num_threads(1)


@dataclass(frozen=True)
class Trained:
    """A run that ended.

    Args:
        plan: with the trained model in it.
        result: what `run` returned.
        directory: of the run.
    """

    plan: RunComponents
    result: dict[str, Any]
    directory: RunDirectory

    @property
    def history(self) -> dict[str, list[float]]:
        """The columns of `history.csv`, without the seconds, which no two runs share."""
        columns = history(self.directory)
        columns.pop("seconds")
        return columns

    @property
    def weights(self) -> dict[str, Tensor]:
        """The content of `model.pth`, as three lines of plain PyTorch would load it."""
        return torch.load(self.directory.model, weights_only=True)


def prepared(*overrides: str) -> tuple[ComposedConfig, RunComponents]:
    """A run that is ready to start."""
    settings = composed_quickly(overrides)
    return settings, build_run(settings.config, AllowList(settings.config.allow))


def train(path: Path, *overrides: str, draw: bool = False) -> Trained:
    """Trains one run into the directory `path`."""
    _, plan = prepared(*overrides)
    directory = claim(path)
    return Trained(plan, run(plan, directory, draw=draw), directory)


def history(directory: RunDirectory) -> dict[str, list[float]]:
    """The columns of `history.csv`."""
    with directory.history.open(newline="") as file:
        reader = csv.DictReader(file)
        rows, names = list(reader), reader.fieldnames or []
    return {name: [float(row[name]) for row in rows] for name in names}


def same_weights(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two state_dicts are equal, bit for bit."""
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)
