"""Sweeps come to the same results whether their steps are compiled or not, or an error says why."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where libraries are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "seedbed" / "steps"


SWEEP = ["data=sum", "seed=1,2,3", "trainer.epochs=2", "sweep.fuse=always", "sweep.workers=0"]


def test_always_needs_a_compiler_before_anything_runs(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "nowhere")
    result = seedbed("train", "-m", *SWEEP, "sweep.compile=always")
    assert result.code == 2
    assert result.errors == [
        "error: sweep.compile=always: CC=nowhere is no program; install gcc or clang, or name one "
        "with CC; or type sweep.compile=auto"
    ]
    assert not Path("outputs").exists()
    assert seedbed("train", "-m", *SWEEP).code == 0


def test_histories_of_a_sweep_are_the_same_in_every_way(seedbed: Callable) -> None:
    told = {}
    for mode in ("never", "auto", "always"):
        words = [*SWEEP, "trainer.epochs=30", f"sweep.compile={mode}", f"hydra.sweep.dir={mode}"]
        result = seedbed("train", "-m", *words)
        assert result.code == 0, result.err
        runs = sorted(Path(mode).glob("*/history.csv"))
        told[mode] = [
            [line.rpartition(",")[0] for line in path.read_text().splitlines()] for path in runs
        ]
        assert len(runs) == 3
    assert told["never"] == told["auto"] == told["always"]


def test_stacks_in_processes_share_what_is_compiled(
    seedbed_process: Callable, folder: Path
) -> None:
    words = ["data=sum", "seed=range(0,8)", "trainer.epochs=40", "sweep.fuse=always"]
    words += ["sweep.workers=2", "sweep.compile=always", "hydra.sweep.dir=swept"]
    result = seedbed_process("train", "-m", *words)
    assert result.code == 0, result.err
    assert "are not compiled" not in result.err
    assert len(list(folder.glob("*.so"))) == 1
    left = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, check=False)
    assert left.stdout == b""
