"""Runs whose data, sweep or code is not where or what it was."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

NETS = """
from torch import nn

from nets.parts import scaled


class Net(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)

    def forward(self, x):
        return scaled(super().forward(x))
"""
PARTS = "def scaled(x):\n    return 1.0 * x\n"

CSV = ["data=csv", "data.path=rows.csv", "data.target=y", "loader.batch_size=4"]


@pytest.fixture
def rows() -> None:
    lines = [f"{n},{n % 3},{2 * n + 1.5}" for n in range(12)]
    Path("rows.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")


def _weights(run: Path) -> dict[str, torch.Tensor]:
    return torch.load(run / "model.pth", weights_only=True)


def test_a_run_goes_on_where_its_data_lies_now(seedbed: Callable, rows: None) -> None:
    whole = seedbed("train", *CSV, "trainer.epochs=4").run
    half = seedbed("train", *CSV, "trainer.epochs=2", "name=half").run
    Path("far away").mkdir()
    Path("rows.csv").rename("far away/Zeilen.csv")
    lost = seedbed("resume", half, "trainer.epochs=4")
    assert lost.code == 2
    assert "type data.path=FILE after the run" in lost.errors[0]
    done = seedbed("resume", half, "trainer.epochs=4", "data.path=far away/Zeilen.csv")
    assert done.code == 0, done.err
    for name, tensor in _weights(whole).items():
        assert torch.equal(tensor, _weights(half)[name])
    assert seedbed("reproduce", half).code == 0  # the run knows now


@pytest.mark.parametrize("word", ["data.path=moved.csv", "data.path='moved.csv'"])
def test_a_run_is_reproduced_where_its_data_lies_now(
    seedbed: Callable, rows: None, word: str
) -> None:
    run = seedbed("train", *CSV, "trainer.epochs=2").run
    Path("rows.csv").rename("moved.csv")
    result = seedbed("reproduce", run, word)
    assert result.code == 0, result.err
    assert result.out == "identical\n"  # an equal file elsewhere is no other environment


@pytest.mark.parametrize("command", ["reproduce", "resume"])
def test_other_data_is_not_taken_for_the_runs(seedbed: Callable, rows: None, command: str) -> None:
    run = seedbed("train", *CSV, "trainer.epochs=2").run
    Path("other.csv").write_text(Path("rows.csv").read_text().replace("1.5", "1.25"))
    more = ["trainer.epochs=3"] if command == "resume" else []
    result = seedbed(command, run, "data.path=other.csv", *more)
    assert (result.code, len(result.errors)) == (2, 1)
    assert "the rows are not those of the run" in result.errors[0]
    assert "rows.csv" in (run / "config.yaml").read_text()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("data.pth=x.csv", "the run's data names data.path, nothing else can move"),
        ("data.validation_path=x.csv", "the run's data names data.path, nothing else"),
        ("data.target=a", "the run's data names data.path, nothing else"),
        ("seed=3", "takes"),
    ],
)
@pytest.mark.parametrize("command", ["reproduce", "resume"])
def test_nothing_else_can_be_changed(
    seedbed: Callable, rows: None, word: str, said: str, command: str
) -> None:
    run = seedbed("train", *CSV, "trainer.epochs=1").run
    result = seedbed(command, run, word)
    assert (result.code, len(result.errors)) == (2, 1)
    assert said in result.errors[0]


def test_a_folder_of_ones_own_dataset_can_move(seedbed: Callable) -> None:
    Path("sets.py").write_text(
        "import torch\nfrom pathlib import Path\n\n\n"
        "class Rows(torch.utils.data.TensorDataset):\n"
        "    def __init__(self, root):\n"
        "        number = float(Path(root, 'number.txt').read_text())\n"
        "        super().__init__(torch.ones(4, 2) * number, torch.arange(4) + 0.5)\n"
    )
    Path("here").mkdir()
    Path("here/number.txt").write_text("3")
    words = ["allow=[sets]", "data=dataset", "data.train={_target_: sets.Rows, root: here}"]
    Path("conf").mkdir()
    Path("conf/config.yaml").write_text("defaults: [seedbed, _self_]\nallow: [sets]\n")
    run = seedbed("train", *words, "trainer.epochs=2").run
    Path("here").rename("there")
    result = seedbed("reproduce", run, "data.train.root=there")
    assert result.code == 0, result.err


def test_a_job_taken_out_of_its_sweep_is_not_called_different(
    seedbed: Callable, rows: None
) -> None:
    words = ["sweep.fuse=always", "seed=1,2", "trainer.epochs=2"]
    sweep = seedbed("train", "-m", *CSV, *words).sweep
    job = next(path.parent for path in sorted(sweep.glob("*/result.json")))
    Path("rows.csv").rename("moved.csv")
    assert seedbed("reproduce", job, "data.path=moved.csv").code == 0
    shutil.copytree(job, "alone")
    result = seedbed("reproduce", "alone", "data.path=moved.csv")
    assert result.code == 2
    assert "alike: run on its own" in result.out
    assert "identical" not in result.out
    assert len(result.errors) == 1
    assert "its sweep is not beside it" in result.errors[0]
    told = json.loads(seedbed("reproduce", "alone", "data.path=moved.csv", "--json").out)
    assert (told["identical"], told["differences"]) == (None, [])
    assert (told["alike_on_its_own"], told["identical_in_its_stack"]) == (True, None)


def test_a_job_taken_out_of_its_sweep_may_still_be_different(seedbed: Callable) -> None:
    sweep = seedbed("train", "-m", "sweep.fuse=always", "seed=1,2", "trainer.epochs=2").sweep
    shutil.copytree(next(path.parent for path in sweep.glob("*/result.json")), "alone")
    changed = {name: tensor + 1 for name, tensor in _weights(Path("alone")).items()}
    torch.save(changed, "alone/model.pth")
    result = seedbed("reproduce", "alone")
    assert result.code == 1
    assert result.out.endswith("\nnot identical\n")


def _write_nets(parts: str) -> None:
    Path("nets").mkdir(exist_ok=True)
    Path("nets/__init__.py").write_text(NETS)
    Path("nets/parts.py").write_text(parts)
    for name in [name for name in sys.modules if name.partition(".")[0] == "nets"]:
        del sys.modules[name]


@pytest.mark.parametrize("sweep", [[], ["-m", "seed=1,2", "sweep.fuse=always"]], ids=["run", "job"])
def test_code_that_changed_since_is_told(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch, sweep: list[str]
) -> None:
    monkeypatch.setenv("SEEDBED_ALLOW", "nets")
    _write_nets(PARTS)
    made = seedbed("train", *sweep, "model._target_=nets.Net", "trainer.epochs=2")
    assert made.code == 0, made.err
    run = next(made.sweep.glob("0_*")) if sweep else made.run
    assert set(json.loads((run / "environment.json").read_text())["code"]) == {"nets", "nets.parts"}
    commands = {
        "predict": ["predict", run, "--input", "[[1, 2]]"],
        "inspect": ["inspect", run, "--weights", "--json"],
        "summary": ["summary", run, "--json"],
        "reproduce": ["reproduce", run],
    }
    for words in commands.values():
        assert "note:" not in seedbed(*words).err
    _write_nets(PARTS.replace("1.0", "2.0"))
    for name, words in commands.items():
        result = seedbed(*words)
        assert result.err.startswith("note: parts.py changed since the run"), name
        assert "note:" not in result.out
    assert seedbed("resume", run, "trainer.epochs=3").out.startswith("note: parts.py changed since")
