"""What the user's own code raises is told once, with its line in their file."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from seedbed.raised import is_of_user, reason, shown_traceback

MINE = """
import torch
from sys import exit
from torch import nn
from torch.utils.data import Dataset


def look_up(when, calls, late):
    if calls > (3 if late else 0):
        return {}[when]  # this line


class Net(nn.Module):
    def __init__(self, in_features, out_features, when="never"):
        super().__init__()
        self.layer, self.when, self.calls = nn.Linear(in_features, out_features), when, 0
        if when == "built":
            look_up(when, 1, False)

    def forward(self, x):
        self.calls += 1
        if self.when in ("early", "late"):
            look_up(self.when, self.calls, self.when == "late")
        return self.layer(x)


class Loss(nn.MSELoss):
    calls = 0

    def __init__(self, when="never"):
        super().__init__()
        self.when = when

    def forward(self, output, target):
        self.calls += 1
        if self.when == "value":
            raise ValueError("no such thing")
        if self.when != "never":
            look_up(self.when, self.calls, self.when == "late")
        return super().forward(output, target)


class Rows(Dataset):
    def __init__(self, when="never"):
        self.when, self.calls = when, 0

    def __len__(self):
        return 4

    def __getitem__(self, index):
        self.calls += 1
        if self.when == "early" or (self.when == "late" and index == 3 and self.calls > 6):
            look_up(self.when, 9, False)
        return torch.ones(2), 1.5 + index


class Descent(torch.optim.SGD):
    def step(self, closure=None):
        look_up("step", 1, False)


class Leaving(nn.Linear):
    def forward(self, x):
        raise SystemExit(0)


class LeavingInEvaluation(nn.Linear):
    def forward(self, x):
        return super().forward(x) if self.training else exit(7)


class LeavingRows(Rows):
    def __len__(self):
        return exit(7) if self.when == "length" else 4

    def __getitem__(self, index):
        self.calls += 1
        return exit(7) if self.calls > 4 else (torch.ones(2), 1.5 + index)
"""
LINE = "(mine.py, line 10, in look_up)"
WORDS = ["allow=[mine]", "trainer.epochs=3"]
EARLY = {
    "the model is built": ["model._target_=mine.Net", "+model.when=built"],
    "forward": ["model._target_=mine.Net", "+model.when=early"],
    "the loss": ["loss._target_=mine.Loss", "+loss.when=early"],
    "a row": ["data=dataset", "data.train={_target_: mine.Rows, when: early}"],
}
LATE = {
    "forward": ["model._target_=mine.Net", "+model.when=late"],
    "the loss": ["loss._target_=mine.Loss", "+loss.when=late"],
    "the optimizer": ["optimizer._target_=mine.Descent"],
}


@pytest.fixture(autouse=True)
def _mine() -> None:
    Path("mine.py").write_text(MINE)


@pytest.mark.parametrize("words", EARLY.values(), ids=EARLY)
def test_before_training_it_is_wrong_input_told_with_its_line(
    seedbed: Callable, words: list[str]
) -> None:
    result = seedbed("train", *WORDS, *words)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert LINE in result.err
    assert result.err.count("KeyError") == 1
    assert not Path("outputs").exists()


@pytest.mark.parametrize("words", LATE.values(), ids=LATE)
def test_while_training_the_run_fails_and_its_log_has_the_traceback(
    seedbed: Callable, words: list[str]
) -> None:
    result = seedbed("train", *WORDS, *words, "hydra.run.dir=run")
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert result.err.startswith("error: KeyError: '")
    assert LINE in result.err
    assert result.err.count("KeyError") == 1
    log = Path("run/run.log").read_text()
    assert re.search(r'mine\.py", line 10, in look_up', log)
    assert LINE in Path("run/status.json").read_text()
    assert str(Path("run/run.log")) in result.err


@pytest.mark.parametrize("fuse", ["fuse=auto", "fuse=never", "workers=1"])
def test_a_job_of_a_sweep_tells_the_line_as_well(seedbed: Callable, fuse: str) -> None:
    result = seedbed("train", "-m", *WORDS, *LATE["forward"], "seed=1,2", f"sweep.{fuse}")
    assert (result.code, result.err) == (1, "")
    told = [line for line in result.out.splitlines() if line.startswith("  ")]
    assert [line.count(LINE) for line in told] == [1, 1]
    assert [line.count("KeyError") for line in told] == [1, 1]
    assert all("in look_up" in path.read_text() for path in result.sweep.glob("*/run.log"))


def test_a_value_error_of_their_loss_is_no_refusal_of_the_output(seedbed: Callable) -> None:
    result = seedbed("train", *WORDS, "loss._target_=mine.Loss", "+loss.when=value")
    assert result.code == 2
    assert result.err == (
        "error: loss: mine.Loss raises ValueError: no such thing (mine.py, line 37, in forward)\n"
    )


def test_in_another_process_it_is_told_once_too(seedbed: Callable) -> None:
    words = ["data=dataset", "data.train={_target_: mine.Rows, when: late}", "data.check_rows=1"]
    result = seedbed("train", *WORDS, *words, "loader.num_workers=1", "trainer.epochs=9")
    assert result.code == 1, result.out
    assert LINE in result.err
    assert result.err.count("KeyError") == 1


@pytest.mark.parametrize("words", [EARLY["forward"], LATE["the loss"]], ids=["early", "late"])
def test_the_traceback_on_request_begins_in_their_code(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("SEEDBED_DEBUG", "1")
    told = seedbed("train", *WORDS, *words).err.splitlines()
    assert told[0] == "Traceback (most recent call last):"
    assert re.search(r'mine\.py", line \d+, in forward', told[1])
    assert told[-2].startswith("KeyError: ")
    assert told[-1].startswith("error: ")


def test_a_model_that_ends_the_process_does_not_end_it_well(seedbed: Callable) -> None:
    result = seedbed("train", *WORDS, "model._target_=mine.Leaving")
    assert result.code == 2
    assert "SystemExit: 0 (mine.py" in result.errors[0]


def test_a_module_that_raises_when_it_is_imported_is_told_with_its_line(seedbed: Callable) -> None:
    Path("broken.py").write_text("import torch\n\nvalue = {}['x']\n")
    result = seedbed("train", "allow=[broken]", "model._target_=broken.Net")
    assert result.code == 2
    assert result.err == (
        "error: model._target_: cannot import 'broken': KeyError: 'x' (broken.py, line 3)\n"
    )
    Path("typed.py").write_text("def f(:\n")
    result = seedbed("train", "allow=[typed]", "model._target_=typed.Net")
    assert result.code == 2
    assert result.err.count("typed.py, line 1") == 1


def test_what_is_not_theirs_has_no_line() -> None:
    with pytest.raises(KeyError) as caught:
        {}["x"]
    assert reason(caught.value) == "KeyError: 'x'"
    assert not is_of_user(caught.value)
    assert "in test_what_is_not_theirs" in shown_traceback(caught.value)
    assert reason(ValueError()) == "ValueError"


ENDED = {
    "the number of rows": "data.train={_target_: mine.LeavingRows, when: length}",
    "a row that is read again": "data.train={_target_: mine.LeavingRows, when: again}",
}


@pytest.mark.parametrize("word", ENDED.values(), ids=ENDED)
def test_rows_that_end_the_process_are_told_as_an_error(seedbed: Callable, word: str) -> None:
    result = seedbed("train", *WORDS, "data=dataset", word)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert result.err.startswith("error: data.train: ")
    assert "SystemExit: 7 (mine.py, line" in result.err


def test_a_model_that_cannot_be_summarised_trains(seedbed: Callable) -> None:
    result = seedbed("train", *WORDS, "model._target_=mine.LeavingInEvaluation")
    assert (result.code, result.err) == (0, "")
