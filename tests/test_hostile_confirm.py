"""A stranger's sweep is trained again as it says, or refused: nothing executes or leads outside."""

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml
from support.command_line import Command
from support.hostile.bombs import BOMBS
from support.hostile.corpus import ATTACKS, Place
from support.hostile.files import FILES
from support.hostile.forks import BOUNDS, forked, needs_linux
from support.hostile.strangers import STRANGERS
from test_hostile_listing import LISTED, told
from test_hostile_runs import SECONDS, SECRET, in_time, tree
from test_hostile_sweeps import OF_SWEEPS

from seedbed.cli.main import main
from seedbed.compose.compose import OWN
from seedbed.compose.sweep_jobs import recomposed
from seedbed.config.identity import config_hash

ALL = {**ATTACKS, **FILES, **BOMBS, **STRANGERS}

RENAMES = "escapes-in-the-name-of-the-run"


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep with a job for each attack."""
    folder = tmp_path_factory.mktemp("jobs")
    rates = ",".join(f"{n}e-5" for n in range(1, len(LISTED) + 1))
    before = Path.cwd()
    os.chdir(folder)
    try:
        words = [f"optimizer.lr={rates}", "trainer.epochs=2", "hydra.sweep.dir=sweep"]
        assert main(["train", "-m", *words]) == 0
    finally:
        os.chdir(before)
    return folder / "sweep"


def of_jobs(jobs: Path, sweep: Path, numbers: range) -> list[Path]:
    """A copy of a sweep with some of its jobs."""
    content = json.loads((jobs / "sweep.json").read_text())
    content["jobs"] = [content["jobs"][number] for number in numbers]
    sweep.mkdir(parents=True)
    (sweep / "sweep.json").write_text(json.dumps(content))
    names = [job["directory"] for job in content["jobs"]]
    return [Path(shutil.copytree(jobs / name, sweep / name)) for name in names]


def made(name: str, run: Path, base: Path) -> bool:
    """Whether an attack leaves the config as it was.

    Args:
        name: of the attack.
        run: that becomes hostile.
        base: a folder for what is outside of it.
    """
    (base / "outside").mkdir(parents=True)
    (base / "outside/precious").write_text("x,y\nprecious,1\n")
    (run / "loss.png").touch()  # which jobs of a sweep do without
    config = run / "config.yaml"
    before = config.lstat()
    ALL[name].make(Place(run, base / "outside", base.parent / "canary"))
    after = config.lstat() if os.path.lexists(config) else None
    return after is not None and (after.st_ino, after.st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )


def test_hostile_runs_of_a_sweep_do_no_harm(
    seedbed: Command, jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a config says otherwise than the sweep, it is refused; nothing else is opened."""
    monkeypatch.setenv("SEEDBED_SECRET", SECRET)
    together = tmp_path / "together"
    runs = of_jobs(jobs, together, range(len(LISTED)))
    for number, (name, run) in enumerate(zip(LISTED, runs, strict=True)):
        if name != RENAMES and made(name, run, tmp_path / f"{number}"):
            continue
        shutil.rmtree(run, ignore_errors=True)
        base = tmp_path / f"alone{number}"
        first, _ = of_jobs(jobs, base / "run", range(2))
        made(name, first, base)
        before = tree(base)
        with in_time(SECONDS):
            words = ["--seeds", 1, f"hydra.sweep.dir={base}/run-after", "--json"]
            result = seedbed("confirm", base / "run", *words)
        if not told(result, name):
            (config,) = Path(json.loads(result.out)["sweep"]).glob("*/config.yaml")
            assert yaml.safe_load(config.read_text())["optimizer"]["lr"] == 2e-5, name
        assert tree(base) == before, f"{name}: something outside was changed"
    assert not (tmp_path / "canary").exists(), "a payload was executed"

    bases = [base for base in tmp_path.iterdir() if base.name.isdigit()]
    before = list(map(tree, bases))
    words = ["--top", 200, "--seeds", 1, f"hydra.sweep.dir={tmp_path}/run-after", "--md"]
    assert told(seedbed("confirm", together, *words), "together") == 0
    assert list(map(tree, bases)) == before, "something outside was changed"
    assert not (tmp_path / "canary").exists(), "a payload was executed"


def saying(jobs: Path, sweep: Path, *overrides: str) -> None:
    """A copy of a sweep with more overrides in each job, in its configs as well if they compose."""
    runs = of_jobs(jobs, sweep, range(2))
    content = json.loads((sweep / "sweep.json").read_text())
    for job in content["jobs"]:
        job["overrides"] += overrides
    composed = recomposed([job["overrides"] for job in content["jobs"]], OWN)
    for job, one, run in zip(content["jobs"], composed, runs, strict=True):
        job["identity"] = config_hash(one.resolved)
        (run / "config.yaml").write_text(yaml.safe_dump(one.resolved, sort_keys=False))
    (sweep / "sweep.json").write_text(json.dumps(content))


EVIL = "# @package _global_\nname: ${oc.env:SEEDBED_SECRET}\n"

FOREIGN = {
    "a resolver": ['name="${oc.env:SEEDBED_SECRET}"'],
    "a resolver by another's name": ["data.name=oc.env", 'name="${${data.name}:SEEDBED_SECRET}"'],
    "YAML outside": ["experiment=../../evil"],
    "YAML outside, in a list": ["experiment=[../../evil]"],
    "a key of Hydra's": ["++hydra.job.name=x"],
    "a key of Hydra's, with a space": [" hydra.job.name=x"],
    "Hydra's part as a package": ["+model@hydra.sweep=custom"],
}


@pytest.mark.parametrize("overrides", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("command", ["confirm", "resume"])
def test_a_sweep_says_what_is_trained_and_no_more(
    seedbed: Command, jobs: Path, monkeypatch: pytest.MonkeyPatch, command: str, overrides
) -> None:
    monkeypatch.setenv("SEEDBED_SECRET", SECRET)
    Path("conf").mkdir()
    Path("conf/mine.yaml").write_text("x: 1\n")
    Path("evil.yaml").write_text(EVIL)
    runs = of_jobs(jobs, Path("stranger"), range(2))
    content = json.loads(Path("stranger/sweep.json").read_text())
    for job in content["jobs"]:
        job["overrides"] += overrides
    Path("stranger/sweep.json").write_text(json.dumps(content))
    if command == "resume":
        (runs[0] / "status.json").unlink()
    result = seedbed(command, "stranger")
    assert told(result, command) == 2
    assert "is not taken from a sweep's own files" in result.err
    assert not Path("outputs").exists()


def test_yaml_outside_would_tell_the_secret(
    seedbed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the refusals above are of what the sweep says, and not of what that does."""
    monkeypatch.setenv("SEEDBED_SECRET", SECRET)
    Path("conf").mkdir()
    Path("conf/mine.yaml").write_text("x: 1\n")
    Path("evil.yaml").write_text(EVIL)
    assert SECRET in seedbed("train", "experiment=../../evil", "--cfg", "job", "--resolve").out


def test_the_primary_config_is_one_of_the_readers(seedbed: Command, jobs: Path) -> None:
    for command in ("confirm", "resume"):
        sweep = Path(f"of-{command}")
        first, _ = of_jobs(jobs, sweep, range(2))
        (first / "status.json").unlink()
        content = json.loads((sweep / "sweep.json").read_text())
        (sweep / "sweep.json").write_text(json.dumps({**content, "config_name": "../evil"}))
        result = seedbed(command, sweep)
        assert told(result, command) == 2
        assert "has the config_name '../evil'" in result.err


TOO_MUCH = {
    "a wide model": ["model.hidden=[15000,15000]"],
    "a table with a hole": ["data=csv", "data.path=rows.csv", "data.target=y"],
    "a device": ["data=csv", "data.path=/dev/zero", "data.target=y"],
}


@needs_linux
def test_what_a_sweep_says_is_held_to_bounds(jobs: Path, tmp_path: Path) -> None:
    with Path("rows.csv").open("wb") as file:
        file.write(b"x,y\n1,2\n")
        file.truncate(2**40)
    for name, overrides in TOO_MUCH.items():
        saying(jobs, tmp_path / name, *overrides)
    lines = [["confirm", str(tmp_path / name), "--seeds", "1"] for name in TOO_MUCH]
    for name, more in OF_SWEEPS.items():
        sweep = tmp_path / f"of {name}"
        of_jobs(jobs, sweep, range(2))
        content = json.loads((sweep / "sweep.json").read_text())
        content["jobs"][0].update(json.loads(more))
        (sweep / "sweep.json").write_text(json.dumps(content))
        lines.append(["confirm", str(sweep), "--seeds", "1"])
    wrong = []
    for _, sweep, code, err, kilobytes in forked(lines, **BOUNDS):
        errors = [line for line in err.splitlines() if not line.startswith("note: ")]
        one_line = len(errors) == 1 and errors[0].startswith("error: ")
        if code != 2 or not one_line or kilobytes > 2 * 2**20:
            wrong.append(f"{sweep}: {code}, {kilobytes} KiB: {err[:500]}")
    assert not wrong, "\n".join(wrong)
    assert not Path("outputs").exists()
    assert not Path("canary").exists()
