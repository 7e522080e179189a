"""Ranks that torchrun started, or somebody who says so in the environment as it does."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from support import processes
from support.command_line import Result
from support.ranked_runs import MODULE, fork_always

WORDS = ["data=sklearn", "loader.batch_size=25", "trainer.epochs=2", "model.dropout=0.2"]
DDP = [*WORDS, "trainer.strategy=ddp"]


def told(words_of_ranks: Sequence[Sequence[str]], **more: str) -> list[Result]:
    """Runs a command on each rank, as torchrun would; how each ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"WORLD_SIZE": str(len(words_of_ranks)), "MASTER_ADDR": "127.0.0.1"}
    started = []
    for rank, words in enumerate(words_of_ranks):
        variables = {**os.environ, "MASTER_PORT": str(port), "RANK": str(rank), **place, **more}
        line = [sys.executable, "-m", "seedbed", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(processes.Process(line, env=variables, text=True, **pipes))
    ended = []
    try:
        for one in started:
            out, err = one.communicate(timeout=100)
            ended.append(Result(one.returncode, out, err, Path.cwd()))
    finally:
        for one in started:
            one.kill()
            one.wait()
    return ended


@pytest.mark.slow
def test_torchrun_trains_what_ranks_of_our_own_do(
    seedbed: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork_always(monkeypatch)
    assert seedbed("train", *DDP, "trainer.devices=2", "hydra.run.dir=ours").code == 0
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    line += ["-m", "seedbed", "train", *DDP, "hydra.run.dir=theirs"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("run: theirs") == 1
    one, other = (torch.load(f"{name}/model.pth") for name in ("ours", "theirs"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert json.loads(Path("theirs/result.json").read_text())["ranks"] == 2
    again = seedbed("reproduce", "theirs")
    assert (again.code, again.out.splitlines()[-1]) == (0, "identical")


def test_only_the_first_rank_speaks_and_all_go_on_together() -> None:
    first, other = told([["train", *DDP, "hydra.run.dir=run"]] * 2)
    assert (first.code, other.code) == (0, 0), first.err + other.err
    assert first.out.splitlines()[-1] == "run: run"
    assert other.out + other.err == ""
    first, other = told([["resume", "run", "trainer.epochs=3"]] * 2)
    assert (first.code, other.code) == (0, 0), first.err + other.err
    assert other.out + other.err == ""
    assert json.loads(Path("run/result.json").read_text())["epochs"] == 3
    first, other = told([["resume", "run"]] * 2)
    assert (first.out, other.out) == ("complete already\nrun: run\n", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["optimizer.lr=0.5"], "ranks disagree: optimizer.lr is 0.001 on rank 0 and 0.5 on rank 1"),
        (["data.dataset=wine"], "ranks disagree: data.name is "),
    ],
    ids=["config", "rows"],
)
def test_ranks_that_disagree_are_refused_before_the_first_step(words: list[str], said: str) -> None:
    common = ["train", *DDP, "hydra.run.dir=run"]
    first, other = told([common, [*common, *words]])
    assert (first.code, other.code) == (2, 2)
    assert len(first.errors) == 1
    assert first.errors[0].startswith(f"error: {said}")
    assert other.errors == []
    assert not Path("run/checkpoints/last.pt").exists()
    assert json.loads(Path("run/status.json").read_text())["status"] == "failed"


def test_ranks_of_other_rows_are_refused() -> None:
    """Under one name lies another file on the other machine, which another folder stands for."""
    for folder, last in (("here", 3), ("there", 4)):
        Path(folder).mkdir()
        rows = "".join(f"{n},{n % 5}\n" for n in range(40))
        Path(folder, "rows.csv").write_text(f"x,y\n{rows}7,{last}\n")
    line = ["train", "data=csv", "data.path=rows.csv", "data.target=y", "trainer.strategy=ddp"]
    line += ["loader.batch_size=8", "hydra.run.dir=run"]
    program = "import os, sys; os.chdir(sys.argv.pop(1)); from seedbed.cli.main import script; "
    program += "script()"
    first, other = told_by(program, [["here", *line], ["there", *line]])
    assert (first.code, other.code) == (2, 2), first.err + other.err
    assert first.errors[0].startswith("error: ranks disagree: sha256 of the data is ")


def told_by(program: str, words_of_ranks: Sequence[Sequence[str]]) -> list[Result]:
    """As `told`, by a program of its own."""
    with pytest.MonkeyPatch.context() as patch:
        start = processes.Process
        patch.setattr(
            processes,
            "Process",
            lambda line, **named: start([line[0], "-c", program, *line[3:]], **named),
        )
        return told(words_of_ranks)


def test_what_another_rank_raises_is_told_by_the_first() -> None:
    layer = f"{{_target_:{MODULE}.DyingOnOne,in_features:2,out_features:1}}"
    line = ["train", f"model={layer}", f"allow=[{MODULE},support]", "trainer.strategy=ddp"]
    path = str(Path(__file__).parents[1])
    first, other = told([[*line, "hydra.run.dir=run"]] * 2, PYTHONPATH=path)
    assert (first.code, other.code) == (1, 1), first.err + other.err
    assert first.errors[0].startswith("error: rank 1: ArithmeticError: only here")
    assert other.errors == []
    assert json.loads(Path("run/status.json").read_text())["status"] == "failed"


ENVIRONMENT = {
    "no strategy": (
        WORDS,
        {"RANK": "0", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "x"},
        "torchrun started several processes, and without trainer.strategy a run has one; type",
    ),
    "other devices": (
        [*DDP, "trainer.devices=3"],
        {"RANK": "0", "WORLD_SIZE": "2"},
        "trainer.devices=3, and 2 ranks were started (WORLD_SIZE); leave trainer.devices out",
    ),
    "no number": (
        DDP,
        {"RANK": "first", "WORLD_SIZE": "2"},
        "trainer.strategy=ddp: RANK='first' in the environment is no whole number >= 0",
    ),
    "beyond": (
        DDP,
        {"RANK": "2", "WORLD_SIZE": "2"},
        "trainer.strategy=ddp: RANK=2 and WORLD_SIZE=2: ranks are 0 to WORLD_SIZE - 1",
    ),
    "no address": (
        DDP,
        {"RANK": "0", "WORLD_SIZE": "2"},
        "RANK and WORLD_SIZE are set, and MASTER_ADDR and MASTER_PORT not; start ranks by torchrun",
    ),
}


@pytest.mark.parametrize(("words", "place", "said"), ENVIRONMENT.values(), ids=ENVIRONMENT.keys())
def test_what_the_environment_says_wrong_is_told(
    words: list[str],
    place: dict[str, str],
    said: str,
    seedbed: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    result = seedbed("train", *words)
    assert result.code == 2
    assert len(result.errors) == 1
    assert result.errors[0].startswith(f"error: {said}")


def test_a_port_that_is_taken_is_told(seedbed: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        place = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
        for name, value in {**place, "MASTER_PORT": str(port)}.items():
            monkeypatch.setenv(name, value)
        result = seedbed("train", *DDP)
    assert result.code == 2
    assert result.errors == [
        f"error: MASTER_PORT: the port of 127.0.0.1:{port} is taken; type another, such as "
        "torchrun --master-port=0"
    ]


@pytest.mark.parametrize("command", [["train", "-m", "seed=1,2"], ["reproduce", "run"]])
def test_torchrun_is_for_one_run(
    command: list[str], seedbed: Callable, monkeypatch: pytest.MonkeyPatch, sum_run: Path
) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "x"}.items():
        monkeypatch.setenv(name, value)
    result = seedbed(*[str(sum_run) if word == "run" else word for word in command])
    assert result.code == 2
    assert result.errors[0].startswith("error: torchrun is for one run, and not for ")


REFUSED = {
    "a batch": (
        ["trainer.strategy=ddp", "trainer.devices=3"],
        "loader.batch_size: 3 ranks cannot share a batch of 2; type loader.batch_size=3 or more, "
        "or trainer.devices=2",
    ),
    "no strategy": (
        ["trainer.devices=2"],
        "trainer.devices=2 changes nothing without ranks; type trainer.strategy=ddp beside it",
    ),
    "no device": (
        ["trainer.strategy=ddp", "trainer.devices=0"],
        "trainer.devices must be",
    ),
    "another strategy": (["trainer.strategy=dpp"], "trainer.strategy must be"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_ranks_cannot_do_is_refused_before_anything_runs(
    words: list[str], said: str, seedbed: Callable
) -> None:
    result = seedbed("validate", *words)
    assert (result.code, len(result.errors)) == (2, 1)
    assert result.errors[0].startswith(f"error: {said}")


def test_more_ranks_than_cores_are_told(seedbed: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedbed.training.rank_count.usable_cores", lambda: 1)
    result = seedbed("validate", "trainer.strategy=ddp", "trainer.devices=2")
    assert result.code == 0
    assert "note: 2 ranks share 1 core, and wait for one another" in result.out
