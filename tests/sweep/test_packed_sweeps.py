"""A packed sweep is the same sweep: tables, runs and weights are those of one with directories."""

import csv
import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import seedbed as front
from seedbed.catalog.finding import find_runs
from seedbed.runs import stored
from seedbed.runs.files import write_bytes
from seedbed.runs.lock import DirectoryLock
from seedbed.runs.pack import Pack
from seedbed.runs.reader import read_json
from seedbed.sweep.clusters import earlier
from seedbed.views.report.curves import page_curves
from seedbed.views.run_links import folder_of

JOBS = ["data=sklearn", "data.dataset=iris", "data.split.seed=0", "model.hidden=[4]"]
JOBS += ["trainer.epochs=4", "optimizer.lr=0.01,0.1", "seed=range(0,3)"]
TIMES = {"when", "seconds", "sweep.layout"}
ROW = "[[5.1, 3.5, 4.0, 1.0]]"


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A sweep in either layout, a checkpoint at each epoch; to be looked at."""
    from support.command_line import as_in_a_process_of_its_own, in_this_process

    folder = tmp_path_factory.mktemp("layouts")
    with as_in_a_process_of_its_own(folder):
        for layout in ("directories", "packed"):
            words = [*JOBS, f"sweep.layout={layout}", "trainer.checkpoint_every=1 epochs"]
            words += ["sweep.fuse=always", f"hydra.sweep.dir={folder / layout / 'sweep'}"]
            result = in_this_process("train", "-m", *words)
            assert result.code == 0, result.err
    return {layout: folder / layout / "sweep" for layout in ("directories", "packed")}


@pytest.fixture
def packed(both: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the packed one, to be changed."""
    return Path(shutil.copytree(both["packed"], tmp_path / "copied" / "sweep"))


def folders(sweep: Path) -> list[str]:
    return sorted(path.name for path in sweep.iterdir() if path.is_dir())


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in TIMES} for row in rows]


def table(sweep: Path) -> list[dict[str, str]]:
    with (sweep / "results.csv").open(newline="") as file:
        return without_times(list(csv.DictReader(file)))


def test_a_packed_sweep_has_one_file_for_its_stack(both: dict[str, Path]) -> None:
    names = sorted(path.name for path in both["packed"].iterdir())
    assert names == ["multirun.yaml", "results.csv", "stack_1.tar", "sweep.json"]
    assert sorted(Pack(both["packed"] / "stack_1.tar").runs) == folders(both["directories"])


def test_the_heartbeat_of_packed_runs_is_their_pack(both: dict[str, Path]) -> None:
    """Which is there while they train: they have no other file that could be touched."""
    status = read_json(both["packed"] / "4_optimizer.lr=0.1_seed=1" / "status.json")
    assert status["heartbeat"] == "../stack_1.tar"


def test_the_tables_are_equal(both: dict[str, Path]) -> None:
    assert table(both["packed"]) == table(both["directories"])
    sweeps = {layout: front.load_sweep(path) for layout, path in both.items()}
    assert sweeps["packed"].statuses == {"completed": 6}
    rows = {layout: without_times(sweep.results) for layout, sweep in sweeps.items()}
    assert rows["packed"] == rows["directories"]


@pytest.mark.parametrize(
    "words", [["runs", "--json"], ["compare", "--json"], ["compare", "--over", "none", "--json"]]
)
def test_commands_over_many_runs_answer_alike(
    both: dict[str, Path], seedbed: Callable, words: list[str]
) -> None:
    said = {}
    for layout, path in both.items():
        result = seedbed(words[0], path, *words[1:])
        assert result.code == 0, result.err
        text = result.out.replace(str(path.parent), "").replace(layout, "")
        said[layout] = json.loads(text, object_hook=lambda one: without_times([one])[0])
    assert said["packed"] == said["directories"]
    assert len(json.dumps(said["packed"])) > 500
    assert folders(both["packed"]) == []


def test_a_report_and_a_picture_have_the_curves_of_packed_runs(
    both: dict[str, Path], seedbed: Callable, tmp_path: Path
) -> None:
    for layout, path in both.items():
        result = seedbed("report", path, "--output", tmp_path / f"{layout}.html")
        assert result.code == 0, result.err
        result = seedbed("plot", path, "--kind", "curves", "--output", tmp_path / f"{layout}.png")
        assert result.code == 0, result.err
    runs = {layout: sorted(find_runs([path]), key=str) for layout, path in both.items()}
    curves = {layout: page_curves(found).runs for layout, found in runs.items()}
    assert curves["packed"] == curves["directories"] != [{}] * 6
    assert (tmp_path / "packed.png").read_bytes() == (tmp_path / "directories.png").read_bytes()
    assert folders(both["packed"]) == []


def test_what_is_unpacked_is_what_would_have_been_written(
    both: dict[str, Path], packed: Path, seedbed: Callable, tmp_path: Path
) -> None:
    result = seedbed("unpack", packed)
    assert (result.code, result.out) == (0, f"unpacked: 6 runs into {packed}\n")
    assert "delete stack_1.tar" in result.err
    with tarfile.open(packed / "stack_1.tar") as archive:
        archive.extractall(tmp_path / "by_tar", filter="data")
    assert folders(packed) == folders(both["directories"])
    for run in folders(packed):
        files = {layout: _files(path / run) for layout, path in {**both, "packed": packed}.items()}
        assert [*files["packed"]] == [*files["directories"]]
        for name, content in _files(tmp_path / "by_tar" / run).items():
            assert files["packed"][name] == content
        for name in ("model.pth", ".hydra/overrides.yaml", "preprocessing.json"):
            same = files["packed"][name].replace(b"packed", b"directories")
            assert same == files["directories"][name], name
        one, other = (
            torch.load(path / run / "checkpoints/last.pt", weights_only=True)["model"]
            for path in (packed, both["directories"])
        )
        assert all(torch.equal(one[name], other[name]) for name in other)


def _files(run: Path) -> dict[str, bytes]:
    """Event files have the time and the process in their names."""
    return {
        re.sub(r"tfevents\..*", "tfevents", str(path.relative_to(run))): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file()
    }


def test_a_python_program_unpacks_some_or_all(packed: Path, tmp_path: Path) -> None:
    names = sorted(Pack(packed / "stack_1.tar").runs)
    made = front.unpack(packed, 3, names[0], to=tmp_path / "elsewhere")
    assert [run.path.name for run in made] == [names[3], names[0]]
    assert [run.path.parent for run in made] == [tmp_path / "elsewhere"] * 2
    assert all(run.status == "completed" for run in made)
    assert not folders(packed)
    every = front.unpack(front.load_sweep(packed))
    assert [run.path for run in every] == [packed / name for name in names]
    with pytest.raises(front.errors.RunDirectoryError, match="is there already"):
        front.unpack(packed, 3)
    with pytest.raises(front.errors.ArgumentError, match="'99' is none of the 6 runs in packs"):
        front.unpack(packed, 99, to=tmp_path)
    with pytest.raises(front.errors.ArgumentError, match="is a URL"):
        front.unpack("s3://lake/sweep")


def test_files_that_runs_share_are_one_file_when_unpacked(packed: Path, seedbed: Callable) -> None:
    assert seedbed("unpack", packed).code == 0
    for name, files in (("status.json", 6), ("environment.json", 1), ("preprocessing.json", 1)):
        assert len({path.stat().st_ino for path in packed.glob(f"*/{name}")}) == files


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "{}", "--input", ROW, "--json"],
        ["inspect", "{}", "--weights", "--json"],
        ["summary", "{}"],
        ["runs", "{}", "--columns", "status,seed,val/loss", "--csv"],
        ["plot", "{}", "--output", "{folder}/a.png"],
        ["tag", "{}", "good"],
        ["note", "{}", "a note"],
        ["resume", "{}"],
    ],
    ids=lambda words: words[0],
)
def test_a_run_that_is_named_is_unpacked_and_answers_as_any_other(
    both: dict[str, Path], packed: Path, seedbed: Callable, words: list[str], tmp_path: Path
) -> None:
    other = Path(shutil.copytree(both["directories"], tmp_path / "other" / "sweep"))
    said = []
    for sweep in (packed, other):
        run = sweep / "4_optimizer.lr=0.1_seed=1"
        result = seedbed(*(word.format(run, folder=sweep.parent) for word in words))
        assert result.code == 0, result.err
        said.append(result.out.replace(str(sweep.parent), ""))
    assert said[0] == said[1]
    assert folders(packed) == ["4_optimizer.lr=0.1_seed=1"]


def test_notes_of_an_unpacked_run_are_seen_beside_packed_ones(
    packed: Path, seedbed: Callable
) -> None:
    seedbed("tag", packed / "4_optimizer.lr=0.1_seed=1", "good")
    shown = json.loads(seedbed("runs", packed, "--json").out)["runs"]
    assert [run["tags"] for run in shown].count(["good"]) == 1
    assert len(shown) == 6


def test_reproduce_trains_a_packed_run_among_its_stack(packed: Path, seedbed: Callable) -> None:
    result = seedbed("reproduce", packed / "2_optimizer.lr=0.01_seed=2", "--json")
    assert (result.code, json.loads(result.out)["identical"]) == (0, True), result.err
    assert folders(packed) == ["2_optimizer.lr=0.01_seed=2"]


def test_a_run_that_is_removed_does_not_come_back(packed: Path, seedbed: Callable) -> None:
    run = packed / "3_optimizer.lr=0.1_seed=0"
    assert seedbed("tag", run, "unpacked").code == 0
    result = seedbed("remove", run, "--yes")
    assert result.code == 0, result.err
    assert [one.path.name for one in find_runs([packed]) if one.path == run] == []
    assert len(find_runs([packed])) == 5
    assert seedbed("unpack", packed, "3").code == 2
    packed_one = packed / "1_optimizer.lr=0.01_seed=1"
    assert "1 run, " in seedbed("remove", packed_one, "--yes").out
    assert (len(find_runs([packed])), folders(packed)) == (4, [])


def test_a_packed_sweep_is_removed_whole(packed: Path, seedbed: Callable) -> None:
    result = seedbed("remove", packed, "--yes")
    assert "sweep of 6 runs" in result.out
    assert "no run makes" not in result.out
    assert not packed.exists()


@pytest.mark.parametrize("part", [0.3, 0.75, 0.97])
def test_a_sweep_that_was_killed_goes_on_in_packs(
    both: dict[str, Path], packed: Path, seedbed: Callable, part: float
) -> None:
    """A pack grows at its end alone: cut anywhere, it is what a kill leaves."""
    (packed / ".stack_1.tar.4194304.tmp").write_bytes(b"half of what it was to be at its end")
    os.truncate(packed / "stack_1.tar", int(part * (packed / "stack_1.tar").stat().st_size))
    left = {one.status for one in find_runs([packed])}
    assert left <= {"interrupted", "completed", "broken", "pending"}
    result = seedbed("resume", packed)
    assert result.code == 0, result.err
    assert folders(packed) == []
    assert {run.status for run in find_runs([packed])} == {"completed"}
    held = [run for path in packed.glob("stack_*.tar") for run in Pack(path).runs]
    assert not list(packed.glob(".*"))
    assert len(held) == len(set(held)) == 6  # what was trained on is in one pack
    assert table(packed) == table(both["directories"])
    for mine, other in zip(
        front.load_sweep(packed), front.load_sweep(both["directories"]), strict=True
    ):
        weights = mine.weights()
        assert all((weights[name] == other).all() for name, other in other.weights().items())
        for name in ("epoch", "train/loss", "val/loss"):
            assert [*mine.history[name]] == [*other.history[name]]


def test_a_killed_job_with_a_directory_goes_on_there(packed: Path, seedbed: Callable) -> None:
    os.truncate(packed / "stack_1.tar", int(0.75 * (packed / "stack_1.tar").stat().st_size))
    run = packed / "5_optimizer.lr=0.1_seed=2"
    assert seedbed("tag", run, "mine").code == 0
    assert seedbed("resume", packed).code == 0
    assert folders(packed) == [run.name]
    assert front.load_run(run).status == "completed"
    assert len(find_runs([packed])) == 6


def test_a_sweep_looks_for_packs_once_for_a_stack(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder grows with each run: to list it for each takes the square of their number."""
    listed = []

    def listing(path: str) -> list[str]:
        listed.append(path)
        return os.listdir(path)  # noqa: PTH208 - what is replaced

    monkeypatch.setattr(stored, "os", SimpleNamespace(**{**vars(os), "listdir": listing}))
    result = seedbed("train", "-m", "seed=range(0,30)", "trainer.epochs=1", "hydra.sweep.dir=many")
    assert result.code == 0, result.err
    assert len(listed) < 10


def test_no_stack_of_a_new_sweep_reads_the_packs_of_the_others(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reading all would take the square of their number."""

    def read(path: Path) -> Pack:
        raise AssertionError(path)

    monkeypatch.setattr(stored, "Pack", read)
    words = ["model=custom,manual", "seed=1,2", "trainer.epochs=1", "sweep.fuse=always"]
    result = seedbed("train", "-m", *words, "sweep.layout=packed", "hydra.sweep.dir=new")
    assert result.code == 0, result.err
    assert len(list(Path("new").glob("stack_*.tar"))) == 2


def test_jobs_that_run_singly_have_directories(seedbed: Callable, tmp_path: Path) -> None:
    words = ["trainer.epochs=2", "seed=1,2", "model=custom,sequential", "sweep.layout=packed"]
    result = seedbed("train", "-m", *words, "sweep.fuse=never")
    assert result.code == 0, result.err
    assert len(folders(result.sweep)) == 4
    assert not list(result.sweep.glob("*.tar"))


def test_tensorboard_is_given_the_events_of_packed_runs(both: dict[str, Path]) -> None:
    runs = find_runs([both["packed"]])
    with folder_of(runs) as folder:
        events = sorted(folder.rglob("events.out.tfevents.*"))
        assert len(events) == 6
        for path in events:
            pack = Pack(both["packed"] / "stack_1.tar")
            assert path.read_bytes() == pack.read(path.parent.name, path.name)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["unpack", "{}", "99"], "'99' is none of the 6 runs in packs of '{}'"),
        (["unpack", "{}", "4_optimizer.lr=0.1_sed=1"], "did you mean '4_optimizer.lr=0.1_seed=1'?"),
        (["unpack", "{}/none"], "is no sweep: it has no sweep.json"),
        (["unpack", "{}", "--to", "{}/sweep.json"], "cannot write"),
        (["predict", "{}/7_seed=1", "--input", "[[1]]"], "does not exist"),
        (["predict", "{}/4_optimizer.lr=0.1_seed=2", "--input", "[[1]]"], "did you mean '"),
    ],
)
def test_what_cannot_be_unpacked_is_told_in_one_line(
    packed: Path, seedbed: Callable, words: list[str], said: str
) -> None:
    result = seedbed(*(word.format(packed) for word in words))
    assert (result.code, len(result.errors)) == (2, 1)
    assert said.format(packed) in result.errors[0]
    assert folders(packed) == []


def test_nothing_is_unpacked_onto_what_is_there(packed: Path, seedbed: Callable) -> None:
    run = packed / "4_optimizer.lr=0.1_seed=1"
    run.mkdir()
    (run / "mine").write_text("mine")
    for words in (["4"], ["4", "--to", packed], ["--to", packed]):
        result = seedbed("unpack", packed, *words)
        assert (result.code, len(result.errors)) == (2, 1)
        assert "already" in result.errors[0]
    assert folders(packed) == [run.name]
    assert [path.name for path in run.iterdir()] == ["mine"]
    assert seedbed("unpack", packed).out == f"unpacked: 5 runs into {packed}\n"


def test_a_sweep_without_packs_is_refused(both: dict[str, Path], seedbed: Callable) -> None:
    result = seedbed("unpack", both["directories"])
    assert "has no packs; its runs are directories already" in result.errors[0]


def test_a_full_disk_leaves_no_part_of_a_run(
    packed: Path, seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def full(number: int, content: bytes) -> int:
        if len(content) > 5000:
            raise OSError(28, "No space left on device")
        return write(number, content)

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        for words in (["unpack", packed], ["summary", packed / "4_optimizer.lr=0.1_seed=1"]):
            result = seedbed(*words)
            assert (result.code, len(result.errors)) == (2, 1)
            assert "No space left on device" in result.errors[0]
    assert sorted(path.name for path in packed.iterdir()) == [
        "multirun.yaml", "results.csv", "stack_1.tar", "sweep.json"
    ]  # fmt: skip


@pytest.fixture
def damaged(packed: Path) -> Path:
    """A sweep with a run in a directory, and a pack with a byte that is wrong."""
    from support.command_line import as_in_a_process_of_its_own, in_this_process

    with as_in_a_process_of_its_own(packed):
        assert in_this_process("unpack", packed, "0").code == 0
    content = bytearray((packed / "stack_1.tar").read_bytes())
    content[2048] ^= 255
    del content[-1024:]  # not closed: the headers tell
    write_bytes(packed / "stack_1.tar", bytes(content))
    return packed


def test_a_damaged_pack_is_told_and_hides_no_other_run(damaged: Path, seedbed: Callable) -> None:
    result = seedbed("runs", damaged)
    assert result.code == 0, result.err
    assert "0_optimizer.lr=0.01_seed=0" in result.out
    assert "stack_1.tar' is damaged" in result.out + result.err
    before = {path: path.stat().st_mtime_ns for path in damaged.iterdir()}
    for words in (["resume", damaged], ["unpack", damaged], ["unpack", damaged, "3"]):
        result = seedbed(*words)
        assert (result.code, len(result.errors)) == (2, 1)
        assert "stack_1.tar' is damaged" in result.errors[0]
    assert {path: path.stat().st_mtime_ns for path in damaged.iterdir()} == before


def test_the_list_of_a_hundred_thousand_jobs_is_read(packed: Path) -> None:
    content = json.loads((packed / "sweep.json").read_text())
    content["origin"] = "x" * 40_000_000
    write_bytes(packed / "sweep.json", json.dumps(content).encode())
    assert front.load_sweep(packed).statuses == {"completed": 6}


def test_a_run_that_trains_now_is_not_unpacked(packed: Path, seedbed: Callable) -> None:
    lock = DirectoryLock(packed / "stack_1.tar")
    try:
        run = packed / "4_optimizer.lr=0.1_seed=1"
        for words in (["tag", run, "good"], ["unpack", packed], ["remove", run, "--yes"]):
            result = seedbed(*words)
            assert (result.code, len(result.errors)) == (2, 1)
            assert "is being written by another process" in result.errors[0]
    finally:
        lock.release()
    assert len(find_runs([packed])) == 6
    assert folders(packed) == []


def test_a_run_that_trains_now_is_read_from_its_pack(packed: Path, seedbed: Callable) -> None:
    """As it is in the middle of training: what a run directory would give that stood so."""
    os.truncate(packed / "stack_1.tar", int(0.75 * (packed / "stack_1.tar").stat().st_size))
    name = "4_optimizer.lr=0.1_seed=1"
    other = front.unpack(packed, name, to=packed.parent / "other")[0].path
    run, at_last = packed / name, ["--input", ROW, "--checkpoint", "last"]
    lock = DirectoryLock(packed / "stack_1.tar")
    try:
        words: list[Any]
        for words in (["predict", "RUN", *at_last], ["inspect", "RUN", "--checkpoint", "best"]):
            mine, theirs = (
                [one if one != "RUN" else path for one in words] for path in (run, other)
            )
            assert seedbed(*mine) == seedbed(*theirs)
        result = seedbed("predict", run, "--input", ROW)
        assert (result.code, len(result.errors)) == (2, 1)
        assert f"{name}' has no model.pth, as it did not end" in result.errors[0]
        opened = front.load_run(run)
        assert (opened.status, front.load_run(other).status) == ("running", "interrupted")
        assert [*opened.history["train/loss"]] == [*front.load_run(other).history["train/loss"]]
        assert "running" in repr(opened)
        result = seedbed("plot", run)
        assert (result.code, len(result.errors)) == (2, 1)
        assert "is being written by another process" in result.errors[0]
    finally:
        lock.release()
    assert folders(packed) == []


def test_tasks_of_an_earlier_start_that_write_a_pack_are_waited_for(
    packed: Path, seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two processes would train the same runs: a pack in training has no directories."""
    task = packed / ".tasks" / "0"
    task.mkdir(parents=True)
    monkeypatch.setattr(earlier, "LAST_SECONDS", 0.0)
    lock = DirectoryLock(packed / "stack_1.tar")
    try:
        result = seedbed("resume", packed)
    finally:
        lock.release()
    assert (result.code, len(result.errors)) == (2, 1)
    assert "6 jobs, such as '0_optimizer.lr=0.01_seed=0', are still trained" in result.errors[0]
    assert [path.name for path in task.iterdir()] == ["stop"]
    result = seedbed("resume", packed)
    assert (result.code, result.out) == (0, f"complete already\nsweep: {packed}\n")
    assert not (packed / ".tasks").exists()


def test_a_folder_that_a_pack_cannot_hold_is_refused(seedbed: Callable, tmp_path: Path) -> None:
    words = ["trainer.epochs=1", "seed=1,2", "sweep.layout=packed"]
    long = "hydra.sweep.subdir=" + "x" * 150 + "${hydra.job.num}_long_name"
    result = seedbed("train", "-m", *words, long, "hydra.sweep.dir=sweep")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "takes names of at most 155 bytes" in result.errors[0]
    assert not (tmp_path / "sweep").exists()
