"""`seedbed compare` tells data files apart by what they hold, and not by where they lie."""

import contextlib
import json
import shutil
from pathlib import Path

import pytest
from support.command_line import Command, as_in_a_process_of_its_own, in_this_process

RUNS = ["trainer=quick", "data=csv", "data.target=y", "data.split.seed=0", "optimizer.lr=0.01,0.1"]
SAME = "data.path!=other.csv"


def rows(last: int) -> str:
    return "\n".join(["x,y", *(f"{n},{2 * n + 1}" for n in range(19)), f"19,{last}"]) + "\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rates and two seeds on a file, a copy of it, a link to it, and another file."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "a.csv").write_text(rows(39))
    (folder / "other.csv").write_text(rows(40))
    shutil.copy(folder / "a.csv", folder / "copy.csv")
    (folder / "link.csv").symlink_to("a.csv")
    paths = "data.path=a.csv,copy.csv,link.csv,other.csv"
    with contextlib.chdir(folder), as_in_a_process_of_its_own(folder):
        assert in_this_process("train", "-m", *RUNS, paths, "seed=0,1").code == 0
    return folder / "outputs"


def test_a_copy_and_a_link_are_the_same_file(seedbed: Command, trained: Path) -> None:
    found = json.loads(seedbed("compare", trained, "--filter", SAME, "--json").out)
    assert found["keys"] == ["optimizer.lr"]
    assert [row["n"] for row in found["settings"]] == [2, 2]
    assert "8 runs repeat a setting and seed" in "\n".join(found["notes"])


def test_another_file_has_other_rows(seedbed: Command, trained: Path) -> None:
    result = seedbed("compare", trained)
    assert result.code == 2
    assert "are measured on different rows, as data.path differs" in result.err


def test_a_file_that_was_moved_is_the_same(seedbed: Command, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/moved.csv").write_text(rows(39))
    assert seedbed("train", "-m", *RUNS, "data.path=sub/moved.csv", "seed=2,3").code == 0
    words = ["compare", trained, "outputs", "--filter", SAME, "--json"]
    found = json.loads(seedbed(*words).out)
    assert found["keys"] == ["optimizer.lr"]
    assert [row["n"] for row in found["settings"]] == [4, 4]


def test_a_run_that_does_not_tell_is_taken_for_one_of_its_path(
    seedbed: Command, trained: Path, tmp_path: Path
) -> None:
    """As far as its path has one content; a path that nobody tells of is a file of its own."""
    old = Path(shutil.copytree(trained, tmp_path / "old"))
    for file in old.rglob("environment.json"):
        file.unlink()
    path_alone = "data.path=a.csv"
    assert seedbed("compare", trained, old, "--filter", path_alone).code == 0
    assert seedbed("compare", trained, old, "--filter", SAME).code == 0
    result = seedbed("compare", old, "--filter", SAME)
    assert "are measured on different rows, as data.path differs" in result.err
