"""What a Dataset of one's own reads is known again: a change is told, randomness is not one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.command_line import Command
from torch.utils.data import Dataset, TensorDataset

ROWS = 50


def numbers() -> list[list[float]]:
    return json.loads(Path("rows.json").read_text())


class Read(Dataset[Any]):
    """Rows of a file, and their sum."""

    def __init__(self) -> None:
        self.rows = torch.tensor(numbers())

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        return self.rows[index], self.rows[index].sum()


class Seeded(Read):
    """Draws from torch's generator."""

    def __getitem__(self, index: int) -> Any:
        x, y = super().__getitem__(index)
        return x + 0.01 * torch.randn(2), y


class Unseeded(Read):
    """Draws from a generator that nobody seeds: no row is the same again."""

    def __getitem__(self, index: int) -> Any:
        x, y = super().__getitem__(index)
        return x + float(np.random.default_rng().normal()), y


class Tensors(TensorDataset):
    """Two tensors."""

    def __init__(self) -> None:
        rows = torch.tensor(numbers())
        super().__init__(rows, rows.sum(dim=1))


def write(rows: int = ROWS, seed: int = 0) -> None:
    drawn = np.random.default_rng(seed).normal(size=(rows, 2)).tolist()
    Path("rows.json").write_text(json.dumps(drawn))


@pytest.fixture
def trained(seedbed: Command) -> Callable[[str], Path]:
    def train(name: str) -> Path:
        write()
        part = f"data.train={{_target_: {__name__}.{name}}}"
        Path("conf").mkdir()
        Path("conf/config.yaml").write_text(f"defaults: [seedbed, _self_]\nallow: [{__name__}]\n")
        words = ["data=dataset", part, f"allow=[{__name__}]", "trainer.epochs=2"]
        result = seedbed("train", *words)
        assert result.code == 0, result.err
        return result.run

    return train


@pytest.mark.parametrize("name", ["Read", "Seeded", "Tensors"])
@pytest.mark.parametrize("command", ["resume", "reproduce"])
def test_a_change_is_told(
    trained: Callable[[str], Path], seedbed: Command, name: str, command: str
) -> None:
    run = trained(name)
    more = ["trainer.epochs=3"] if command == "resume" else []
    write(seed=1)
    result = seedbed(command, run, *more)
    assert (result.code, len(result.errors)) == (2, 1), result.err
    assert "data.train: the Dataset gives other rows than those of the run" in result.errors[0]
    write()
    assert seedbed(command, run, *more).code == 0


def test_rows_that_are_never_the_same_are_no_change(
    trained: Callable[[str], Path], seedbed: Command
) -> None:
    run = trained("Unseeded")
    told = json.loads((run / "environment.json").read_text())["data"]
    assert told == {"rows": {"train": ROWS}, "sample": {}}
    assert seedbed("resume", run, "trainer.epochs=3").code == 0


def test_a_run_without_a_sample_goes_on(trained: Callable[[str], Path], seedbed: Command) -> None:
    run = trained("Read")
    told = json.loads((run / "environment.json").read_text())
    assert len(told["data"].pop("sample")["train"]) == 64
    (run / "environment.json").write_text(json.dumps(told))
    assert seedbed("resume", run, "trainer.epochs=3").code == 0


@pytest.mark.parametrize("rows", [1000])
def test_few_rows_are_read_twice_more_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    from support.single_runs import prepared

    write(rows)
    read: list[int] = []
    plain = Read.__getitem__
    monkeypatch.setattr(
        Read, "__getitem__", lambda self, index: read.append(index) or plain(self, index)
    )
    prepared("data=dataset", f"data.train={{_target_: {__name__}.Read}}", f"allow=[{__name__}]")
    assert rows <= len(read) <= rows + 2 * 32 + 10  # a batch is let through, too
