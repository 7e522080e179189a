"""What a run says of the code that it was made with."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import Command

from seedbed.runs.environment import LONGEST_DIFF, git_state
from seedbed.runs.reader import read_json

Git = Callable[..., str]

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Git in a repository of its own, `code`, with one commit of a file."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    code = tmp_path / "code"
    (code / "deep").mkdir(parents=True)

    def said(*words: str) -> str:
        line = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(code), *words]
        return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()

    said("init", "-q")
    (code / "net.py").write_text("WIDTH = 3\n")
    said("add", "net.py")
    said("commit", "-q", "-m", "Begin")
    return said


def test_no_repository_is_none(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None


def test_a_commit_is_named_from_anywhere_in_it(git: Git, tmp_path: Path) -> None:
    commit = {"commit": git("rev-parse", "HEAD"), "dirty": False, "diff": None}
    (tmp_path / "code" / "untracked.py").write_text("new\n")
    assert git_state(tmp_path / "code") == git_state(tmp_path / "code" / "deep") == commit


def test_what_is_not_committed_is_kept(git: Git, tmp_path: Path) -> None:
    (tmp_path / "code" / "net.py").write_text("WIDTH = 4\n")
    told = git_state(tmp_path / "code" / "deep")
    assert told is not None
    assert (told["commit"], told["dirty"]) == (git("rev-parse", "HEAD"), True)
    assert told["diff"].strip() == git("diff", "HEAD")
    assert "-WIDTH = 3\n+WIDTH = 4" in told["diff"]


@pytest.mark.parametrize("setting", ["color.ui=always", "color.diff=always", "diff.relative=true"])
def test_a_diff_is_whole_and_plain_whatever_git_is_set_to(
    git: Git, tmp_path: Path, setting: str
) -> None:
    (tmp_path / "code" / "net.py").write_text("WIDTH = 4\n")
    plain = git("diff", "HEAD")
    git("config", *setting.split("="))
    told = git_state(tmp_path / "code" / "deep")
    assert told is not None
    assert told["diff"].strip() == plain


def test_a_long_diff_is_cut_off(git: Git, tmp_path: Path) -> None:
    (tmp_path / "code" / "net.py").write_text("W = 1\n" * LONGEST_DIFF)
    told = git_state(tmp_path / "code")
    assert told is not None
    assert LONGEST_DIFF < len(told["diff"]) < LONGEST_DIFF + 100
    assert told["diff"].endswith("characters more")


def test_a_worktree_has_a_commit_of_its_own(git: Git, tmp_path: Path) -> None:
    git("worktree", "add", "-q", str(tmp_path / "other"))
    git("commit", "-q", "--allow-empty", "-m", "Go on")
    first = git("rev-parse", "HEAD~1")
    assert git_state(tmp_path / "other") == {"commit": first, "dirty": False, "diff": None}


def test_a_repository_that_the_environment_names_is_taken(
    git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "code" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "code"))
    told = git_state(tmp_path)
    assert told == {"commit": commit, "dirty": False, "diff": None}


def test_a_repository_without_a_commit_has_none(git: Git, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "new"], cwd=tmp_path, check=True)
    (tmp_path / "new" / "net.py").write_text("WIDTH = 3\n")
    subprocess.run(["git", "add", "net.py"], cwd=tmp_path / "new", check=True)
    assert git_state(tmp_path / "new") == {"commit": None, "dirty": True, "diff": None}


@pytest.mark.parametrize("content", ["", "gitdir: nowhere\n"])
def test_what_only_looks_like_a_repository_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / ".git").write_text(content)
    assert git_state(tmp_path) is None


def test_a_folder_that_cannot_be_looked_at_is_none(tmp_path: Path) -> None:
    assert git_state(tmp_path / ("n" * 300)) is None


def test_git_is_asked_where_a_folder_above_cannot_be_looked_at(
    git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refused)
    told = git_state(tmp_path / "code")
    assert told is not None
    assert told["commit"] == git("rev-parse", "HEAD")


def test_a_bare_repository_is_none(git: Git, tmp_path: Path) -> None:
    git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    assert git_state(tmp_path / "bare") is None


def test_a_machine_without_git_is_none(
    git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path / "code") is None


def test_a_run_says_it(git: Git, tmp_path: Path, seedbed: Command) -> None:
    os.chdir(tmp_path / "code")
    result = seedbed("train", "trainer.epochs=1", "hydra.run.dir=run")
    assert result.code == 0, result.err
    told = read_json(tmp_path / "code" / "run" / "environment.json")
    assert told["git"]["commit"] == git("rev-parse", "HEAD")
