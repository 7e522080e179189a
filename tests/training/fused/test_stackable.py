"""What can be stacked, and why the rest cannot."""

from pathlib import Path

import pytest
import torch
from support.stacked_runs import planned, variants, write_module

from seedbed.fused.sizing import measured_width, run_bytes
from seedbed.fused.stack_components import StackComponents
from seedbed.fused.stackable import vmap_blocker

MINE = '''
import torch
from torch import nn


class Plain(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.layer = nn.Linear(in_features, out_features)
        self.calls = 0

    def forward(self, x):
        return self.layer(x)


class Branching(Plain):
    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else self.layer(-x)


class Asking(Plain):
    def forward(self, x):
        return self.layer(x) * self.layer.weight.abs().max().item()


class Counting(Plain):
    """Gives other answers the more often it is called."""

    def forward(self, x):
        self.calls += 1
        return self.layer(x) * self.calls


class Unused(Plain):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.spare = nn.Linear(2, 2)


class Mixed(Plain):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.scale = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, x):
        return (self.layer(x) * self.scale).float()


class Noting(Plain):
    def get_extra_state(self):
        return {"calls": 3}

    def set_extra_state(self, state):
        pass


class Drawing(Plain):
    def forward(self, x):
        return self.layer(x) + torch.rand(1)


class Failing(Plain):
    def forward(self, x):
        if x.ndim > 1 and torch._C._functorch.is_batchedtensor(x):
            raise LookupError("nothing there")
        return self.layer(x)
'''


def stack(*words: str) -> StackComponents:
    return planned(variants(words, [{}] * 2))


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_module(tmp_path, "my_nets", MINE, monkeypatch)


def own(model: str) -> StackComponents:
    return stack("allow=[my_nets]", f"model._target_=my_nets.{model}")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["model=manual"],
        ["model=sequential"],
        ["model.batch_norm=true"],
        ["model.return_hidden=true"],
        ["data=sklearn", "loader.batch_size=32"],
        ["data=sklearn", "data.dataset=diabetes", "loader.batch_size=32"],
    ],
    ids=lambda words: " ".join(words) or "plain",
)
def test_what_comes_with_seedbed_can_be_stacked(words: list[str]) -> None:
    assert vmap_blocker(stack(*words)) is None


def test_dropout_is_stacked_only_where_the_user_says_so() -> None:
    told = vmap_blocker(stack("model.dropout=0.5"))
    assert told == "it draws at random, as dropout does; sweep.allow_random=true fuses it"


def test_dropout_that_is_allowed_is_not_refused() -> None:
    assert vmap_blocker(stack("model.dropout=0.5", "sweep.allow_random=true")) is None


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("Branching", "forward branches on data"),
        ("Asking", "forward branches on data"),
        ("Drawing", "it draws at random, as dropout does; sweep.allow_random=true fuses it"),
        ("Unused", "the loss does not depend on spare.weight"),
        ("Mixed", "scale is torch.float64"),
        ("Noting", "its state_dict holds '_extra_state', which is no weight and no buffer"),
        ("Failing", "vmap does not take it (LookupError: nothing there)"),
    ],
)
def test_the_reason_is_told(model: str, reason: str) -> None:
    assert vmap_blocker(own(model)) == reason


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("Plain", None),
        ("Counting", "'calls' changes in training and is neither parameter nor buffer"),
    ],
)
def test_a_model_of_the_user_s_is_tried_alike_each_time(model: str, reason: str | None) -> None:
    plan = own(model)
    assert [vmap_blocker(plan) for _ in range(3)] == [reason] * 3


@pytest.mark.usefixtures("mine")
def test_trying_leaves_the_plan_as_it_was() -> None:
    """A module may count its calls; those of a trial are made by copies."""
    plan = own("Counting")
    weights, generator = plan.weights.clone(), torch.get_rng_state()
    vmap_blocker(plan)
    measured_width(plan, 2)
    run_bytes(plan)
    assert torch.equal(plan.weights, weights)
    assert torch.equal(torch.get_rng_state(), generator)
    for model in (plan.first.model, plan.model.run.model):
        assert model.calls == 0
        assert model.training
