"""Runs of one stack start from different weights, and what is frozen stays in each of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from support.composing import composed_quickly

import seedbed
from seedbed.api.run import Run
from seedbed.api.sweep import Sweep
from seedbed.fused.fusion_key import fusion_key

WORDS = ["data=csv", "data.target=y", "model.hidden=[6,5]", "loader.batch_size=8"]
WORDS += ["model.batch_norm=true", "loader.drop_last=true"]
FROZEN = ["init.freeze=['^input_to_hidden','^hidden_layer_norm\\.']", "init.frozen_eval=true"]
OPTIMIZERS = {
    "sgd": ["optimizer=sgd", "optimizer.momentum=0.9", "optimizer.weight_decay=0.1"],
    "adamw": ["optimizer=adamw", "optimizer.weight_decay=0.5"],
    "adam": ["optimizer=adam", "optimizer.weight_decay=0.1", "trainer.gradient_clip=0.1"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows, and two runs `0` and `1` on them."""
    made = tmp_path_factory.mktemp("stacks")
    x = np.random.default_rng(0).normal(size=(48, 4))
    lines = [",".join(f"{one:.3f}" for one in row) for row in x]
    (made / "rows.csv").write_text("\n".join(["a,b,c,y", *lines, ""]))
    for seed in range(2):
        data = f"data.path={made / 'rows.csv'}"
        seedbed.train(*WORDS, data, f"seed={seed}", "trainer.epochs=2", directory=made / str(seed))
    return made


def swept(folder: Path, at: Path, *words: str, fuse: str = "always") -> Sweep:
    sweep = seedbed.sweep(
        *WORDS,
        f"data.path={folder / 'rows.csv'}",
        f"init.run={folder / '0'},{folder / '1'}",
        "seed=3,4",
        "trainer.epochs=2",
        f"sweep.fuse={fuse}",
        *words,
        directory=at / fuse,
    )
    assert isinstance(sweep, Sweep)
    return sweep


def engine_of(run: Run) -> str:
    return str(json.loads((run.path / "result.json").read_text())["engine"])


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_frozen_columns_are_those_of_each_source_to_the_bit(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    words = [*OPTIMIZERS[kind], *FROZEN]
    together, singly = (swept(folder, tmp_path, *words, fuse=how) for how in ("always", "never"))
    for run, alone in zip(together, singly, strict=True):
        assert engine_of(run) == "fused"
        assert engine_of(alone) == "single"
        source = torch.load(Path(run.config["init"]["run"]) / "model.pth", weights_only=True)
        for name, tensor in torch.load(run.path / "model.pth", weights_only=True).items():
            frozen = name.startswith(("input_to_hidden", "hidden_layer_norm."))
            assert torch.equal(tensor, source[name]) == frozen, name
        for name, value in run.metrics.items():
            assert value == pytest.approx(alone.metrics[name], rel=0.03, abs=1e-3)


def test_a_stacked_run_of_a_source_is_reproduced_and_goes_on_without_it(
    folder: Path, tmp_path: Path
) -> None:
    for name in ("rows.csv", "0", "1"):
        copy = shutil.copytree if (folder / name).is_dir() else shutil.copy
        copy(folder / name, tmp_path / name)
    sweep = swept(tmp_path, tmp_path, "init.freeze=['^input_to_hidden']")
    digests = {run.config["init"]["fingerprint"] for run in sweep}
    assert len(digests) == 2
    found = seedbed.reproduce(sweep[1].path)
    assert found, found.differences
    shutil.rmtree(tmp_path / "0")
    shutil.rmtree(tmp_path / "1")
    longer = seedbed.resume(sweep[0].path, "trainer.epochs=3")
    assert len(longer.history["epoch"]) == 3  # type: ignore[union-attr]
    with pytest.raises(seedbed.errors.SeedbedError, match="does not exist"):
        seedbed.reproduce(sweep[1].path)


def test_other_frozen_parameters_are_another_stack() -> None:
    one = ["init.run=a", "init.freeze=[x]"]
    other_source, other_body = ["init.run=b", "init.freeze=[x]"], ["init.run=a", "init.freeze=[y]"]
    first, second, third = (
        fusion_key(composed_quickly(words).config) for words in (one, other_source, other_body)
    )
    assert first == second != third


def test_sweep_over_a_source_names_it_alone(folder: Path, tmp_path: Path) -> None:
    sweep = swept(folder, tmp_path)
    table = seedbed.runs(sweep.path)
    assert "init.run" in str(table)
    assert "fingerprint" not in str(table)
