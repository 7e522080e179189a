"""Several ways to do one thing, timed in turn: A B A B …

The machine's speed drifts by more than the differences looked for, so that each B is divided by
the A of its round, and the median of these ratios is the figure.
"""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Pairs:
    """Seconds of each round.

    Args:
        theirs: of the hand-written way.
        ours: of the other.
    """

    theirs: list[float]
    ours: list[float]

    @property
    def ratios(self) -> list[float]:
        """Of each round, sorted."""
        return sorted(b / a for a, b in zip(self.theirs, self.ours, strict=True))

    def plain(self) -> dict[str, object]:
        """For JSON."""
        ratios = self.ratios
        return {
            "theirs": median(self.theirs),
            "ours": median(self.ours),
            "ratio": median(ratios),
            "ratio_min": ratios[0],
            "ratio_max": ratios[-1],
            "pairs": len(ratios),
        }


def timed_turns(
    ways: Mapping[str, Callable[[], float]], rounds: int, unit: float = 1.0
) -> dict[str, list[float]]:
    """Times each way `rounds` times, after once that does not count.

    Args:
        ways: by name; each does it and gives its seconds.
        rounds: how many.
        unit: what the seconds are divided by: steps, epochs.
    """
    for way in ways.values():
        way()
    # What was imported so far, for whichever contender, is not walked by the collector.
    gc.collect()
    gc.freeze()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            gc.collect()
            seconds[name].append(way() / unit)
    return seconds


def timed_pairs(
    theirs: Callable[[], float], ours: Callable[[], float], rounds: int, unit: float = 1.0
) -> Pairs:
    """`timed_turns` of two."""
    return Pairs(**timed_turns({"theirs": theirs, "ours": ours}, rounds, unit))
