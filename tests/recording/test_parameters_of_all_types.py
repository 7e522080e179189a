"""A run is trained and recorded whatever its parameters are: complex, halves, single, or none."""

import json
from pathlib import Path

import pytest
import torch
from support.command_line import Command
from support.single_runs import prepared
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from seedbed.errors import ConfigError
from seedbed.runs.checkpoint import all_finite
from seedbed.training.anomaly import not_finite
from seedbed.training.optimization import refuse_unbounded

WORDS = ["model._target_=support.own_parts.of_all_types.AllTypes", "allow=[support]"]
WORDS += ["trainer.epochs=2", "optimizer.lr=1e-5", "hydra.run.dir=r"]


def test_a_run_shows_their_curves_and_is_made_again(
    seedbed: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_ALLOW", "support")
    shown = ["trainer.log_gradients=true", "trainer.log_histograms=true"]
    done = seedbed("train", *WORDS, *shown)
    assert done.code == 0, done.err
    told = json.loads((tmp_path / "r" / "result.json").read_text())
    assert told["status"] == "completed"
    tags = EventAccumulator(str(tmp_path / "r")).Reload().Tags()
    some = {"layer.weight", "layer.bias", "scale", "turn", "coarse", "fine"}
    assert {*tags["histograms"]} == {f"weights/{name}" for name in some}
    assert "weights (gradient norm)/turn" in tags["scalars"]
    assert seedbed("reproduce", "r").out.splitlines()[-1] == "identical"
    weights = torch.load("r/model.pth", weights_only=True)
    weights["turn"] += 2j
    torch.save(weights, "r/model.pth")
    told = seedbed("reproduce", "r")
    assert "turn differs in 1 of 1 values, by 2 at most" in told.out + told.err


def test_values_of_complex_gradients_have_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDBED_ALLOW", "support")
    with pytest.raises(ConfigError, match=r"'turn' is complex; type trainer.gradient_clip=2,"):
        prepared(*WORDS[:-1], "trainer.gradient_clip_value=2")
    trainer = prepared("trainer.gradient_clip_value=2")[1].config.trainer
    frozen = nn.ParameterDict({"turn": nn.Parameter(torch.tensor([2j]), requires_grad=False)})
    refuse_unbounded(trainer, frozen)  # it has no gradient


@pytest.mark.parametrize("broken", [torch.nan, torch.inf, complex(0, torch.inf), -torch.inf])
def test_complex_weights_that_diverge_are_seen(broken: complex) -> None:
    whole = [torch.tensor([1 + 2j, 3j]), torch.tensor([1.0])]
    assert all_finite(whole)
    assert not all_finite([*whole, torch.tensor([broken, 1j])])
    assert not_finite(torch.tensor([broken, 1j])) == ("NaN" if broken != broken else "infinite")
    assert all_finite([torch.full((4,), 3e38)])
