"""What a run cannot start from is told in a line before anything is written."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.command_line import Command

import seedbed

WORDS = ["data=csv", "data.target=y", "model.hidden=[4]", "trainer.epochs=2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows, and a run on them."""
    made = tmp_path_factory.mktemp("refused")
    x = np.random.default_rng(0).normal(size=(30, 3))
    lines = [",".join(f"{one:.3f}" for one in row) for row in x]
    (made / "rows.csv").write_text("\n".join(["a,b,y", *lines, ""]))
    seedbed.train(*WORDS, f"data.path={made / 'rows.csv'}", directory=made / "source")
    return made


def refused(seedbed: Command, folder: Path, *words: str) -> list[str]:
    result = seedbed("train", *WORDS, f"data.path={folder / 'rows.csv'}", *words)
    assert result.code == 2
    assert "Traceback" not in result.err
    assert not (result.folder / "outputs").exists()
    return result.errors


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["init.run=nothing"], "run directory 'nothing' does not exist"),
        (["init.run={source}/model.pth"], "is a file; type init.weights="),
        (["init.weights={source}"], "is a folder; for a run type init.run="),
        (["init.weights=none.pth"], "init.weights: no file 'none.pth'"),
        (["init.run={source}", "init.weights=x.pth"], "a run starts from one of them"),
        (["init=outputs/run"], "init: no option 'outputs/run'; there are default; type init.run="),
        (["init.frozen_eval=true"], "changes nothing but with init.freeze"),
        (["init.freeze=['.']"], "freezes all 4 parameters of the model"),
        (["init.freeze=['^imput']"], "'^imput' matches none of input_to_hidden_layer."),
        (["init.freeze=['a(']"], "'a(' is no regular expression"),
        (["init.freeze=['(a+)+$']"], "'(a+)+$' repeats a group"),
        (["init.run={source}", "init.reset=[zzz]"], "init.reset: 'zzz' matches none of"),
        (
            ["init.run={source}", "init.freeze=[input]", "init.reset=[input]"],
            "init.reset and init.freeze both name input_to_hidden_layer.weight",
        ),
        (["init.run={source}", "init.fingerprint=" + "0" * 64], "is not what it was"),
        (["init.run={source}", "init.fingerprint=x"], "64 hexadecimal digits"),
        (["init.run={source}", "model.hidden=[5]"], "does not fit the model: 1 of 4 tensors"),
    ],
)
def test_a_start_that_cannot_be_is_refused(
    seedbed: Command, folder: Path, words: list[str], said: str
) -> None:
    typed = [one.replace("{source}", str(folder / "source")) for one in words]
    assert said in refused(seedbed, folder, *typed)[0]


@pytest.mark.parametrize("key", ["reset=[a]", "strict=false", "checkpoint=best"])
def test_keys_without_a_source_are_told(seedbed: Command, folder: Path, key: str) -> None:
    """A sweep over `init.run=null,RUN` has them beside both."""
    result = seedbed("validate", *WORDS, f"data.path={folder / 'rows.csv'}", f"init.{key}")
    assert result.code == 0
    assert "changes nothing but with init.run" in result.out


def test_what_does_not_fit_is_told_tensor_by_tensor(seedbed: Command, folder: Path) -> None:
    errors = refused(seedbed, folder, f"init.run={folder / 'source'}", "model.hidden=[4,4]")
    assert [line.partition(": ")[2].partition(": ")[2] for line in errors[1:]] == [
        "hidden_to_hidden_layer_1.weight (4, 4): new",
        "hidden_to_hidden_layer_1.bias (4,): new",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"layer": torch.zeros(2)}, "nothing in it fits the model, which has input_to_hidden"),
        ([1, 2], "holds no state_dict"),
        ({"epoch": 3}, "holds no state_dict"),
        ({}, "holds no state_dict"),
    ],
)
def test_a_file_of_something_else_is_refused(
    seedbed: Command, folder: Path, tmp_path: Path, content: Any, said: str
) -> None:
    torch.save(content, tmp_path / "x.pth")
    words = [f"init.weights={tmp_path / 'x.pth'}", "init.strict=false"]
    assert said in refused(seedbed, folder, *words)[0]


class Opens:
    def __reduce__(self) -> Any:
        return (print, ("RAN",))


def test_a_pickle_that_would_run_code_is_not_opened(
    seedbed: Command, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    torch.save({"w": Opens()}, tmp_path / "zip.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Opens()))
    for name in ("zip.pth", "plain.pth"):
        refused(seedbed, folder, f"init.weights={tmp_path / name}")
    assert "RAN" not in capfd.readouterr().out


@pytest.mark.parametrize("bytes_", [b"", b"\xff" * 64, (2**40).to_bytes(8, "little") + b"{}"])
def test_a_damaged_safetensors_file_is_refused(
    seedbed: Command, folder: Path, tmp_path: Path, bytes_: bytes
) -> None:
    (tmp_path / "x.safetensors").write_bytes(bytes_)
    errors = refused(seedbed, folder, f"init.weights={tmp_path / 'x.safetensors'}")
    assert "is damaged, or no safetensors file" in errors[0]


def test_runs_that_train_or_have_no_weights_are_refused(
    seedbed: Command, folder: Path, tmp_path: Path
) -> None:
    source = tmp_path / "other"
    made = seedbed("train", *WORDS, f"data.path={folder / 'rows.csv'}", f"hydra.run.dir={source}")
    assert made.code == 0
    (source / "model.pth").unlink()
    words = [*WORDS, f"data.path={folder / 'rows.csv'}", f"init.run={source}"]
    assert "has no model.pth; type init.checkpoint=" in seedbed("train", *words).errors[0]
    status = json.loads((source / "status.json").read_text())
    (source / "status.json").write_text(json.dumps({**status, "status": "diverged"}))
    told = seedbed("train", *words, "init.checkpoint=last", "hydra.run.dir=after")
    assert told.code == 0
    assert "other' is diverged" in told.out


def test_weights_that_are_not_finite_are_told(
    seedbed: Command, folder: Path, tmp_path: Path
) -> None:
    weights = torch.load(folder / "source" / "model.pth", weights_only=True)
    weights["hidden_to_output_layer.bias"].fill_(float("nan"))
    torch.save(weights, tmp_path / "nan.pth")
    words = [f"data.path={folder / 'rows.csv'}", f"init.weights={tmp_path / 'nan.pth'}"]
    result = seedbed("validate", *WORDS, *words)
    assert result.code == 0
    assert "holds NaN or infinity in hidden_to_output_layer.bias" in result.out


def test_config_without_the_group_is_one_of_an_earlier_version(
    seedbed: Command, folder: Path, tmp_path: Path
) -> None:
    made = seedbed("train", *WORDS, f"data.path={folder / 'rows.csv'}", "hydra.run.dir=old")
    config = made.run / "config.yaml"
    lines = config.read_text().splitlines()
    start = lines.index("init:")
    end = next(at for at in range(start + 1, len(lines)) if not lines[at].startswith(" "))
    config.write_text("\n".join([*lines[:start], *lines[end:], ""]))
    assert "init:" not in config.read_text()
    assert seedbed("reproduce", made.run).out.splitlines()[-1] == "identical"
    assert seedbed("resume", made.run, "trainer.epochs=3").code == 0
