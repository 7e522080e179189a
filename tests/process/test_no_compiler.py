"""An optimizer without torch's compiler is torch's own, and torch's classes stay as they are."""

from typing import Any

import pytest
import torch
from torch import nn, optim
from torch.optim import Optimizer

from seedbed.process import no_compiler
from seedbed.process.no_compiler import METHODS, building_without_compiler, without_compiler

NAMES = ("Adadelta", "Adafactor", "Adagrad", "Adam", "Adamax", "AdamW", "ASGD", "NAdam", "RAdam")
NAMES = (*NAMES, "RMSprop", "Rprop", "SGD")


@pytest.fixture(autouse=True)
def _not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has compiled nothing."""
    monkeypatch.setattr(no_compiler, "is_compiler_loaded", lambda: False)


def stepped(kind: Any, *, ours: bool) -> tuple[Optimizer, list[torch.Tensor]]:
    torch.manual_seed(0)
    weights = [nn.Parameter(torch.randn(3, 2)), nn.Parameter(torch.randn(2))]
    if ours:
        with building_without_compiler():
            optimizer = without_compiler(kind(weights, lr=0.01))
    else:
        optimizer = kind(weights, lr=0.01)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    for _ in range(3):
        optimizer.zero_grad()
        sum((one**3).sum() for one in weights).backward()
        optimizer.step()
        schedule.step()
    optimizer.load_state_dict(optimizer.state_dict())
    return optimizer, weights


@pytest.mark.parametrize("name", NAMES)
def test_its_steps_are_torch_s_to_the_bit(name: str) -> None:
    _, ours = stepped(getattr(optim, name), ours=True)
    _, theirs = stepped(getattr(optim, name), ours=False)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_nothing_of_it_stays_in_torch_s_classes() -> None:
    before = {name: vars(getattr(Optimizer, name).__wrapped__).copy() for name in METHODS}
    step = optim.SGD.step
    stepped(optim.SGD, ours=True)
    assert optim.SGD.step is step
    for name in METHODS:
        assert vars(getattr(Optimizer, name).__wrapped__) == before[name]


def test_hooks_on_its_step_are_called() -> None:
    heard: list[str] = []
    optimizer, _ = stepped(optim.Adam, ours=True)
    optimizer.register_step_pre_hook(lambda *_: heard.append("before"))
    optimizer.register_step_post_hook(lambda *_: heard.append("after"))
    optimizer.step()
    assert heard == ["before", "after"]


class Own(optim.SGD):
    """A user's own, with a step that is not torch's."""

    calls = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # type: ignore[override]
        type(self).calls += 1
        for one in self.param_groups[0]["params"]:
            one.sub_(one.grad)


def test_a_user_s_own_step_is_kept() -> None:
    stepped(Own, ours=True)
    assert Own.calls == 3
