"""The best epoch so far of each run of a stack, with the weights that it had then.

While no epoch of a run has had a finite value, its weights are those of its latest epoch.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.fused.flat import Named
from seedbed.fused.schedules import Standing
from seedbed.training.state import Best


class Good:
    """What `checkpoints/best.pt` of each run will hold.

    Args:
        best: how the best epoch is told.
        weights: starting ones, (runs, width); copied.
        kept: likewise.
        standings: of the schedules at the start.
    """

    def __init__(
        self, best: Best, weights: Tensor, kept: Named, standings: Sequence[Standing]
    ) -> None:
        runs = len(weights)
        self.higher_is_better = best.higher_is_better
        self.value = np.full(runs, np.nan)
        self.epoch = np.zeros(runs, dtype=np.int64)
        self.since = np.zeros(runs, dtype=np.int64)
        self.copied_at = np.zeros(runs, dtype=np.int64)
        self.weights = weights.clone()
        self.kept = {name: tensor.clone() for name, tensor in kept.items()}
        self.state: Named = {}
        self.standings = list(standings)

    def update(
        self, values: NDArray[np.float64], epoch: int, deltas: NDArray[np.float64], finite: Tensor
    ) -> NDArray[np.bool_]:
        """Takes in an epoch, as `Best.update` does; of which runs the weights are to be copied.

        Args:
            values: the monitored value of each run.
            epoch: finished epochs.
            deltas: the least change that counts, of each run.
            finite: runs that have not diverged; the others stay as they are.
        """
        alive = finite.cpu().numpy()
        first = (self.epoch == 0) | ~np.isfinite(self.value)
        with np.errstate(invalid="ignore"):  # infinite less infinite
            gain = values - self.value if self.higher_is_better else self.value - values
        better: NDArray[np.bool_] = alive & np.isfinite(values) & (first | (gain > deltas))
        self.value = np.where(better, values, self.value)
        self.epoch = np.where(better, epoch, self.epoch)
        self.since = np.where(better, 0, self.since + alive)
        due: NDArray[np.bool_] = better | (alive & (self.epoch == 0))
        self.copied_at = np.where(due, epoch, self.copied_at)
        return due

    def copy(
        self,
        due: NDArray[np.bool_],
        weights: Tensor,
        kept: Named,
        state: Named,
        standings: Sequence[Standing],
    ) -> None:
        """Keeps what runs that are due have now; `standings` is empty where no schedule moves."""
        if not due.any():
            return
        for name, rows in state.items():
            if name not in self.state:
                self.state[name] = torch.zeros_like(rows)
        pairs = [(self.weights, weights)]
        pairs += [(self.kept[name], tensor) for name, tensor in kept.items()]
        pairs += [(self.state[name], rows) for name, rows in state.items()]
        if due.all():
            for before, now in pairs:
                before.copy_(now)
        else:
            index = torch.from_numpy(due.nonzero()[0]).to(weights.device)
            for before, now in pairs:
                before[index] = now[index]
        if standings:
            for place in due.nonzero()[0].tolist():
                self.standings[place] = standings[place]

    def keep(self, places: Sequence[int]) -> None:
        """Goes on with some of the runs."""
        index = torch.tensor(places, device=self.weights.device)
        self.value, self.epoch, self.since, self.copied_at = (
            one[list(places)] for one in (self.value, self.epoch, self.since, self.copied_at)
        )
        self.weights = self.weights[index]
        self.kept = {name: tensor[index] for name, tensor in self.kept.items()}
        self.state = {name: rows[index] for name, rows in self.state.items()}
        self.standings = [self.standings[place] for place in places]
