"""What all tests share: the command line, in this process or in one of its own.

Every test runs in its temporary folder, and fails if it leaves a file in the repository.
"""

import contextlib
import gc
import importlib
import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

# torch and its like are a million objects; to look all of them through again and again takes a
# tenth of the time.
gc.set_threshold(100_000, 20, 100)

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Result:
    """What a command said, and how it ended.

    Args:
        code: the exit code.
        out: standard output.
        err: standard error.
        folder: where it ran.
    """

    code: int
    out: str
    err: str
    folder: Path

    @property
    def errors(self) -> list[str]:
        """The `error:` lines."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]

    @property
    def run(self) -> Path:
        """The run directory that the last `run:` line names."""
        return self._last("run: ")

    @property
    def sweep(self) -> Path:
        """The directory that the last `sweep:` line names."""
        return self._last("sweep: ")

    def _last(self, label: str) -> Path:
        lines = [line for line in self.out.splitlines() if line.startswith(label)]
        assert lines, f"no '{label}' line; exit code {self.code}, standard error:\n{self.err}"
        return self.folder / lines[-1].removeprefix(label)


Command = Callable[..., Result]


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = _files_of_the_repository()
    yield
    left = _files_of_the_repository() - before
    assert not left, f"the test left files outside its temporary folder: {sorted(left)}"


@pytest.fixture
def seedbed(tmp_path: Path) -> Iterator[Command]:
    """`seedbed(*words)` runs the command line in this process, in the test's folder."""
    with _as_in_a_process_of_its_own(tmp_path):
        yield _command


@pytest.fixture
def seedbed_process() -> Command:
    """`seedbed_process(*words)` runs the command line in a process of its own."""

    def run(*words: object, **settings: object) -> Result:
        """Further settings are those of `subprocess.run`."""
        line = [sys.executable, "-m", "seedbed", *map(str, words)]
        done = subprocess.run(
            line, capture_output=True, text=True, timeout=200, check=False, **settings
        )
        return Result(done.returncode, done.stdout, done.stderr, Path.cwd())

    return run


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


@pytest.fixture
def registries() -> Iterator[None]:
    """A test may register tasks and metrics; they are gone when it ends."""
    from support.registries import kept_registries  # brings torch

    with kept_registries():
        yield


def _trained(folder: Path, *words: str) -> Path:
    with contextlib.chdir(folder), _as_in_a_process_of_its_own(folder):
        result = _command("train", "trainer.epochs=2", *words)
    assert result.code == 0, result.err
    return result.run


def _command(*words: object) -> Result:
    from seedbed.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            _close_log()
            gc.unfreeze()
            gc.enable()
    return Result(code, out.getvalue(), err.getvalue(), Path.cwd())


@contextlib.contextmanager
def _as_in_a_process_of_its_own(folder: Path) -> Iterator[None]:
    """Puts back what the end of a process would; modules in `folder` are forgotten."""
    path_before = list(sys.path)
    with mock.patch.dict(os.environ):
        for name in ("SEEDBED_ALLOW", "SEEDBED_DEBUG"):
            os.environ.pop(name, None)
        yield
    sys.path[:] = path_before
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(f"{folder}{os.sep}"):
            del sys.modules[name]
    importlib.invalidate_caches()


def _close_log() -> None:
    """A process has one run, and closes its log at its end."""
    logger = logging.getLogger("seedbed")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        with contextlib.suppress(OSError):  # of a full disk
            handler.close()


def _files_of_the_repository() -> set[str]:
    """Those at its top, and run directories; caches of the tools aside."""
    top = {path.name for path in ROOT.iterdir() if not path.name.endswith("_cache")}
    runs = {str(path.relative_to(ROOT)) for path in ROOT.glob("outputs/*/*")}
    return (top | runs) - {".hypothesis"}
