"""A sweep that cannot be run as asked ends with 2, a clear line, and nothing written."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seedbed.runs.lock import DirectoryLock

HOLDING = """
import sys
from pathlib import Path
from seedbed.runs.lock import DirectoryLock
lock = DirectoryLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seed=range(0,0)"], "seed: no value in 'seed=range(0,0)', so no jobs"),
        (["optimizer.lr="], "optimizer.lr must be a number > 0, got ''"),
        (["optimizer.lr=choice()"], "cannot read the override 'optimizer.lr=choice()'"),
        (["optimizer.lr=0.1,"], "cannot read the override 'optimizer.lr=0.1,'"),
        (["optimizer.lr=interval(0,1)"], "type 'sweep.draw={optimizer.lr:{low: LOW, high: HIGH}}'"),
        (
            ["sweep.zip={seed:[],optimizer.lr:[]}"],
            "sweep.zip.seed must be a list of values, got []",
        ),
        (["sweep.zip=5"], "sweep.zip must be a mapping of keys to values, got 5"),
        (["sweep.settings=[5]"], "sweep.settings must be a list of mappings, got [5]"),
        (["sweep.exclude=5"], "sweep.exclude must be a list of mappings, got 5"),
        (["sweep.exclude=[{seed:1}]", "seed=1"], "sweep.exclude leaves none of 1 job"),
        (["sweep.draw={optimizer.lr:[]}"], "sweep.draw.optimizer.lr must be a list of values"),
        (["sweep.draw=5"], "sweep.draw must be a mapping of keys to values, got 5"),
        (["sweep.draw={seed:[1]}", "sweep.draws=0"], "sweep.draws must be a whole number >= 1"),
        (["sweep.draw={seed:[1]}", "sweep.draws=abc"], "sweep.draws must be a whole number >= 1"),
        (["sweep.draw={seed:[1]}", "sweep.draw_seed=null"], "sweep.draw_seed must be a whole numb"),
        (["seed=1,2", "optimizer.lrr=0.1"], "no key 'optimizer.lrr'; did you mean 'optimizer.lr'?"),
        (["optimizer.lrr=0.1,0.2"], "no key 'optimizer.lrr'; did you mean 'optimizer.lr'?"),
        (
            ["sweep.zip={optimizer.lrr:[1,2]}"],
            "no key 'optimizer.lrr'; did you mean 'optimizer.lr'?",
        ),
        (["optimizer=adam,adamw", "optimzer.lr=0.1"], "no key 'optimzer.lr'; did you mean"),
        (
            ["optimizer=adam,sgd", "optimizer.amsgrad=true"],
            "job 1 (optimizer=sgd optimizer.amsgrad=True): no key 'optimizer.amsgrad'",
        ),
        (
            ["optimizer=adam,sdg"],
            "optimizer: no option 'sdg'; there are adadelta, adafactor, adagrad, adam, adamax",
        ),
        (["optimizer.lr=0.1,["], "cannot read the override 'optimizer.lr=0.1,['; a bracket stays"),
        (["optimizer.lr=0.1,abc"], "job 1 (optimizer.lr=abc): optimizer.lr must be a number > 0"),
        (
            ["data=sklearn", "metrics=[accuracy],[accurac]"],
            "job 1 (data=sklearn metrics=[accurac]): metrics[0]: no metric 'accurac' for ",
        ),
        (["sweep.settings=[{seed:1},{seed:a}]"], "seed must be a whole number"),
        (["seed=1,2", "sweep.fuse=alwys"], "got 'alwys'; did you mean 'always'?"),
        (["seed=1,2", "sweep.fuze=never"], "no key 'sweep.fuze'; did you mean 'sweep.fuse'?"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_bad_sweep_is_refused(
    words: list[str], message: str, tmp_path: Path, seedbed: Callable
) -> None:
    result = seedbed("train", "-m", *words, "hydra.sweep.dir=sweep")
    assert result.code == 2
    assert message in result.errors[0]
    assert "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def cut_off(seedbed: Callable) -> Path:
    """A sweep one of whose jobs never began."""
    words = ["seed=1,2", "trainer.epochs=1", "sweep.fuse=never", "hydra.sweep.dir=sweep"]
    sweep = seedbed("train", "-m", *words).sweep
    told = json.loads((sweep / "sweep.json").read_text())
    told["jobs"][1]["status"] = "pending"
    (sweep / "sweep.json").write_text(json.dumps(told))
    (sweep / told["jobs"][1]["directory"] / "status.json").unlink()
    return sweep


@pytest.fixture
def held(cut_off: Path) -> Iterator[Path]:
    """The same, while another process writes it."""
    line = [sys.executable, "-c", HOLDING, str(cut_off)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield cut_off
        process.communicate(timeout=200)


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_sweep_that_another_process_writes_is_not_taken_up(held: Path, seedbed: Callable) -> None:
    before = files(held)
    result = seedbed("resume", str(held))
    assert result.code == 2
    assert result.errors == [
        f"error: '{held}' is being written by another process; wait for it, or stop it first"
    ]
    assert files(held) == before


def test_no_sweep_starts_where_another_process_writes_one(held: Path, seedbed: Callable) -> None:
    before = files(held)
    result = seedbed("train", "-m", "seed=3,4", f"hydra.sweep.dir={held}")
    assert result.code == 2
    assert "is being written by another process" in result.errors[0]
    assert files(held) == before


def test_no_sweep_starts_in_a_folder_whose_sweep_has_just_begun(
    tmp_path: Path, seedbed: Callable
) -> None:
    (tmp_path / "sweep").mkdir()
    lock = DirectoryLock(tmp_path / "sweep")
    words = ["seed=3,4", "trainer.epochs=1", "hydra.sweep.dir=sweep"]
    result = seedbed("train", "-m", *words)
    assert result.code == 2
    assert "is being written by another process" in result.errors[0]
    assert list((tmp_path / "sweep").iterdir()) == []
    lock.release()
    assert seedbed("train", "-m", *words).code == 0


def test_a_sweep_that_is_cut_off_is_not_begun_anew(cut_off: Path, seedbed: Callable) -> None:
    before = files(cut_off)
    result = seedbed("train", "-m", "seed=3,4", f"hydra.sweep.dir={cut_off}")
    assert result.code == 2
    assert "holds a sweep already; type another hydra.sweep.dir" in result.errors[0]
    assert files(cut_off) == before
    resumed = seedbed("resume", str(cut_off))
    assert resumed.code == 0, resumed.err
    assert "1 of 2 jobs are complete" in resumed.out
