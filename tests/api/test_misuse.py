"""What newcomers do wrong with the functions, and what is said of it; what is damaged."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import seedbed as front
from seedbed import errors
from seedbed.api.wording import in_python


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> front.Run:
    return front.train("trainer.epochs=1", directory=tmp_path_factory.mktemp("shared") / "run")


ADVICE = {
    "a folder that is a run's": (
        {"overrides": (), "directory": "one"},
        "holds a run already; give another directory=, or none",
    ),
    "values of a sweep": (
        {"overrides": ("seed=1,2",)},
        r"has several values; for a sweep call seedbed.sweep\(…\); for a list type 'seed=\[1,2\]'",
    ),
    "a sweep's key": ({"overrides": ("sweep.draws=3",)}, "one run; call seedbed.sweep for a sweep"),
    "a sweep's folder": (
        {"overrides": ("hydra.sweep.dir=x",)},
        "^hydra.sweep.dir=x is a sweep's, and this is one run; give directory= for this one",
    ),
    "no folder": ({"overrides": (), "directory": ""}, "^directory must name a folder, got ''"),
    "folders of two kinds": (
        {"overrides": ("hydra.run.dir=x",), "directory": "y"},
        "directory= gives the folder; leave out it or 'hydra.run.dir=x'",
    ),
    "a number for a folder": ({"overrides": (), "directory": 3}, "must be a path, got int"),
    "a list of overrides": ({"overrides": (["seed=1"],)}, r"got list; put a \* in front of it"),
    "a mapping of overrides": (
        {"overrides": ({"seed": 1, "optimizer.lr": 0.1},)},
        "got dict; type 'seed=1', 'optimizer.lr=0.1'",
    ),
    "two overrides in one": ({"overrides": ("seed=1 name=x",)}, "; type seed=1 name=x$"),
    "spaces around the sign": ({"overrides": ("seed = 1",)}, "; type seed=1$"),
    "a file for rows": (
        {"overrides": (), "data": Path("x.parquet"), "target": "y"},
        "given by the overrides 'data=parquet', 'data.path=x.parquet'",
    ),
}


@pytest.mark.parametrize(("call", "advice"), ADVICE.values(), ids=ADVICE)
def test_advice_is_what_a_program_can_type(call: dict[str, Any], advice: str) -> None:
    if "already" in advice:
        front.train("trainer.epochs=1", directory="one")
    arguments = dict(call)
    with pytest.raises(errors.SeedbedError, match=advice) as caught:
        front.train(*arguments.pop("overrides"), **arguments)
    assert str(caught.value) == "\n".join(caught.value.problems)


def test_a_sweep_s_advice_is_what_a_program_can_type() -> None:
    words = ("seed=1,2", "trainer.epochs=1")
    front.sweep(*words, directory="two")
    advice = r"holds a sweep already; give another directory=, or call seedbed.resume\('two'\)"
    with pytest.raises(errors.RunDirectoryError, match=advice):
        front.sweep(*words, directory="two")
    with pytest.raises(errors.ConfigError, match="this is a sweep; give directory= for the sweep"):
        front.sweep(*words, "hydra.run.dir=x")
    with pytest.raises(errors.ArgumentError, match="executor must have submit, shutdown and work"):
        front.sweep(*words, executor="processes")  # type: ignore[arg-type]


def test_no_message_leaves_a_command_of_a_run_or_a_sweep_to_a_program() -> None:
    """Of every text in the rooms that the functions reach, what they advise is put for Python."""
    command = re.compile(
        r"type (another )?hydra\.(run|sweep)\.dir|type -m |(type|or) seedbed resume"
    )
    advising = 0
    for path in Path(front.__file__).parent.rglob("*.py"):
        if path.parent.name in ("cli", "catalog"):
            continue
        for text in texts_of(ast.parse(path.read_text(encoding="utf-8"))):
            advising += command.search(text) is not None
            assert not command.search(in_python(text)), text
    assert advising > 10


def texts_of(tree: ast.AST) -> Iterator[str]:
    """Texts in code, what is filled in as a word."""
    filled = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {id(part) for node in filled for part in node.values}
    for node in filled:
        yield "".join(str(getattr(part, "value", "")) if isinstance(part, ast.Constant) else "X"
                      for part in node.values)  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value


UNKNOWN = {
    "misspelt": ({"dirctory": "x"}, "no argument 'dirctory'; did you mean 'directory'"),
    "a key": ({"epochs": 3}, "a key of the config is given as an override, such as 'optimizer.lr="),
}


@pytest.mark.parametrize(("named", "message"), UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("function", [front.train, front.sweep, front.validate])
def test_an_unknown_argument_is_told(function: Any, named: dict[str, Any], message: str) -> None:
    expected = "no argument 'dir" if function is front.validate and "dirc" in message else message
    with pytest.raises(TypeError, match=expected):
        function(**named)


def test_a_run_and_a_sweep_may_be_given_themselves(run: front.Run) -> None:
    assert front.load_run(run).path == run.path == Path(run)
    assert front.reproduce(path=run)
    sweep = front.sweep("seed=1,2", "trainer.epochs=1", directory="two")
    assert repr(front.resume(sweep)) == repr(front.load_sweep(sweep)) == repr(sweep)
    for call in (front.load_run, front.load_sweep, front.resume, front.reproduce):
        with pytest.raises(errors.ArgumentError, match="a Run or a Sweep, got list"):
            call([run.path])  # type: ignore[arg-type]
    for change in (front.resume, front.reproduce):
        with pytest.raises(errors.ArgumentError, match="override must be a text"):
            change(run, {"trainer.epochs": 2})  # type: ignore[arg-type]


def test_a_run_that_was_killed_early_has_the_history_of_its_checkpoint() -> None:
    run = front.train("trainer.epochs=3", directory="killed")
    columns = {name: values.tolist() for name, values in run.history.items()}
    (run.path / "history.csv").unlink()  # it is written now and then, checkpoints when asked
    recovered = {name: values.tolist() for name, values in run.history.items()}
    assert {name: pytest.approx(values) for name, values in columns.items()} == recovered
    assert list(recovered) == list(columns)
    (run.path / "checkpoints" / "last.pt").unlink()
    with pytest.raises(errors.RunDirectoryError, match=r"no history yet.*seedbed.resume\('/"):
        _ = run.history


def test_a_damaged_run_says_so_once() -> None:
    run = front.train("trainer.epochs=1", directory="damaged")
    (run.path / "status.json").write_text("{")
    file = run.path / "status.json"
    assert repr(run).startswith(f"Run('{run.path}'): unreadable: '{file}' is damaged: Expecting")


def test_a_job_that_was_made_longer_alone_is_compared_with_no_sweep(seedbed: Callable) -> None:
    sweep = front.sweep("seed=1,2", "trainer.epochs=2", "sweep.fuse=always", directory="fused")
    longer = front.resume(sweep[0], "trainer.epochs=4")
    comparison = front.reproduce(longer)
    assert comparison.identical is None
    assert "then made longer on its own" in comparison.not_compared
    result = seedbed("reproduce", longer.path, "--json")
    assert (result.code, result.errors) == (2, [f"error: {comparison.not_compared}"])
    assert front.reproduce(sweep[1]).not_compared == ""


def test_without_pandas_what_to_install_is_told(
    run: front.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = front.runs(run.path.parent)
    frames = [run.history, run.predict([[1, 2]]), table]
    assert [len(one.to_pandas()) for one in frames] == [1, 1, 1]
    monkeypatch.setitem(sys.modules, "pandas", None)
    for one in frames:
        with pytest.raises(errors.SeedbedError, match="type pip install pandas"):
            one.to_pandas()
