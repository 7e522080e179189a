"""What all tests share: a folder of their own, the command line, and finished runs to look at.

A test fails if it leaves a file in the repository.
"""

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from support.browser import Browser, browser
from support.command_line import (
    Command,
    as_in_a_process_of_its_own,
    in_a_new_python,
    in_another_process,
    in_this_process,
    modules_forgotten,
)
from support.memory_folder import suits_tests
from support.pictures import draw_losses_of_a_kind_once

from seedbed.process.cores import usable_cores

# torch and its like are a million objects; to look all of them through again and again takes a
# tenth of the time.
gc.set_threshold(1_000_000, 20, 100)

# Drawn values are looked at in whatever time it takes: others compute on these cores too.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

_frozen = {"modules": 0}

SOME = 100
"""Modules, which are worth the tenth of a second that looking through them takes."""


def pytest_runtest_setup() -> None:
    """What is imported stays: a sweep looks through all objects after each of its stacks."""
    if len(sys.modules) >= _frozen["modules"] + SOME:
        gc.collect()
        gc.freeze()
        _frozen["modules"] = len(sys.modules)


ROOT = Path(__file__).resolve().parents[1]

IN_MEMORY, ENOUGH = Path("/dev/shm"), 6 * 2**30
"""Where Linux keeps files in memory, and the free bytes that are wanted there."""


def pytest_configure() -> None:
    """Has the folders of tests in memory: a disk has them wait for each file that is made safe."""
    if not os.environ.get("TMPDIR") and suits_tests(IN_MEMORY, ENOUGH):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keeps the tests' files as pytest rewrites them, whatever PYTHONDONTWRITEBYTECODE says.

    That takes 4 s in each worker. What tests write themselves is imported as it asks for.
    """
    asked, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        return (yield)
    finally:
        sys.dont_write_bytecode = asked


MOST_WORKERS = 9
"""Each holds torch and all that the tests import: a GB, with the process that it forks."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One a core, and of all tests one that waits (`support/scheduling.py`)."""
    return max(2, min(usable_cores(), MOST_WORKERS)) + _runs_all(config)


def _runs_all(config: pytest.Config) -> bool:
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS


def pytest_configure_node(node: Any) -> None:
    """Tells the worker of the tests that wait that no others come to it."""
    from support.scheduling import waits

    ours = node.config.getvalue("dist") == "worksteal" and _runs_all(node.config)
    node.workerinput["waits"] = ours and waits(node)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Has the worker of the tests that wait import their files alone."""
    if not getattr(config, "workerinput", {}).get("waits"):
        return None
    from support.scheduling import is_of_others

    return is_of_others(collection_path, ROOT) or None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """See `support/scheduling.py`; whoever asks for another distribution than ours gets it."""
    if config.getvalue("dist") != "worksteal":
        return None
    from support.scheduling import WaitingApart

    return WaitingApart(config, log)


@pytest.fixture(scope="session", autouse=True)
def _steps_compiled_for_these_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's own is used, and nothing is left there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
        # Torch would leave them elsewhere; to make them takes more than the few kernels here spare.
        patch.setenv("TORCHINDUCTOR_CPP_CACHE_PRECOMPILE_HEADERS", "0")
        yield


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    draw_losses_of_a_kind_once()
    before = _files_of_the_repository()
    with modules_forgotten(tmp_path):
        yield
    left = _files_of_the_repository() - before
    assert not left, f"the test left files outside its temporary folder: {sorted(left)}"


@pytest.fixture
def seedbed(tmp_path: Path) -> Iterator[Command]:
    """`seedbed(*words)` runs the command line in this process, in the test's folder."""
    with as_in_a_process_of_its_own(tmp_path):
        yield in_this_process


@pytest.fixture
def seedbed_process() -> Command:
    """`seedbed_process(*words)` runs the command line in a process of its own."""
    return in_another_process


@pytest.fixture
def seedbed_anew() -> Command:
    """`seedbed_anew(*words)` runs the command line in a Python that has imported nothing yet."""
    return in_a_new_python


@pytest.fixture(scope="session")
def sum_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the default experiment, to be looked at and left as it is."""
    return _trained(tmp_path_factory.mktemp("sum"))


@pytest.fixture(scope="session")
def table_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on a table: numbers `w` and `h`, names `color`; two classes, `kind`."""
    folder = tmp_path_factory.mktemp("table")
    lines = [f"{n},{n % 7},{('red', 'blue')[n % 2]},{'ab'[n % 2]}" for n in range(20)]
    (folder / "table.csv").write_text("\n".join(["w,h,color,kind", *lines]) + "\n")
    return _trained(folder, "data=csv", "data.path=table.csv", "data.target=kind")


@pytest.fixture(scope="session")
def iris_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep to be looked at: two rates, three widths, seven seeds, on the same rows."""
    folder = tmp_path_factory.mktemp("iris")
    words = ["data=sklearn", "data.dataset=iris", "data.split.seed=0", "trainer.epochs=3"]
    words += ["optimizer.lr=0.01,0.1", "model.hidden=[4],[8],[16]", "seed=range(0,7)"]
    with as_in_a_process_of_its_own(folder):
        result = in_this_process("train", "-m", *words, f"hydra.sweep.dir={folder / 'sweep'}")
    assert result.code == 0, result.err
    return folder / "sweep"


@pytest.fixture(scope="session")
def row_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs to be looked at: one of each task, with validation and test rows."""
    from support.row_runs import train_tasks  # brings torch

    folder = tmp_path_factory.mktemp("rows")
    train_tasks(folder)
    return folder


@pytest.fixture(scope="session")
def browser_without_webgl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One for all tests: it takes two seconds of computing to start."""
    with browser(tmp_path_factory.mktemp("profile"), "--disable-3d-apis") as started:
        yield started


@pytest.fixture
def window_without_webgl(browser_without_webgl: Browser) -> Iterator[Browser]:
    """A window of a browser as of an empty profile."""
    with browser_without_webgl.new_window() as window:
        yield window


@pytest.fixture
def registries() -> Iterator[None]:
    """A test may register tasks and metrics; they are gone when it ends."""
    from support.registries import kept_registries  # brings torch

    with kept_registries():
        yield


def _trained(folder: Path, *words: str) -> Path:
    with contextlib.chdir(folder), as_in_a_process_of_its_own(folder):
        result = in_this_process("train", "trainer.epochs=2", *words)
    assert result.code == 0, result.err
    return result.run


def _files_of_the_repository() -> set[str]:
    """Those at its top, and run directories; caches of the tools aside."""
    top = {name for name in os.listdir(ROOT) if not name.endswith("_cache")}  # noqa: PTH208 - fast
    runs = ROOT.glob("outputs/*/*") if "outputs" in top else ()
    return (top | {str(path.relative_to(ROOT)) for path in runs}) - {".hypothesis"}
