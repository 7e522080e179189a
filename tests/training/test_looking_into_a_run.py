"""Seeing into one run: where it diverges, what its steps take, where code of one's own raised."""

import json
import sys
from pathlib import Path

import pytest
import torch
from support import processes, single_runs
from support.command_line import Command

from seedbed.training.anomaly import AnomalyWatch

NET = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.first, self.last = nn.Linear(in_features, 4), nn.Linear(4, out_features)
        self.calls = 0
    def forward(self, x):
        secret = 42
        self.calls += self.training
        if self.calls == 7:
            BROKEN
        return self.last(x)
"""
WORDS = ("model._target_=mine.Net", "allow=[mine]", "hydra.run.dir=r")


def net(folder: Path, broken: str) -> None:
    text = NET.replace("secret = 42", "secret = 42\n        x = self.first(x)")
    (folder / "mine.py").write_text(text.replace("BROKEN", broken))


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("x = x / 0", "the input of 'last' (Linear) is infinite, and no layer before it gave that"),
        ("x = x * float('nan')", "the input of 'last' (Linear) is NaN, and no layer before it"),
        ("return self.last(x) * float('inf')", "the output of the model is infinite"),
        ("return self.last(x) * 3e38", "the output of the model is infinite"),
        ("return self.last(x) * 1e20", "the loss is infinite, of a finite output"),
    ],
)
def test_a_run_that_diverges_names_the_layer(
    seedbed: Command, tmp_path: Path, broken: str, told: str
) -> None:
    net(tmp_path, broken)
    plain = seedbed("train", *WORDS)
    assert plain.code == 1
    assert told not in plain.err
    done = seedbed("train", *WORDS[:2], "hydra.run.dir=s", "trainer.detect_anomaly=true")
    assert done.code == 1
    assert f"(epoch 4, batch 1, lr 0.001): {told}" in done.err
    assert told in json.loads((tmp_path / "s" / "status.json").read_text())["error"]


def test_gradients_and_updates_are_looked_at_where_all_else_is_finite() -> None:
    """`sqrt` has an infinite slope at 0; a rate may be larger than any weight bears."""
    layer = torch.nn.Linear(2, 1, bias=False)
    watch = AnomalyWatch(layer)
    with watch.watching():
        loss = (layer(torch.zeros(1, 2)).sqrt() + layer(torch.ones(1, 2)).square()).sum()
        loss.backward()
        watch.look_at_gradients(loss)
    assert watch.found == "the gradient of 'weight' is NaN, of a finite loss"
    other = AnomalyWatch(layer)
    with torch.no_grad():
        layer.weight.fill_(torch.inf)
    other.look_at_weights()
    assert other.found == "the update of 'weight' made it infinite, of a finite gradient"
    assert not layer._forward_hooks


def test_who_looks_changes_no_bit(tmp_path: Path) -> None:
    words = ("data=sklearn", "data.dataset=iris", "trainer.epochs=3")
    looked = ("trainer.detect_anomaly=true", "trainer.profile='5 steps'")
    one = single_runs.train(tmp_path / "a", *words)
    other = single_runs.train(tmp_path / "b", *words, *looked)
    assert one.history == other.history
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())


def test_the_profile_of_steps_has_a_table_and_a_trace(seedbed: Command, tmp_path: Path) -> None:
    words = ("trainer.profile='7 steps'", "trainer.epochs=20", "hydra.run.dir=r")
    done = seedbed("train", *words)
    assert "note: trainer.profile: the time of 7 steps by operation is in r/profile.txt" in done.out
    assert done.err == ""
    table = (tmp_path / "r" / "profile.txt").read_text()
    calls = {line.split()[0]: line.split()[-1] for line in table.splitlines() if "aten::" in line}
    assert calls["aten::mse_loss"] == "7"
    trace = json.loads((tmp_path / "r" / "profile.pt.trace.json").read_text())
    names = [event.get("name") for event in trace["traceEvents"]]
    assert names.count("aten::mse_loss") == 7
    assert seedbed("reproduce", "r").out.endswith("identical\n")
    assert seedbed("remove", "r", "--yes").code == 0
    assert not (tmp_path / "r").exists()


def test_a_run_shorter_than_its_profile_is_measured_as_far_as_it_came(
    seedbed: Command, tmp_path: Path
) -> None:
    words = ("trainer.profile='500 steps'", "trainer.epochs=2", "hydra.run.dir=r")
    assert "the time of 3 steps by operation" in seedbed("train", *words).out
    assert (tmp_path / "r" / "profile.txt").read_text().startswith("3 steps, from the second on")
    done = seedbed("train", "trainer.profile='5 steps'", "trainer.max_steps=1", "hydra.run.dir=s")
    assert "note: trainer.profile: nothing was measured, as no step came after the" in done.out
    assert not (tmp_path / "s" / "profile.txt").exists()


@pytest.mark.parametrize("key", ["detect_anomaly=true", "profile='2 steps'"])
def test_jobs_that_are_looked_into_run_singly(seedbed: Command, key: str) -> None:
    done = seedbed("train", "-m", "seed=1,2", f"trainer.{key}", "trainer.epochs=1")
    assert "trainer.detect_anomaly and trainer.profile look into one model" in done.out


def test_debug_opens_pdb_where_code_of_ones_own_raised(tmp_path: Path) -> None:
    net(tmp_path, "torch.ones(2) @ torch.ones(3)")
    done = processes.run(
        [sys.executable, "-m", "seedbed", "train", *WORDS, "--debug"],
        cwd=tmp_path, input="p secret\np self.calls\nq\n", capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert (
        "mine.py(14)forward()\n-> torch.ones(2) @ torch.ones(3)\n(Pdb) 42\n(Pdb) 7\n" in done.stdout
    )
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith('mine.py", line 14, in forward')
    assert lines[-1].startswith("error: RuntimeError: inconsistent tensor size")
    assert json.loads((tmp_path / "r" / "status.json").read_text())["status"] == "failed"


def test_debug_of_a_mistake_in_the_words_is_the_one_line(seedbed: Command) -> None:
    done = seedbed("train", "optimizer.lrr=1", "--debug")
    assert (done.code, done.errors) == (
        2,
        ["error: no key 'optimizer.lrr'; did you mean 'optimizer.lr'?"],
    )
    done = seedbed("train", "-m", "seed=1,2", "--debug")
    assert (done.code, done.errors) == (2, ["error: --debug is for one run; leave out -m"])


@pytest.mark.parametrize("value", ["20", "0 steps", "'5 epochs'", "true"])
def test_a_profile_is_asked_for_in_steps(seedbed: Command, value: str) -> None:
    done = seedbed("train", f"trainer.profile={value}")
    assert done.code == 2
    assert "trainer.profile must be a text ('N steps', N from 1 to 99999) or null" in done.err
