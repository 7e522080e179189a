"""Callbacks as people write them."""

import os
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import torch

HEARD: list[tuple[Any, ...]] = []
"""What was heard in this process."""


class Hears:
    """Keeps what it hears, and how much."""

    def __init__(self) -> None:
        self.count = 0

    def hear(self, event: Any) -> None:
        self.count += 1
        torch.rand(3)
        weights = {name: one.clone() for name, one in event.model.state_dict().items()}
        told = (event.name, event.run.name, event.epoch, event.step)
        HEARD.append((*told, self.count, event.status, dict(event.metrics), weights))

    run_start = epoch_end = checkpoint = run_end = hear

    def state_dict(self) -> dict[str, int]:
        return {"count": self.count}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.count = state["count"]


class Steps:
    def __init__(self, last: int = 10**9) -> None:
        self.last = last

    def step_end(self, event: Any) -> str | None:
        HEARD.append((event.step, event.metrics))
        return f"step {self.last}" if event.step == self.last else None


def stops(event: Any, epoch: int = 2) -> str | None:
    return f"epoch {epoch} is\nenough" if event.epoch >= epoch else None


def bends(event: Any) -> None:
    os.chdir("/")
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(torch.get_num_threads() + 1)


def strays(event: Any) -> None:
    with TemporaryDirectory() as folder:
        os.chdir(folder)


def returns(event: Any) -> bool:
    return True


def raises(event: Any) -> None:
    raise KeyError("no such thing")  # this line


class Writes:
    def epoch_end(self, event: Any) -> None:
        with torch.no_grad():
            for one in event.model.parameters():
                one.zero_()


epochs = partial(stops, epoch=2)
"""A function without a name."""


class OfNothing:
    def epoch_ends(self, event: Any) -> None:
        pass


class TakesMore:
    def epoch_end(self, event: Any, more: int) -> None:
        pass


class HalfAState:
    def epoch_end(self, event: Any) -> None:
        pass

    def state_dict(self) -> dict[str, int]:
        return {}


class StrangeState:
    def epoch_end(self, event: Any) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        return {"seen": {"a", "b"}}

    def load_state_dict(self, state: Any) -> None:
        pass
