"""The whole schema, and every argument of every command, with hostile values of each type.

Every answer is success or error lines: no exception of another kind, and no warning.
"""

import importlib
import re
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image
from support.command_line import Command
from support.hostile.commands import LABELLED
from support.hostile.values import ARGUMENTS, HOSTILE, bases, keys_of

from seedbed.cli.main import COMMANDS
from seedbed.components import AllowList
from seedbed.compose.compose import composed
from seedbed.config.check import CheckedGroups, checked
from seedbed.config.hints import written
from seedbed.config.schema import RunConfig
from seedbed.errors import SeedbedError
from seedbed.training.build_run import build_run

BASES = bases()
resource = pytest.importorskip("resource", reason="needs a system that bounds memory")


@pytest.fixture
def tables(tmp_path: Path) -> None:
    numbers = range(20)
    columns: dict[str, list[Any]] = {
        "w": [n * 0.5 for n in numbers],
        "color": [("red", "blue")[n % 2] for n in numbers],
        "kind": ["ab"[n % 3 == 0] for n in numbers],
    }
    lines = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    pa.parquet.write_table(pa.table(columns), tmp_path / "table.parquet")
    np.savez(tmp_path / "table.npz", **{name: np.array(cells) for name, cells in columns.items()})
    (tmp_path / "arrays").mkdir()
    np.save(tmp_path / "arrays" / "w.npy", np.array(columns["w"]).reshape(-1, 1))
    np.save(tmp_path / "arrays" / "kind.npy", np.array(numbers) % 3)
    for kind in "ab":
        (tmp_path / "pictures" / kind).mkdir(parents=True)
        for number in range(10):
            picture = Image.new("L", (4, 4), 20 * number)
            picture.save(tmp_path / "pictures" / kind / f"{number}.png")


@pytest.fixture
def little_memory() -> Iterator[None]:
    """A model of any size may be asked for."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    used = int(Path("/proc/self/status").read_text().partition("VmData:")[2].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (used + 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_DATA, before)


def put(config: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """The config with another value; what did not change is shared, so that it is checked once."""
    first, _, rest = key.partition(".")
    if not rest:
        return {**config, first: value}
    inside = config[first]
    return {**config, first: put(inside, rest, value)} if isinstance(inside, dict) else config


TAKEN = {
    "predict": ["--input", "[[10, 11]]"], "inspect": ["--weights"], "tag": ["run"], "note": ["run"],
    "evaluate": ["--file", LABELLED],
    "dashboard": ["--optuna", "journal.log"],  # else it would serve until Ctrl-C
}  # fmt: skip
"""What a command needs beside its run."""

DRAWN = ["--output", "x.png"]
WITH = {
    ("plot", "--rows"): [*DRAWN, "--kind", "residuals"],
    ("plot", "--file"): [*DRAWN, "--kind", "residuals"],
    ("plot", "--kind"): DRAWN,
    ("plot", "--metric"): DRAWN,
    ("plot", "--over"): DRAWN,
    ("plot", "--key"): [*DRAWN, "--kind", "slice"],
    ("plot", "--against"): [*DRAWN, "--kind", "scatter"],
    ("inspect", "--input"): ["--layer", "0"],
}
"""What a flag needs beside it, to be looked at."""

LISTS = ("runs", "compare", "dashboard", "report")
"""They look for runs below a folder."""


def command_lines(command: str, run: Path) -> Iterator[list[str]]:
    """Every argument of a command, one at a time with each of the hostile texts."""
    if command in ("train", "validate"):
        yield from ([command, text] for text in ARGUMENTS)
        yield from ([command, "-m", text, "seed=0,1"] for text in ARGUMENTS[::2])
        yield from ([command, "--config-dir", text] for text in ARGUMENTS[:30])
        return
    module = importlib.import_module(f"seedbed.cli.{command.replace('-', '_')}")
    for action in module.parser()._actions:
        for text in ARGUMENTS:
            if action.option_strings and action.nargs != 0:
                flag = action.option_strings[-1]
                more = [] if flag in ("--input", "--file") else TAKEN.get(command, [])
                beside = WITH.get((command, flag), [])
                yield [command, str(run), *more, *beside, f"{flag}={text}"]
            elif action.dest == "overrides":
                yield [command, str(run), text]
            elif not action.option_strings and not (command in LISTS and text == "/"):
                yield [command, *TAKEN.get(command, []), "--", text]  # "/" lists the whole machine


@pytest.mark.parametrize("command", COMMANDS)
def test_a_hostile_argument_is_taken_or_told(
    command: str, seedbed: Command, sum_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(sum_run, run)
    wrong = []
    for words in command_lines(command, run):
        result = seedbed(*words)
        told = [line for line in result.err.splitlines() if not line.startswith("note: ")]
        faults = [said for line in told if (said := fault(line.removeprefix("error: ")))]
        in_lines = all(line.startswith("error: ") for line in told)
        if result.code not in (0, 2) or bool(result.code) != bool(told) or not in_lines or faults:
            wrong.append(f"{[word[:60] for word in words]}: {result.code} {result.err[:300]!r}")
    assert not wrong, "\n".join(wrong)


def test_the_keys_are_all_of_the_schema() -> None:
    walked = {key for _, keys in BASES.values() for key in keys}
    assert {"trainer.early_stopping.patience", "data.split.test", "optimizer.betas"} < walked
    assert {key for key in keys_of(RunConfig) if "." not in key} < walked | {"data"}
    assert len(walked) > 90


@pytest.mark.parametrize("name", BASES)
def test_a_hostile_value_is_taken_or_told(name: str, tables: None, little_memory: None) -> None:
    words, keys = BASES[name]
    config = composed(words).resolved
    known: CheckedGroups = {}
    wrong = [
        f"{key} = {written(value)[:60]!r}: {said}"
        for key in keys
        for value in HOSTILE
        if (said := answer(put(config, key, value), known))
    ]
    assert not wrong, "\n".join(wrong)


def answer(config: dict[str, Any], known: CheckedGroups) -> str | None:
    """What is wrong with how a config is answered; None if nothing is."""
    try:
        build_run(checked(config, known), AllowList())
    except SeedbedError as err:
        return next(filter(None, map(fault, err.problems or [""])), None)
    except Exception as err:
        place = traceback.extract_tb(err.__traceback__)[-1]
        return (
            f"{type(err).__name__}: {str(err)[:100]} in {Path(place.filename).name}:{place.lineno}"
        )
    return None


def fault(problem: str) -> str | None:
    if not problem.isprintable() or not 10 < len(problem) < 3000:
        return f"told in {len(problem)} characters: {problem[:200]!r}"
    return f"told as {problem[:100]}" if re.match(r"\w*(Error|Exception)\b", problem) else None
