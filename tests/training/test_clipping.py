"""Clipping of gradients by value and by norm against torch's own functions."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seedbed.components import AllowList
from seedbed.compose.compose import composed
from seedbed.fused.clipping import Clipping
from seedbed.training.build_run import build_run
from seedbed.training.single import SingleEngine

VALUES, NORMS = [None, 0.5, 30.0], [None, 1.0, 50.0]
BOUNDS = list(product(VALUES, NORMS))


def words(value: float | None, norm: float | None) -> list[str]:
    told = {"gradient_clip_value": value, "gradient_clip": norm}
    return [f"trainer.{key}={'null' if one is None else one}" for key, one in told.items()]


def clipped_by_torch(
    parameters: list[nn.Parameter], value: float | None, norm: float | None
) -> Tensor:
    if value is not None:
        nn.utils.clip_grad_value_(parameters, value)
    if norm is not None:
        nn.utils.clip_grad_norm_(parameters, norm)
    return torch.cat([one.grad.reshape(-1) for one in parameters if one.grad is not None])


def test_runs_of_a_stack_are_clipped_as_torch_does_it() -> None:
    configs = [composed(words(*one)).config for one in BOUNDS]
    gradient = torch.randn(len(BOUNDS), 40, generator=torch.Generator().manual_seed(0)) * 20
    gradient[1, 0], gradient[3, 1] = torch.nan, torch.inf  # of bounds (None, 1), (0.5, None)
    found = Clipping(configs, torch.device("cpu"))(gradient.clone())
    for row, own, bounds in zip(gradient, found, BOUNDS, strict=True):
        parameter = nn.Parameter(torch.zeros(40))
        parameter.grad = row.clone()
        expected = clipped_by_torch([parameter], *bounds)
        torch.testing.assert_close(own, expected, equal_nan=True)


def test_stack_without_bounds_gets_its_own_gradient_back() -> None:
    gradient = torch.randn(1, 4)
    assert Clipping([composed([]).config], torch.device("cpu"))(gradient) is gradient


@pytest.mark.parametrize(("value", "norm"), BOUNDS)
def test_single_step_is_that_of_a_plain_loop(value: float | None, norm: float | None) -> None:
    config = composed(["loader=full_batch", *words(value, norm)]).config
    plan, twin = (build_run(config, AllowList()) for _ in range(2))
    x, y = next(iter(plan.train.epoch(0)))
    SingleEngine(plan).step(x, y)
    optimizer = torch.optim.SGD(twin.model.parameters(), lr=config.optimizer["lr"])
    nn.functional.mse_loss(twin.model(x), y).backward()
    clipped_by_torch(list(twin.model.parameters()), value, norm)
    optimizer.step()
    for ours, theirs in zip(plan.model.parameters(), twin.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_sweep_over_bounds_fuses_and_gives_each_run_its_own(
    seedbed: Callable[..., Any], tmp_path: Path
) -> None:
    asked = ["trainer.gradient_clip_value=null,0.5,30", "trainer.epochs=3", "loader.batch_size=4"]
    where = [f"hydra.sweep.dir={tmp_path / 'sweep'}", "sweep.workers=0", "sweep.fuse=always"]
    assert seedbed("train", "-m", *asked, *where).code == 0
    models = sorted(tmp_path.glob("sweep/*/model.pth"))
    assert len(models) == 3
    for model, value in zip(models, VALUES, strict=True):
        alone = tmp_path / f"alone{value}"
        own = [*words(value, None), *asked[1:], f"hydra.run.dir={alone}"]
        assert seedbed("train", *own).code == 0
        state = torch.load(alone / "model.pth", weights_only=True)
        stacked = torch.load(model, weights_only=True)
        assert '"engine": "fused"' in (model.parent / "result.json").read_text()
        for name, tensor in state.items():
            torch.testing.assert_close(stacked[name], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "big"])
def test_bound_that_is_no_positive_number_is_refused(
    seedbed: Callable[..., Any], value: str
) -> None:
    result = seedbed("validate", f"trainer.gradient_clip_value={value}")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "trainer.gradient_clip_value must be a number > 0 or null" in result.err
