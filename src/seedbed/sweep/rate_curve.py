"""What tried learning rates came to, and which one to begin with."""

import math
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any


@dataclass(frozen=True)
class RateCurve:
    """What each rate came to.

    Args:
        rates: rising.
        losses: of each rate, `train/loss` of the last epoch for each seed; infinite where the run
            diverged.
        seeds: of the runs.
        epochs: of each.
        steps: of each.
        together: whether they trained as a stack.
    """

    rates: list[float]
    losses: list[list[float]]
    seeds: list[int]
    epochs: int
    steps: int
    together: bool

    @property
    def means(self) -> list[float]:
        """Of each rate, the mean over seeds; infinite where one of them diverged."""
        return [fmean(one) if all(map(math.isfinite, one)) else math.inf for one in self.losses]

    @property
    def suggested(self) -> float | None:
        """The rate of the lowest mean; None if all diverged."""
        means = self.means
        best = min(range(len(means)), key=means.__getitem__)
        return self.rates[best] if math.isfinite(means[best]) else None

    @property
    def as_good(self) -> tuple[float, float] | None:
        """From which to which rate no mean is above the lowest by more than its standard error.

        They lie next to each other, around the suggested one; None without a suggested one, or of
        one seed.
        """
        if self.suggested is None or len(self.seeds) < 2:
            return None
        means, best = self.means, self.rates.index(self.suggested)
        most = means[best] + stdev(self.losses[best]) / math.sqrt(len(self.seeds))
        first = last = best
        while first > 0 and means[first - 1] <= most:
            first -= 1
        while last < len(means) - 1 and means[last + 1] <= most:
            last += 1
        return self.rates[first], self.rates[last]

    @property
    def at_an_end(self) -> bool:
        """Whether the lowest mean is at the first or the last rate; a better may lie beyond."""
        return len(self.rates) > 1 and self.suggested in (self.rates[0], self.rates[-1])

    def to_json(self) -> dict[str, Any]:
        """Plain containers; null for what is infinite."""
        losses = [[one if math.isfinite(one) else None for one in own] for own in self.losses]
        means = [one if math.isfinite(one) else None for one in self.means]
        return {
            "suggested": self.suggested,
            "as_good": list(self.as_good) if self.as_good else None,
            "rates": self.rates,
            "means": means,
            "losses": losses,
            "seeds": self.seeds,
            "epochs": self.epochs,
            "steps": self.steps,
            "together": self.together,
        }
