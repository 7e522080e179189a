"""Whoever opens a stranger's run keeps their memory and their time: real files, real bounds.

The commands run in forks, each bounded as the console script bounds itself, but more tightly.
"""

import shutil
from pathlib import Path

import pytest
from support.hostile.commands import COMMANDS
from support.hostile.corpus import Place
from support.hostile.forks import BOUNDS, forked, needs_linux
from support.hostile.strangers import (
    MANY_ROWS,
    STRANGERS,
    numbers_that_no_figure_has_room_for,
    wide_layer,
)


@pytest.fixture
def place(tmp_path: Path, sum_run: Path) -> Place:
    shutil.copytree(sum_run, tmp_path / "run")
    (tmp_path / "outside").mkdir()
    return Place(tmp_path / "run", tmp_path / "outside", tmp_path / "canary")


GROUPS = sorted({name.partition(":")[0] for name in STRANGERS})


@needs_linux
@pytest.mark.parametrize("group", GROUPS)
def test_an_attack_is_told_in_one_line_within_bounds(place: Place, group: str) -> None:
    names = [name for name in STRANGERS if name.partition(":")[0] == group]
    lines, attacks = [], {}
    for number, name in enumerate(names):
        run = place.run.with_name(f"run{number}")
        shutil.copytree(place.run, run)
        STRANGERS[name].make(Place(run, place.outside, place.canary))
        attacks[str(run)] = name
        readers = STRANGERS[name].refused_by
        chosen = {readers[number % len(readers)], readers[-1 - number % 2]}  # all in all, each
        lines += [[command, str(run), *COMMANDS[command]] for command in chosen]
    wrong = []
    seconds = {"SEEDBED_OPEN_SECONDS": "1"} if group == "endless" else {}  # which they use up
    for command, run, code, err, kilobytes in forked(lines, **BOUNDS | seconds):
        told = err.splitlines()
        good = code == 2 and len(told) >= 1 and all(one.startswith("error: ") for one in told)
        if not good or kilobytes > 2 * 2**20 or "Traceback" in err:
            wrong.append(f"{attacks[run]}, {command}: {code}, {kilobytes} KiB: {err[:500]}")
    assert not wrong, "\n".join(wrong)


@needs_linux
def test_a_wide_layer_predicts_many_rows_within_bounds(place: Place) -> None:
    wide_layer(place)
    lines = [["predict", str(place.run), "--input", MANY_ROWS]]
    ((_, _, code, err, _),) = forked(lines, SEEDBED_OPEN_GB="1.2", SEEDBED_OPEN_SECONDS="inf")
    assert (code, err) == (0, "")


@needs_linux
def test_what_libraries_warn_of_is_not_told(place: Place) -> None:
    numbers_that_no_figure_has_room_for(place)
    other = place.run.with_name("_日本\u0378")
    shutil.copytree(place.run, other)
    picture = str(place.outside / "loss.png")
    lines = [["plot", str(place.run)], ["plot", str(other), str(place.run), "--output", picture]]
    for _, _, code, err, _ in forked(lines):
        assert code in (0, 2), err
        assert all(line.startswith("error: ") for line in err.splitlines()), err
