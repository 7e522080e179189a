"""The digits 5 to 9 from a run on 0 to 4: the body stays to the bit, and learning is faster."""

import runpy
from pathlib import Path

import pytest
import torch
from support.command_line import Command

import seedbed as front_door

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "digits_in_two.py"
CONV = "{_target_: torch.nn.Conv2d, in_channels: %d, out_channels: 16, kernel_size: 3, padding: 1}"
RELU = "{_target_: torch.nn.ReLU}"
LAYERS = [
    "{_target_: torch.nn.Unflatten, dim: 1, unflattened_size: [1,8,8]}",
    *(CONV % 1, RELU, CONV % 16, RELU, CONV % 16, RELU),
    "{_target_: torch.nn.MaxPool2d, kernel_size: 2}",
    "{_target_: torch.nn.Flatten}",
    "{_target_: torch.nn.LazyLinear, out_features: 5}",
]
WORDS = ["data=csv", "data.target=digit", "data.task=multiclass", "data.standardize=false"]
WORDS += ["model=sequential", f"model.layers=[{','.join(LAYERS)}]", "loader.batch_size=16"]
WORDS += ["optimizer=sgd", "optimizer.lr=0.003", "seed=1", "data.split.seed=0"]
ENOUGH = 0.95


@pytest.mark.slow
def test_frozen_body_stays_and_the_rest_learns_faster(seedbed: Command) -> None:
    runpy.run_path(str(SCRIPT))
    low, high = "data.path=low.csv", "data.path=high.csv"
    assert seedbed("train", *WORDS, low, "trainer.epochs=20", "hydra.run.dir=low").code == 0
    new = [*WORDS, high, "trainer.epochs=10"]
    assert seedbed("train", *new, "hydra.run.dir=scratch").code == 0
    body = r"init.freeze=['^[13]\.']"
    start = ["init.run=low", "init.reset=['^9']", body]
    tuned = seedbed("train", *new, *start, "hydra.run.dir=tuned")
    assert "1.weight (16, 1, 3, 3) loaded, frozen" in " ".join(tuned.out.split())
    assert "9.weight (5, 256) reset" in " ".join(tuned.out.split())
    before, after = (
        torch.load(Path(name) / "model.pth", weights_only=True) for name in ("low", "tuned")
    )
    assert {name for name in after if torch.equal(after[name], before[name])} == {
        *("1.weight", "1.bias", "3.weight", "3.bias"),
    }
    reached = {
        name: max(front_door.load_run(name).history["val/accuracy"]) >= ENOUGH
        for name in ("scratch", "tuned")
    }
    assert reached == {"scratch": False, "tuned": True}
