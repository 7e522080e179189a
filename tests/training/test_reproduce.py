"""A run is run again, and compared bit for bit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(
    path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml") if path.stem != "table"
)
WORDS = ["data=sklearn", "data.dataset=iris", "trainer.epochs=3", "model.dropout=0.2"]


@pytest.fixture
def run(tmp_path: Path, seedbed: Callable) -> Path:
    assert seedbed("train", *WORDS, "hydra.run.dir=run").code == 0
    return tmp_path / "run"


def reproduced(seedbed: Callable) -> tuple[int, dict]:
    result = seedbed("reproduce", "run", "--json")
    return result.code, json.loads(result.out)


def test_a_rerun_is_identical(run: Path, seedbed: Callable) -> None:
    expected = {"identical": True, "differences": [], "environment": []}
    assert reproduced(seedbed) == (0, expected)
    assert seedbed("reproduce", "run").out.splitlines()[-1] == "identical"


def test_the_run_itself_is_not_touched(run: Path, seedbed: Callable) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    reproduced(seedbed)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_one_weight_that_differs_is_named(run: Path, seedbed: Callable) -> None:
    weights = torch.load(run / "model.pth", weights_only=True)
    weights["input_to_hidden_layer.weight"][0, 0] += 1e-7
    torch.save(weights, run / "model.pth")
    code, told = reproduced(seedbed)
    assert (code, told["identical"]) == (1, False)
    (difference,) = told["differences"]
    assert difference.startswith(
        "model.pth: input_to_hidden_layer.weight differs in 1 of 32 values, by "
    )


def test_one_number_of_the_history_that_differs_is_named(run: Path, seedbed: Callable) -> None:
    lines = (run / "history.csv").read_text().splitlines()
    column = lines[0].split(",").index("train/loss")
    cells = lines[2].split(",")
    cells[column] = repr(float(cells[column]) * (1 + 1e-15))
    lines[2] = ",".join(cells)
    (run / "history.csv").write_text("\n".join(lines) + "\n")
    code, told = reproduced(seedbed)
    assert code == 1
    assert told["differences"][0].startswith("history.csv, epoch 2, step ")
    assert "train/loss was " in told["differences"][0]


def test_another_version_of_a_package_is_told(run: Path, seedbed: Callable) -> None:
    environment = json.loads((run / "environment.json").read_text())
    now = environment["packages"]["torch"]
    environment["packages"]["torch"] = "2.12.0"
    (run / "environment.json").write_text(json.dumps(environment))
    code, told = reproduced(seedbed)
    assert (code, told["environment"]) == (0, [f"packages.torch was 2.12.0, is {now}"])


def test_a_run_without_an_end_is_refused(run: Path, seedbed: Callable) -> None:
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "status": "running"}))
    result = seedbed("reproduce", "run")
    said = (
        "error: 'run' is interrupted, so there is no end to compare with; type seedbed resume run"
    )
    assert (result.code, result.errors) == (2, [said])


def test_a_diverged_run_diverges_again(seedbed: Callable) -> None:
    seedbed("train", "optimizer.lr=1e6", "hydra.run.dir=run")
    assert reproduced(seedbed)[1]["identical"]


@pytest.mark.slow
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_reproduces(experiment: str, seedbed: Callable) -> None:
    words = [f"experiment={experiment}", "trainer.epochs=2", "trainer.threads=1"]
    assert seedbed("train", *words, "hydra.run.dir=run").code == 0
    assert reproduced(seedbed) == (0, {"identical": True, "differences": [], "environment": []})
