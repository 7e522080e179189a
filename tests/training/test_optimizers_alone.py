"""Every optimizer of a single run against torch's own, with the inputs of torch's own tests."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from support.torchs_optimizer_inputs import right_inputs, wrong_inputs
from torch import nn
from torch.optim import Optimizer

from seedbed.components import AllowList
from seedbed.compose.compose import composed
from seedbed.config.check import checked
from seedbed.config.options import options_of
from seedbed.errors import ConfigError, NotAllowedError, SeedbedError
from seedbed.optimizers import Lion
from seedbed.training.optimization import build_optimizer

STEPS = 50
REFUSED = {"lbfgs": "LBFGS", "sparseadam": "SparseAdam"}
OPTIONS = sorted(set(right_inputs()) - set(REFUSED))


@cache
def base() -> Mapping[str, Any]:
    return composed([]).config.to_dict()


def built(optimizer: Mapping[str, Any], parameters: list[nn.Parameter]) -> Optimizer:
    """As a run with these settings has it."""
    config = checked({**base(), "optimizer": optimizer})
    return build_optimizer(config.optimizer, AllowList(), [(parameters, {})])


def shapes(option: str) -> list[tuple[int, ...]]:
    return [(4, 3), (2, 2)] if option == "muon" else [(4, 3), (3,), ()]


def started(option: str) -> list[nn.Parameter]:
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(one, dtype=torch.float64)) for one in shapes(option)]


@pytest.mark.parametrize("option", OPTIONS)
def test_fifty_steps_of_each_input_are_torch_s(option: str) -> None:
    spec = options_of("optimizer")[option]
    kind = getattr(torch.optim, spec["_target_"].rpartition(".")[2])
    for settings in right_inputs()[option]:
        ours, theirs = started(option), started(option)
        rate = {"lr": spec["lr"]} if option == "rmsprop" else {}  # the one default that is ours
        own = built({**spec, **settings}, ours)
        plain = kind(theirs, **{**rate, **settings})
        for step in range(STEPS):
            drawn = torch.Generator().manual_seed(step)
            for one, other in zip(ours, theirs, strict=True):
                one.grad = torch.randn(one.shape, dtype=one.dtype, generator=drawn)
                other.grad = one.grad.clone()
            own.step()
            plain.step()
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=0)


@pytest.mark.parametrize("option", OPTIONS)
def test_what_torch_refuses_is_refused_by_its_key(option: str) -> None:
    spec = options_of("optimizer")[option]
    for settings in wrong_inputs()[option]:
        with pytest.raises(SeedbedError, match="optimizer"):
            built({**spec, **settings}, started(option))


@pytest.mark.parametrize("option", REFUSED)
def test_optimizers_that_take_other_steps_are_refused_in_words(option: str) -> None:
    spec = {"_target_": f"torch.optim.{REFUSED[option]}", "lr": 0.1}
    with pytest.raises(NotAllowedError, match=rf"{REFUSED[option]} .*type optimizer=adam"):
        built(spec, started(option))


def test_muon_is_refused_over_what_is_no_matrix() -> None:
    with pytest.raises(NotAllowedError, match=r"Muon takes matrices alone.*type model.bias=false"):
        built(options_of("optimizer")["muon"], started("sgd"))


@pytest.mark.parametrize("settings", [{}, {"betas": [0.95, 0.98], "weight_decay": 0.3, "lr": 0.02}])
@pytest.mark.parametrize("maximize", [False, True])
def test_lion_takes_the_steps_of_its_paper(settings: dict[str, Any], maximize: bool) -> None:
    """Algorithm 2, written out in NumPy; the first number has no gradient, and stays."""
    rate, decay = settings.get("lr", 1e-4), settings.get("weight_decay", 0.0)
    beta1, beta2 = settings.get("betas", (0.9, 0.99))
    drawn = np.random.default_rng(0)
    theta = drawn.normal(size=5)
    theta[0] = 0.0
    parameter, mean = nn.Parameter(torch.tensor(theta)), np.zeros(5)
    lion = Lion([parameter], maximize=maximize, **settings)
    for _ in range(STEPS):
        gradient = drawn.normal(size=5)
        gradient[0] = 0.0
        parameter.grad = torch.tensor(gradient)
        lion.step()
        gradient = -gradient if maximize else gradient
        update = np.sign(beta1 * mean + (1 - beta1) * gradient)
        theta = theta - rate * (update + decay * theta)
        mean = beta2 * mean + (1 - beta2) * gradient
    np.testing.assert_allclose(parameter.detach().numpy(), theta, rtol=1e-12)
    assert parameter[0] == 0


@pytest.mark.parametrize(
    "settings", [{"lr": -1.0}, {"betas": [0.9, 1.0]}, {"weight_decay": -0.1}], ids=str
)
def test_lion_refuses_numbers_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        built({**options_of("optimizer")["lion"], **settings}, started("lion"))
    with pytest.raises(ValueError, match=next(iter(settings))):
        Lion(started("lion"), **settings)
