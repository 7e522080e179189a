"""`find_runs` tells of every run below a folder, and of what is none."""

import json
import os
import shutil
from pathlib import Path

import pytest

import seedbed.catalog.finding as finding
from seedbed.catalog.finding import find_runs
from seedbed.catalog.record import BROKEN, FOREIGN
from seedbed.catalog.table import table_of
from seedbed.errors import RunDirectoryError
from seedbed.runs.lock import DirectoryLock


@pytest.fixture
def outputs(tmp_path: Path, sum_run: Path, table_run: Path) -> Path:
    shutil.copytree(sum_run, tmp_path / "outputs/sum/one")
    shutil.copytree(table_run, tmp_path / "outputs/table/two")
    return tmp_path / "outputs"


def test_a_record_has_what_the_files_have(outputs: Path) -> None:
    run = next(one for one in find_runs([outputs]) if one.name == "table/two")
    result = json.loads((run.path / "result.json").read_text())
    assert run.status == "completed"
    assert run.metrics == result["metrics"]
    assert run.best == result["best"]
    assert (run.epoch, run.epochs, run.seconds) == (2, 2, result["seconds"])
    assert run.settings["data.target"] == "kind"
    assert run.choices["data"] == "csv"
    assert "name" in run.follows
    assert run.facts["task"] == "binary"
    assert run.sweep is None


def test_the_newest_run_is_first(outputs: Path) -> None:
    found = find_runs([outputs])
    assert [one.started for one in found] == sorted((one.started for one in found), reverse=True)


def test_folders_that_overlap_list_a_run_once(outputs: Path) -> None:
    assert len(find_runs([outputs, outputs / "sum", outputs / "sum/one"])) == 2


def test_links_are_not_followed(outputs: Path) -> None:
    (outputs / "latest").symlink_to(outputs / "sum/one")
    (outputs / "sum/loop").symlink_to(outputs)
    assert len(find_runs([outputs])) == 2


def test_folders_that_are_no_runs_are_told_and_end_nothing(outputs: Path) -> None:
    (outputs / "hydras/.hydra").mkdir(parents=True)
    (outputs / "board").mkdir()
    (outputs / "board/events.out.tfevents.1").touch()
    (outputs / "empty").mkdir()
    (outputs / "sum/one/result.json").write_text('{"status": "comp')
    found = {one.name: one for one in find_runs([outputs])}
    assert found["hydras"].status == found["board"].status == FOREIGN
    assert "status.json" in found["board"].problem
    assert found["sum/one"].status == BROKEN
    assert "damaged" in found["sum/one"].problem
    table = table_of([outputs])
    assert [run.name for run in table] == ["table/two"]
    assert {run.name for run in table.left_out} == {"hydras", "board", "sum/one"}


@pytest.mark.parametrize("metrics", ['{"val/loss": "0.1"}', "[]", '{"val/loss": true}'])
def test_metrics_that_are_no_numbers_are_not_believed(outputs: Path, metrics: str) -> None:
    result = outputs / "sum/one/result.json"
    result.write_text(f'{{"status": "completed", "metrics": {metrics}, "best": {{}}}}')
    (run,) = find_runs([outputs / "sum"])
    assert run.status == BROKEN


def test_an_undefined_metric_is_nan(outputs: Path) -> None:
    result = outputs / "sum/one/result.json"
    result.write_text('{"status": "completed", "metrics": {"val/r2": null}, "best": {}}')
    (run,) = find_runs([outputs / "sum"])
    assert run.metrics["val/r2"] != run.metrics["val/r2"]


def test_control_characters_are_written_out(outputs: Path) -> None:
    notes = {"tags": [], "note": "\x1b[2J\u202e"}
    (outputs / "sum/one/notes.json").write_text(json.dumps(notes))
    (run,) = find_runs([outputs / "sum"])
    assert run.note == "\\x1b[2J\\u202e"
    (outputs / "sum/one/notes.json").write_text(json.dumps(notes, ensure_ascii=False))
    (run,) = find_runs([outputs / "sum"])
    assert run.note == "\\x1b[2J\\u202e"


def test_a_dead_run_is_told_from_a_living_one(outputs: Path) -> None:
    run = outputs / "table/two"
    (run / "result.json").unlink()
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "status": "running"}))
    (dead,) = find_runs([run])
    assert (dead.status, dead.problem) == ("interrupted", "its process has gone")
    lock = DirectoryLock(run)
    (living,) = find_runs([run])
    lock.release()
    assert (living.status, living.epoch, living.epochs) == ("running", 2, 2)
    assert "val/loss" in living.metrics


def test_a_run_whose_config_is_not_written_yet_is_pending(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/status.json").write_text('{"status": "running", "started": null}')
    lock = DirectoryLock(tmp_path / "new")
    (run,) = find_runs([tmp_path])
    lock.release()
    assert run.status == "pending"
    (run,) = find_runs([tmp_path])
    assert (run.status, "its process has gone" in run.problem) == (BROKEN, True)


def test_a_folder_that_is_not_there_is_refused_with_the_nearest_name(outputs: Path) -> None:
    with pytest.raises(RunDirectoryError, match="did you mean 'outputs'"):
        find_runs([outputs.parent / "output"])
    (outputs / "file").touch()
    with pytest.raises(RunDirectoryError, match="is a file"):
        find_runs([outputs / "file"])


def test_a_pipe_in_the_place_of_a_file_blocks_nothing(outputs: Path) -> None:
    run = outputs / "sum/one"
    for name in ("result.json", "history.csv"):
        (run / name).unlink()
        os.mkfifo(run / name)
    (one,) = find_runs([run])
    assert one.status == BROKEN


def test_a_run_that_is_removed_while_we_look_is_told_nowhere(outputs: Path, monkeypatch) -> None:
    def vanishing(path: Path, name: str, sweep: Path | None):
        shutil.rmtree(path)
        return reading(path, name, sweep)

    reading = finding.read_record
    monkeypatch.setattr(finding, "read_record", vanishing)
    assert find_runs([outputs]) == []


def test_other_file_systems_are_told_and_not_looked_into() -> None:
    device = os.lstat("/dev").st_dev
    mounted = [one.path for one in os.scandir("/dev") if one.is_dir(follow_symlinks=False)]
    mounted = [path for path in mounted if os.lstat(path).st_dev != device]
    if not mounted:
        pytest.skip("nothing is mounted in /dev")
    found = finding.search(["/dev"])
    (note,) = [one for one in found.notes if one.startswith("other file systems are not looked")]
    assert all(repr(path) in note for path in sorted(mounted)[: finding.MOST_NAMED])
    assert [run for run in found.records if str(run.path).startswith(tuple(mounted))] == []


def test_a_search_says_how_far_it_is(outputs: Path) -> None:
    heard: list[tuple[int, int]] = []
    table_of([outputs], lambda *counts: heard.append(counts))
    assert heard[-1][1] == 2
    assert heard == sorted(heard)


def test_numbers_of_weights_that_nothing_trained_are_none(seedbed, tmp_path: Path) -> None:
    """A run that diverged in its first epoch kept the weights from before it."""
    words = ["data=sklearn", "optimizer.lr=1e30", "trainer.epochs=2", "hydra.run.dir=wild"]
    assert seedbed("train", *words).code == 1
    result = json.loads((tmp_path / "wild/result.json").read_text())
    assert result["measured_at"]["val/loss"] == 0
    (run,) = find_runs([tmp_path / "wild"])
    assert (run.status, run.metrics) == ("diverged", {})
    for words in (["predict", "wild", "--input", "[[1,2,3,4]]"], ["plot", "wild", "--kind", "roc"]):
        output = ["--output", "x.png"] if words[0] == "plot" else []
        said = seedbed(*words, *output)
        assert said.code == 0
        assert "note: no epoch of 'wild' ended: its weights are those at the start" in said.err
