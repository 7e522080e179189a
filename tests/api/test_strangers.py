"""A stranger's run is as safe to open from Python as with the commands: the same is refused."""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.hostile.commands import COMMANDS
from support.hostile.corpus import ATTACKS, Attack, Place
from support.hostile.files import FILES

import seedbed as front
from seedbed import errors

LABELLED_ROWS = {"x1": [10.0, 1, 4], "x2": [11.0, 2, 0], "y": [21, 3, 4.5]}

LOOKS: dict[str, Callable[[Path], Any]] = {
    "predict": lambda path: front.load_run(path).predict([[10, 11]]),
    "evaluate": lambda path: front.load_run(path).evaluate(LABELLED_ROWS),
    "inspect": lambda path: front.load_run(path).weights(),
    "summary": lambda path: front.load_run(path).summary(),
    "plot": lambda path: front.load_run(path).plot(),
    "resume": lambda path: front.resume(path, "trainer.epochs=3"),
    "reproduce": front.reproduce,
}
"""What does the same as a command."""

PAIRS = [
    pytest.param(attack, command, id=f"{name}-{command}")
    for name, attack in {**ATTACKS, **FILES}.items()
    for command in attack.refused_by
    if command in LOOKS
]


@pytest.fixture
def place(tmp_path: Path, sum_run: Path) -> Place:
    shutil.copytree(sum_run, tmp_path / "run")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_text("x,y\nprecious,1\n")
    return Place(tmp_path / "run", tmp_path / "outside", tmp_path / "canary")


@pytest.mark.parametrize(("attack", "command"), PAIRS)
def test_what_a_command_refuses_is_refused(
    seedbed: Callable, place: Place, attack: Attack, command: str
) -> None:
    attack.make(place)
    run = next(path for path in place.outside.parent.iterdir() if path.name.startswith("run"))
    with pytest.raises(errors.SeedbedError) as caught:
        LOOKS[command](run)
    assert not place.canary.exists(), "the payload was executed"
    assert (place.outside / "precious").read_text() == "x,y\nprecious,1\n"
    said = seedbed(command, run, *COMMANDS[command])
    assert said.errors == [f"error: {problem}" for problem in caught.value.problems]


@pytest.mark.parametrize("name", ATTACKS)
def test_looking_at_a_hostile_run_does_no_harm(place: Place, name: str) -> None:
    ATTACKS[name].make(place)
    run = next(path for path in place.outside.parent.iterdir() if path.name.startswith("run"))
    with contextlib.suppress(errors.SeedbedError):
        opened = front.load_run(run)
        for look in ("status", "config", "metrics", "best", "history"):
            with contextlib.suppress(errors.SeedbedError):
                getattr(opened, look)
        assert repr(opened).isprintable()
        assert "<script" not in opened._repr_html_()
    assert not place.canary.exists(), "the payload was executed"
