"""The histories of runs: the losses, metrics, rates and times of each epoch."""

import math
import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from seedbed.training.arrays import Column
from seedbed.training.state import HistoryRow

SMALLEST = 64
"""Epochs that there is room for at first; where runs may stop, nobody knows how many come."""

Slots = Mapping[int, int] | None


class Histories:
    """What `history.csv` of each run will hold.

    Args:
        num_runs: how many runs there are.
        metric_names: columns of losses and metrics, in order.
    """

    def __init__(self, num_runs: int, metric_names: Sequence[str]) -> None:
        self.num_runs = num_runs
        names = [*metric_names, "lr", "seconds"]
        self.columns: dict[str, Column] = {name: np.empty((0, num_runs)) for name in names}
        self.times = np.empty(0)
        self.steps = np.empty(0, dtype=np.int64)
        self._rows: dict[int, list[HistoryRow]] = {}

    def add(
        self,
        epoch: int,
        step: int,
        row: Mapping[str, Column],
        rates: ArrayLike,
        seconds: float,
        told: Slots,
    ) -> None:
        """Takes in an epoch.

        Args:
            epoch: epochs that were finished before.
            step: steps that were made.
            row: losses and metrics of each slot, by column.
            rates: learning rates of each slot.
            seconds: of each run.
            told: the run in each slot that is told; None if each run is in the slot of its number.
        """
        if epoch >= len(self.times):
            self._grow(max(SMALLEST, epoch))
        self.times[epoch], self.steps[epoch] = time.time(), step
        columns = self.columns
        if told is None:
            for name, values in row.items():
                columns[name][epoch] = values
            columns["lr"][epoch], columns["seconds"][epoch] = rates, seconds
            return
        slots, runs = list(told), list(told.values())
        for name, values in {**row, "lr": np.asarray(rates)}.items():
            columns[name][epoch, runs] = values[slots]
        columns["seconds"][epoch, runs] = seconds

    def _grow(self, epochs: int) -> None:
        more = np.full((epochs, self.num_runs), math.nan)
        self.columns = {name: np.concatenate([one, more]) for name, one in self.columns.items()}
        self.times = np.concatenate([self.times, np.zeros(epochs)])
        self.steps = np.concatenate([self.steps, np.zeros(epochs, dtype=np.int64)])

    def rows(self, run: int, epochs: int) -> list[HistoryRow]:
        """The rows of a run, up to an epoch; none of them changes."""
        return self._made(run, epochs)[:epochs]

    def last_row(self, run: int, epochs: int) -> HistoryRow:
        """The row of the epoch just closed."""
        return self._made(run, epochs)[-1]

    def _made(self, run: int, epochs: int) -> list[HistoryRow]:
        """Those made so far, at least up to an epoch."""
        rows = self._rows.setdefault(run, [])
        start = len(rows)
        if start < epochs:
            columns = [values[start:epochs, run].tolist() for values in self.columns.values()]
            steps = self.steps[start:epochs].tolist()
            for epoch, values in enumerate(zip(*columns, strict=True), start + 1):
                named = zip(self.columns, values, strict=True)
                rows.append({"epoch": epoch, "step": steps[epoch - start - 1], **dict(named)})
        return rows

    def forget_rows(self) -> None:
        """Of runs that have ended."""
        self._rows.clear()

    def restore(self, histories: Mapping[int, Sequence[HistoryRow]]) -> None:
        """Goes on where checkpoints stand.

        Raises:
            KeyError: if a history has other columns.
        """
        epochs = max(map(len, histories.values()))
        self.times = np.zeros(epochs)
        longest = max(histories.values(), key=len)
        self.steps = np.array([row["step"] for row in longest], dtype=np.int64)
        empty = np.full((epochs, self.num_runs), math.nan)
        self.columns = {name: empty.copy() for name in self.columns}
        for run, rows in histories.items():
            for epoch, row in enumerate(rows):
                for name, values in self.columns.items():
                    values[epoch, run] = row[name]
