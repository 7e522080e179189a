"""A stranger's runs are listed, tagged and removed: nothing executes, nothing outside changes."""

import json
import shutil
from pathlib import Path

import pytest
from support.command_line import Result
from support.hostile.bombs import BOMBS
from support.hostile.corpus import ATTACKS, Place
from support.hostile.files import FILES
from support.hostile.strangers import STRANGERS
from support.report_pages import PageParts, parts_of
from test_hostile_runs import SECONDS, SECRET, UNSAFE, found_run, in_time, tree

from seedbed.catalog.config_text import flat_settings
from seedbed.errors import RunDirectoryError
from seedbed.views.report.page import page

ALL = {**ATTACKS, **FILES, **BOMBS, **STRANGERS}

NOT_TOLD = ("weights", "npz", "parquet", "model")
"""What a bomb is in that a table does not open."""


LISTED = [name for name in ALL if name.partition(":")[0] not in NOT_TOLD]


def made(folder: Path, run: Path, canary: Path) -> Place:
    """A copy of a good run, and something precious outside of it."""
    shutil.copytree(run, folder / "run")
    (folder / "outside").mkdir()
    (folder / "outside/precious").write_text("x,y\nprecious,1\n")
    return Place(folder / "run", folder / "outside", canary)


@pytest.fixture
def places(tmp_path: Path, sum_run: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Place]:
    """A folder for each attack, which was made there."""
    monkeypatch.setenv("SEEDBED_SECRET", SECRET)
    found = {}
    for number, name in enumerate(LISTED):
        found[name] = made(tmp_path / f"all/{number}", sum_run, tmp_path / "canary")
        ALL[name].make(found[name])
    return found


def test_hostile_runs_are_listed_tagged_and_removed(seedbed, places, tmp_path: Path) -> None:
    before = {name: tree(place.outside.parent) for name, place in places.items()}
    with in_time(SECONDS):
        for form in ("--limit=0", "--json", "--csv", "--md"):
            assert told(seedbed("runs", tmp_path / "all", form), form) == 0
    pages, wanted = 0, elements()
    for name, place in places.items():
        with in_time(SECONDS):
            journal = Path(f"{name.replace('/', ' ')}.log")
            if not told(seedbed("dashboard", found_run(place), "--optuna", journal), name):
                assert not UNSAFE.search(journal.read_text()), name
                assert SECRET not in journal.read_text(), name
            file = Path(f"{name.replace('/', ' ')}.html")
            if not told(seedbed("report", found_run(place), "--output", file), name):
                assert SECRET not in file.read_text(), name
                parts = parts_of(file)
                assert not UNSAFE.search(parts.data), name
                assert parts.names == wanted, name
                pages += 1
                file.unlink()
            told(seedbed("tag", found_run(place), "word"), name)
            told(seedbed("note", found_run(place), "a text"), name)
            told(seedbed("remove", found_run(place), "--yes"), name)
        assert tree(place.outside.parent) == before[name], f"{name}: something outside was changed"
    assert not (tmp_path / "canary").exists(), "a payload was executed"
    assert len(list(Path().glob("*.log"))) > 50
    assert pages > 50


def elements() -> list[str]:
    """Of a page of runs, whatever these hold: what is theirs is data, and no element."""
    return PageParts(page({})).names


def told(result: Result, name: str) -> int:
    """The exit code of an answer that does no harm."""
    assert result.code in (0, 2), f"{name}: {result.err}"
    assert "Traceback" not in result.out + result.err, name
    assert bool(result.errors) == bool(result.code), f"{name}: {result.err}"
    assert not UNSAFE.search(result.out + result.err), f"{name}: {result.out + result.err!a}"
    assert SECRET not in result.out + result.err, name
    return result.code


TEXTS = [name for name in BOMBS if name.startswith("yaml")]


@pytest.mark.parametrize("name", TEXTS)
def test_a_bomb_in_a_config_makes_the_run_a_broken_one(
    seedbed, tmp_path: Path, sum_run: Path, name: str
) -> None:
    place = made(tmp_path, sum_run, tmp_path / "canary")
    BOMBS[name].make(place)
    with pytest.raises(RunDirectoryError):
        flat_settings((place.run / "config.yaml").read_text())
    result = json.loads(seedbed("runs", place.run, "--json").out)
    assert [one["status"] for one in result["left_out"]] == ["broken"]
