"""Pictures of a stranger's run, or of labelled rows for it, do no harm: of each kind that there is.

The run has validation rows, so that its data, which may be hostile too, is really read.
"""

import contextlib
import shutil
from pathlib import Path

import pytest
from support.command_line import as_in_a_process_of_its_own, in_this_process
from support.hostile.bombs import BOMBS
from support.hostile.commands import LABELLED
from support.hostile.corpus import ATTACKS, Place
from support.hostile.files import FILES
from support.hostile.forks import BOUNDS, forked, needs_linux
from support.hostile.strangers import STRANGERS
from test_hostile_listing import made, told
from test_hostile_runs import (
    SECONDS,
    SECRET,
    assert_harmless,
    found_run,
    in_time,
    place_with,
    tree,
)

ROWS = ["--kind", "residuals"]
KINDS = {
    "rows": ROWS,
    "file": [*ROWS, "--file", LABELLED],
    "curves": ["--kind", "curves"],
    "slice": ["--kind", "slice", "--key", "loss._target_", "--over", "none"],
    "heatmap": ["--kind", "heatmap", "--key", "loss._target_,model._target_", "--over", "none"],
    "scatter": ["--kind", "scatter", "--against", "train/loss"],
    "importance": ["--kind", "importance"],
    "parallel": ["--kind", "parallel"],
}
OF_MANY = [name for name, words in KINDS.items() if words[1] != "residuals"]
ALL = {**ATTACKS, **FILES}

OPENED = [
    name
    for name, attack in ALL.items()
    if not {"evaluate", "reproduce"}.isdisjoint(attack.refused_by) or name.startswith("escapes")
]
"""What has to do with the model or the data; the other attacks are on files that are not opened."""


@pytest.fixture(scope="session")
def split_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run as `sum_run` is, with validation rows."""
    folder = tmp_path_factory.mktemp("split")
    with contextlib.chdir(folder), as_in_a_process_of_its_own(folder):
        words = ("trainer.epochs=2", "data.split.validation=0.25", "hydra.run.dir=run")
        assert in_this_process("train", *words).code == 0
    return folder / "run"


@pytest.fixture
def place(tmp_path: Path, split_run: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return place_with(split_run, tmp_path, monkeypatch)


@pytest.mark.parametrize("name", OPENED)
def test_a_picture_of_a_hostile_run_does_no_harm(seedbed, place: Place, name: str) -> None:
    """On its rows; `--file` opens what `evaluate` opens, which has the same attacks."""
    ALL[name].make(place)
    before = tree(place.outside.parent)
    with in_time(SECONDS):
        result = seedbed("plot", found_run(place), *KINDS["rows"], "--output", "x.svg")
    assert not place.canary.exists(), "the payload was executed"
    assert_inert(result.code, before, place)
    errors = "\n".join(line for line in result.err.splitlines() if not line.startswith("note: "))
    assert_harmless(result.code, result.out, errors, "evaluate", ALL[name])


def assert_inert(code: int, before: dict[str, str], place: Place) -> None:
    """What was drawn, if anything was, holds no secret and no script."""
    picture = Path("x.svg").read_text() if not code else ""
    Path("x.svg").unlink(missing_ok=True)
    assert tree(place.outside.parent) == before, "something outside the run was changed"
    assert SECRET not in picture
    assert "<script" not in picture


def test_a_picture_of_many_hostile_runs_does_no_harm(
    seedbed, tmp_path: Path, split_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_SECRET", SECRET)
    every = {name: tmp_path / f"every/{number}" for number, name in enumerate(ALL)}
    for name, folder in every.items():
        ALL[name].make(made(folder, split_run, tmp_path / "canary"))
    before = {name: tree(folder) for name, folder in every.items()}
    for kind in OF_MANY:
        with in_time(SECONDS):
            result = seedbed("plot", "every", *KINDS[kind], "--output", f"{kind}.svg")
        assert result.code == told(result, kind)
        if not result.code:
            assert SECRET not in Path(f"{kind}.svg").read_text()
    assert {path.stem for path in Path().glob("*.svg")} == {"curves", "scatter"}
    assert {name: tree(folder) for name, folder in every.items()} == before
    assert not (tmp_path / "canary").exists(), "a payload was executed"


def test_a_good_run_is_drawn(seedbed, place: Place) -> None:
    """So that what is refused above is refused for what is wrong with it."""
    for kind in ("rows", "file"):
        result = seedbed("plot", place.run, *KINDS[kind], "--output", "x.svg")
        assert (result.code, result.err) == (0, ""), kind


HEAVY = ("npz: packed zeros", "data: a table with a hole", "parquet: one long text")
"""Of data, which the other views do not open; models and weights are opened as by `evaluate`."""


@needs_linux
def test_a_bomb_is_told_within_bounds(place: Place) -> None:
    lines, attacks = [], {}
    for number, name in enumerate(HEAVY):
        run = place.run.with_name(f"run{number}")
        shutil.copytree(place.run, run)
        {**BOMBS, **STRANGERS}[name].make(Place(run, place.outside, place.canary))
        attacks[str(run)] = name
        lines.append(["plot", str(run), *ROWS, "--output", "x.png"])
    for _, run, code, err, kilobytes in forked(lines, **BOUNDS):
        assert code == 2, (attacks[run], err)
        assert all(line.startswith("error: ") for line in err.splitlines()), (attacks[run], err)
        assert kilobytes < 2 * 2**20, attacks[run]
