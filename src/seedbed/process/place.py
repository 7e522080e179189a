"""Which rank this process is, where torchrun or somebody else says so in the environment."""

import os
from dataclasses import dataclass

TORCHRUN = "TORCHELASTIC_RUN_ID"
"""A variable that torchrun sets, and hardly anybody else."""

MOST_RANKS = 2**16


@dataclass(frozen=True)
class Place:
    """A rank among others.

    Args:
        rank: its number, from 0.
        ranks: how many there are.
        local: its number among those of this machine.
    """

    rank: int
    ranks: int
    local: int

    @property
    def is_first(self) -> bool:
        """Whether it writes and speaks for all."""
        return self.rank == 0


def place_told() -> Place | None:
    """What RANK, WORLD_SIZE and LOCAL_RANK say; None where they are not set.

    Raises:
        ValueError: if they say what cannot be.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return None
    rank, ranks = _number("RANK"), _number("WORLD_SIZE")
    local = _number("LOCAL_RANK") if "LOCAL_RANK" in os.environ else rank
    if not rank < ranks <= MOST_RANKS:
        raise ValueError(f"RANK={rank} and WORLD_SIZE={ranks}: ranks are 0 to WORLD_SIZE - 1")
    return Place(rank, ranks, local)


def is_of_torchrun() -> bool:
    """Whether torchrun started this process beside others."""
    return TORCHRUN in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


def _number(name: str) -> int:
    text = os.environ[name]
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"{name}={text!r} in the environment is no whole number >= 0")
    return int(text)
