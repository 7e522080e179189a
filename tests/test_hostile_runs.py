"""A stranger's run directory executes nothing, writes nothing outside itself, and ends in time.

Each attack of `hostile/` is opened by each command that reads runs.
"""

import contextlib
import importlib
import json
import pickle
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from omegaconf import OmegaConf
from support import processes
from support.hostile.bombs import BOMBS, LAUGHS, unfolded
from support.hostile.commands import COMMANDS
from support.hostile.corpus import ATTACKS, READERS, Attack, Payload, Place, is_zip_bomb, popen
from support.hostile.files import FILES

SECRET = "a-secret-of-the-reader"
SECONDS = 20
BOMB_SECONDS = 300

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@pytest.fixture
def place(tmp_path: Path, sum_run: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return place_with(sum_run, tmp_path, monkeypatch)


def place_with(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A copy of a run, beside what no run may read or change."""
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_text("x,y\nprecious,1\n")
    monkeypatch.setenv("SEEDBED_SECRET", SECRET)
    return Place(tmp_path / "run", tmp_path / "outside", tmp_path / "canary")


def tree(folder: Path) -> dict[str, str]:
    """What stands outside the run, with its content."""
    return {
        str(path): path.read_text() if path.is_file() and path.stat().st_size < 1000 else ""
        for path in folder.rglob("*")
        if not path.relative_to(folder).parts[0].startswith("run") and path.suffix != ".pyc"
    }


@contextlib.contextmanager
def in_time(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def found_run(place: Place) -> Path:
    """The run directory; one attack renames it."""
    return next(path for path in place.outside.parent.iterdir() if path.name.startswith("run"))


def assert_harmless(code: int, out: str, err: str, command: str, attack: Attack) -> None:
    assert code in (0, 1, 2), f"exit code {code}\n{out}\n{err}"
    assert "Traceback" not in out + err
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    if code and not (command == "reproduce" and "not identical" in out):
        assert errors, out
        assert errors == err.splitlines(), err
    if command in attack.refused_by:
        assert code, f"it was not refused: {out}"
    assert not UNSAFE.search(out + err), ascii(out + err)
    assert SECRET not in out + err


PAIRS = [
    pytest.param(attack, command, id=f"{name}-{command}")
    for name, attack in {**ATTACKS, **FILES}.items()
    for command in READERS
    if command != "plot" or not name.startswith(("target", "preprocessing", "checkpoint:"))
]


@pytest.mark.parametrize(("attack", "command"), PAIRS)
def test_a_hostile_run_does_no_harm(seedbed, place: Place, attack: Attack, command: str) -> None:
    attack.make(place)
    before = tree(place.outside.parent)
    with in_time(SECONDS):
        result = seedbed(command, found_run(place), *COMMANDS[command])
    assert not place.canary.exists(), "the payload was executed"
    assert tree(place.outside.parent) == before, "something outside the run was changed"
    assert_harmless(result.code, result.out, result.err, command, attack)


BOUND = """
import resource, sys, torch

def bounded(extra):
    pages = int(open("/proc/self/statm").read().split()[0])
    most = pages * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
"""
BOUNDED = f"""{BOUND}
import contextlib, importlib, io, json, os
import yaml, seedbed.cli.main as program
import seedbed.views.trained, seedbed.views.plots, matplotlib.figure
import seedbed.recording.run, seedbed.training.reproduce

for module in sys.argv[2:]:
    importlib.import_module(module)

def opened(run, commands):
    for command, words in commands.items():
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = program.main([command, run, *words])
        print(json.dumps([run, command, code, out.getvalue()[-2000:], err.getvalue()]), flush=True)

for run, commands in json.loads(sys.argv[1]).items():
    child = os.fork()
    if not child:
        bounded(2**29)
        opened(run, commands)
        os._exit(0)
    print(json.dumps([run, "end", os.waitpid(child, 0)[1], "", ""]), flush=True)
"""

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="needs Linux's /proc to bound the memory"
)


@needs_proc
@pytest.mark.parametrize("group", ["text", "file", "model"])
def test_a_bomb_stays_small(place: Place, group: str) -> None:
    """Each in a process of its own, forked so that torch loads once, with 512 MiB to spend."""
    bombs = {f"{n}": bomb for n, (name, bomb) in enumerate(BOMBS.items()) if is_of(group, name)}
    jobs = {}
    for name, bomb in bombs.items():
        run = place.run.with_name(f"run{name}")
        shutil.copytree(place.run, run)
        bomb.make(Place(run, place.outside, place.canary))
        jobs[str(run)] = {command: COMMANDS[command] for command in bomb.refused_by}
    line = [sys.executable, "-c", BOUNDED, json.dumps(jobs)]
    line += ["torch._dynamo"] if group == "file" else []  # which weights bring, for some commands
    done = processes.run(line, capture_output=True, text=True, timeout=BOMB_SECONDS)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(told) == sum(len(commands) + 1 for commands in jobs.values()), done.stderr[-2000:]
    for run, command, code, out, err in told:
        bomb = bombs[Path(run).name.removeprefix("run")]
        if command == "end":
            assert code == 0, f"{bomb.make} crashed"
            continue
        assert_harmless(code, out, err, command, bomb)
        assert "MemoryError" not in err
        assert "allocate memory" not in err


def is_of(group: str, name: str) -> bool:
    groups = {"yaml": "text", "json": "text", "text": "text", "model": "model", "layers": "model"}
    return groups.get(name.partition(":")[0], "file") == group


@needs_proc
def test_the_bound_of_memory_holds() -> None:
    code = f"{BOUND}\nbounded(2**30); torch.zeros(2**30)"
    done = processes.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "allocate memory" in done.stderr


def built_by_name(spec: dict[str, Any]) -> Any:
    """What a config language does that has no allow-list."""
    module, _, name = spec["_target_"].rpartition(".")
    rest = {key: value for key, value in spec.items() if key != "_target_"}
    return getattr(importlib.import_module(module), name)(**rest)


def naive_pickle(place: Place) -> None:
    pickle.loads(pickle.dumps(Payload(place.canary)))


def naive_weights(place: Place) -> None:
    ATTACKS["pickle-in-torchs-archive"].make(place)
    torch.load(place.run / "model.pth", weights_only=False)


def naive_npz(place: Place) -> None:
    ATTACKS["pickle-in-an-npz"].make(place)
    with np.load(place.run / "rows.npz", allow_pickle=True) as arrays:
        arrays["x"]


def naive_yaml(place: Place) -> None:
    ATTACKS["yaml-tag-that-calls"].make(place)
    yaml.unsafe_load((place.run / "config.yaml").read_text())


def naive_target(place: Place) -> None:
    built_by_name(popen(place)).wait()


def naive_anchor(place: Place) -> None:
    ATTACKS["target-by-an-anchor"].make(place)
    config = yaml.safe_load((place.run / "config.yaml").read_text())
    built_by_name(config["loss"]).wait()


def naive_import(place: Place) -> None:
    ATTACKS["allow-in-the-config"].make(place)
    subprocess.run([sys.executable, "-c", "import evil"], cwd=place.run, check=True)


def naive_write(place: Place) -> None:
    FILES["link: loss.png"].make(place)
    (place.run / "loss.png").write_bytes(b"")
    assert place.precious.read_bytes() == b""
    place.canary.touch()


NAIVE = [naive_pickle, naive_weights, naive_npz, naive_yaml, naive_target, naive_anchor,
         naive_import, naive_write]  # fmt: skip


@pytest.mark.parametrize("naive", NAIVE)
def test_the_payloads_work_where_nobody_is_careful(place: Place, naive) -> None:
    naive(place)
    assert place.canary.exists()


def test_the_bombs_are_bombs(place: Place) -> None:
    assert len(LAUGHS) < 1000 < 10**11 < unfolded()
    BOMBS["npz: packed zeros"].make(place)
    BOMBS["weights: packed zeros"].make(place)
    assert is_zip_bomb(place.run / "rows.npz")
    assert is_zip_bomb(place.run / "model.pth")


@pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="PyYAML is without libyaml")
def test_deep_yaml_crashes_a_parser_that_is_let(place: Place) -> None:
    code = "import yaml, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0));"
    code += "resource.setrlimit(resource.RLIMIT_STACK, (2**20, 2**20));"  # the sooner
    code += "yaml.load('[' * 20000 + ']' * 20000, Loader=yaml.CSafeLoader)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=200)
    assert done.returncode < 0


def test_an_interpolation_would_tell_the_secret(place: Place) -> None:
    ATTACKS["interpolation-of-a-secret"].make(place)
    assert OmegaConf.load(place.run / "config.yaml").name == SECRET


STANDING = """
import json, os, runpy, sys
import torch  # from beside the run, if anything is

for command, words in json.loads(sys.argv[1]).items():
    child = os.fork()
    if not child:
        code, before = 0, list(sys.path)
        sys.argv = ["seedbed", command, ".", *words]
        try:
            runpy.run_module("seedbed", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code or 0
        os._exit(code if {*sys.path} <= {*before} else 99)
    print(command, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs each command in a fork of a process that has torch, which takes most of the time."""


def test_standing_in_the_run_imports_nothing_of_it(place: Place) -> None:
    for name in ("packages-that-shadow", "allow-in-hydras-files"):
        ATTACKS[name].make(place)
    # -P as the installed command has it: the working directory is not searched for modules.
    line = [sys.executable, "-P", "-c", STANDING, json.dumps({c: COMMANDS[c] for c in READERS})]
    done = subprocess.run(line, cwd=place.run, capture_output=True, text=True, timeout=200)
    codes = [said for said in done.stdout.splitlines() if said.partition(" ")[0] in READERS]
    assert codes == [f"{c} {0 if c == 'plot' else 2}" for c in READERS], done.stderr
    assert not place.canary.exists()


@pytest.mark.parametrize("command", ["predict", "inspect", "summary", "resume"])
def test_what_the_reader_allows_is_built(seedbed, place: Place, monkeypatch, command) -> None:
    """So that the refusals above are of the allow-list, and not of the config alone."""
    ATTACKS["allow-in-the-config"].make(place)
    monkeypatch.setenv("SEEDBED_ALLOW", "evil")
    seedbed(command, place.run, *COMMANDS[command])
    assert place.canary.exists()


def test_a_good_run_is_opened_by_every_command(seedbed, place: Place) -> None:
    for command in READERS:
        result = seedbed(command, place.run, *COMMANDS[command])
        assert result.code == 0, (command, result.err)


def hostile_sweep(place: Place) -> None:
    """Overrides in `sweep.json` that allow more than the reader does."""
    sweep = place.run.with_name("run-sweep")
    sweep.mkdir()
    words = ["allow=[subprocess]", "loss._target_=subprocess.Popen"]
    words += [f"+loss.args=[touch,{place.canary}]"]
    job = {"number": 0, "overrides": words, "directory": "0_x", "identity": "x"}
    (sweep / "sweep.json").write_text(json.dumps({"jobs": [job]}))


def test_a_sweep_cannot_widen_the_allow_list(seedbed, place: Place) -> None:
    hostile_sweep(place)
    result = seedbed("resume", place.run.with_name("run-sweep"), "--changed")
    assert not place.canary.exists(), "the payload was executed"
    assert result.code == 2
    assert "is not allowed" in result.err


def test_a_sweep_with_links_is_not_resumed(seedbed, place: Place) -> None:
    hostile_sweep(place)
    (place.run.with_name("run-sweep") / "0_x").symlink_to(place.outside)
    result = seedbed("resume", place.run.with_name("run-sweep"), "--changed")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "is a link" in result.err
