"""The index spares reading, and is never believed over the files."""

import json
import os
import shutil
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

import seedbed.catalog.finding as finding
import seedbed.catalog.index as index
import seedbed.catalog.index_content as index_content
from seedbed.catalog.finding import find_runs, search
from seedbed.catalog.index_content import DIGEST_BYTES, content_of, read_content
from seedbed.catalog.record import RunRecord
from seedbed.runs.layout import RUN_INDEX
from seedbed.runs.lock import DirectoryLock


@pytest.fixture
def outputs(tmp_path: Path, sum_run: Path, table_run: Path, monkeypatch) -> Path:
    """Two runs, for which an index is kept."""
    shutil.copytree(sum_run, tmp_path / "outputs/one")
    shutil.copytree(table_run, tmp_path / "outputs/two")
    monkeypatch.setattr(index, "LEAST_RUNS", 1)
    monkeypatch.setattr(index, "SETTLED_SECONDS", 0.0)
    return tmp_path / "outputs"


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """Names of the runs that were read, and not taken from an index."""
    names: list[str] = []

    def reading(path: Path, name: str, sweep: Path | None) -> RunRecord:
        names.append(name)
        return original(path, name, sweep)

    original = finding.read_record
    monkeypatch.setattr(finding, "read_record", reading)
    return names


def by_name(folder: Path) -> dict[str, RunRecord]:
    return {one.name: one for one in find_runs([folder])}


def test_a_run_is_read_once_and_told_the_same(outputs: Path, read: list[str]) -> None:
    first = find_runs([outputs])
    assert sorted(read) == ["one", "two"]
    assert find_runs([outputs]) == first
    assert len(read) == 2


FILES = ["status.json", "result.json", "config.yaml", ".hydra/config.yaml", ".hydra/hydra.yaml"]


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_changed_is_read_again(outputs: Path, read: list[str], file: str) -> None:
    find_runs([outputs])
    content = (outputs / "one" / file).read_text()
    with (outputs / "one" / file).open("r+") as opened:  # in place: same size, same inode
        opened.write(content)
    read.clear()
    find_runs([outputs])
    assert read == ["one"]


def test_what_changed_is_told_anew(outputs: Path) -> None:
    find_runs([outputs])
    result = outputs / "one/result.json"
    content = json.loads(result.read_text())
    result.write_text(json.dumps({**content, "metrics": {"train/loss": 7.0}}))
    (outputs / "one/notes.json").write_text('{"tags": ["new"], "note": ""}')
    shutil.rmtree(outputs / "two")
    shutil.copytree(outputs / "one", outputs / "three")
    found = by_name(outputs)
    assert found.keys() == {"one", "three"}
    assert found["one"].metrics == {"train/loss": 7.0}
    assert found["one"].tags == ("new",)
    assert by_name(outputs) == found


def test_runs_that_are_gone_leave_the_index(outputs: Path) -> None:
    find_runs([outputs])
    shutil.rmtree(outputs / "two")
    find_runs([outputs])
    _, rows = read_content((outputs / RUN_INDEX).read_bytes())
    assert [*rows] == ["one"]


@pytest.mark.parametrize("name", ["a\x1b[2J", "a\udcff"], ids=ascii)
def test_a_run_of_a_name_that_no_table_shows_is_read_each_time(outputs, read, name: str) -> None:
    shutil.copytree(outputs / "one", outputs / name)
    first = find_runs([outputs])
    read.clear()
    assert find_runs([outputs]) == first
    assert read == [name]


def test_an_index_that_few_runs_are_left_of_goes(outputs: Path, monkeypatch) -> None:
    find_runs([outputs])
    assert (outputs / RUN_INDEX).exists()
    monkeypatch.setattr(index, "LEAST_RUNS", 2)
    shutil.rmtree(outputs / "two")
    assert by_name(outputs).keys() == {"one"}
    assert not (outputs / RUN_INDEX).exists()


def test_a_changed_note_and_history_are_told_anew(outputs: Path) -> None:
    run = outputs / "one"
    (run / "notes.json").write_text('{"tags": ["old"], "note": ""}')
    (run / "result.json").unlink()
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "status": "interrupted"}))
    assert by_name(outputs)["one"].epoch == 2
    (run / "notes.json").write_text('{"tags": ["new"], "note": ""}')
    lines = (run / "history.csv").read_text().splitlines()
    (run / "history.csv").write_text("\n".join(lines[:-1]) + "\n")
    found = by_name(outputs)["one"]
    assert (found.tags, found.epoch) == (("new",), 1)


def test_whether_a_run_goes_on_is_looked_at_each_time(outputs: Path, read: list[str]) -> None:
    run = outputs / "one"
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "status": "running"}))
    assert by_name(outputs)["one"].status == "interrupted"
    read.clear()
    lock = DirectoryLock(run)
    assert by_name(outputs)["one"].status == "running"
    lock.release()
    assert by_name(outputs)["one"].status == "interrupted"
    assert read == []


def test_a_run_inside_another_is_found_later_too(outputs: Path) -> None:
    (outputs / "one/inside").mkdir()
    find_runs([outputs])
    shutil.copytree(outputs / "two", outputs / "one/inside/three")
    assert by_name(outputs).keys() == {"one", "two", "one/inside/three"}


def test_a_file_that_was_written_just_now_is_read_again(outputs, read, monkeypatch) -> None:
    monkeypatch.setattr(index, "SETTLED_SECONDS", 60.0)
    find_runs([outputs])
    assert not (outputs / RUN_INDEX).exists()
    find_runs([outputs])
    assert len(read) == 4


def test_few_runs_need_no_index_and_a_run_directory_gets_none(outputs, monkeypatch) -> None:
    find_runs([outputs / "one"])
    assert not (outputs / "one" / RUN_INDEX).exists()
    monkeypatch.setattr(index, "LEAST_RUNS", 3)
    find_runs([outputs])
    assert not (outputs / RUN_INDEX).exists()


def changed(file: Path, change: Callable[[list[Any], dict[str, Any]], object]) -> None:
    """With a checksum that is right again."""
    parts, rows = read_content(file.read_bytes())
    change(parts, rows)
    file.write_bytes(content_of(parts, rows))


def cell(at: int, value: object) -> Callable[[Path], None]:
    """Another value in the row of a run."""
    return lambda file: changed(file, lambda parts, rows: rows["one"][1].__setitem__(at, value))


def of_each_part(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Another part in the place of each."""
    return lambda file: changed(
        file, lambda parts, rows: parts.__setitem__(slice(None), map(change, parts))
    )


def half_a_part(parts: list[Any], rows: dict[str, Any]) -> None:
    numbers = rows["one"][1][0]
    numbers[0] = float(numbers[0])


def another_version(file: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_content, "VERSION", 99)
        content = content_of([], {})
    file.write_bytes(content)


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def escaped(content: bytes) -> bytes:
    text = content[DIGEST_BYTES:].replace(b'"completed"', rb'"completed\u001b"')
    return blake2b(text, digest_size=DIGEST_BYTES).digest() + text


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    at = content.index(b"val/loss")
    content[at + 11] ^= 1
    file.write_bytes(bytes(content))


DAMAGE = {
    "empty": lambda file: file.write_bytes(b""),
    "another file": lambda file: file.write_text("not an index" * 1000),
    "truncated": truncated,
    "one bit": flipped,
    "another version": another_version,
    "rows in a list": lambda file: file.write_bytes(content_of([], ["one"])),
    "control characters": cell(12, "\x1b[2J"),
    "an escaped one": lambda file: file.write_bytes(escaped(file.read_bytes())),
    "a number for a text": cell(13, 1),
    "a number for a run": lambda file: changed(file, lambda parts, rows: rows.update(one=1)),
    "no parts": lambda file: changed(file, lambda parts, rows: parts.clear()),
    "a list in a list": lambda file: changed(file, lambda parts, rows: parts.append([["one"]])),
    "a text for a part": of_each_part(lambda part: "one"),
    "a list for a mapping": of_each_part(lambda part: sorted(part)),
    "a mapping for a list": of_each_part(lambda part: dict.fromkeys(part)),
    "a fraction for a part": lambda file: changed(file, half_a_part),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_an_index_that_is_not_as_it_was_written_is_made_anew(outputs, damage) -> None:
    first = find_runs([outputs])
    damage(outputs / RUN_INDEX)
    found = search([outputs])
    assert found.records == first
    assert found.notes == []
    assert search([outputs]).records == first


def test_an_index_that_came_with_copied_runs_is_not_believed(outputs, tmp_path, read) -> None:
    find_runs([outputs])
    shutil.copytree(outputs, tmp_path / "copy")  # with the times of the files, as an archive has
    read.clear()
    find_runs([tmp_path / "copy"])
    assert sorted(read) == ["one", "two"]


def test_what_is_no_file_in_its_place_is_left_alone(outputs: Path, tmp_path: Path) -> None:
    first = find_runs([outputs])
    (outputs / RUN_INDEX).unlink()
    (outputs / RUN_INDEX).mkdir()
    found = search([outputs])
    assert found.records == first
    assert len(found.notes) == 1
    assert "cannot write" in found.notes[0]
    (outputs / RUN_INDEX).rmdir()
    os.mkfifo(outputs / RUN_INDEX)
    assert search([outputs]).records == first


def test_a_link_in_its_place_is_not_written_through(outputs: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (outputs / RUN_INDEX).symlink_to(tmp_path / "precious")
    find_runs([outputs])
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_newer_look_wins_over_an_older_one(outputs: Path, read: list[str]) -> None:
    """Two processes at once: each writes the whole file, and either is right."""
    older = index.Index(str(outputs), keep=True)
    first = find_runs([outputs])
    older.close()
    assert find_runs([outputs]) == first


@pytest.mark.parametrize(("folder", "kept"), [("a/b", True), ("a/b/c", False)])
def test_no_index_is_kept_far_above_the_runs(outputs: Path, folder: str, kept: bool) -> None:
    """As at the root of a disk, or in a home folder."""
    top = outputs.parent / "top"
    (top / folder).parent.mkdir(parents=True)
    outputs.rename(top / folder)
    found = search([top])
    assert len(found.records) == 2
    assert (top / RUN_INDEX).exists() == kept
    assert any("where no index of them is kept" in note for note in found.notes) != kept
