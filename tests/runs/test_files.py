"""Files are written whole or not at all, many of them as well as one."""

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.errors import RunDirectoryError
from seedbed.runs import files
from seedbed.runs.directory import claim, reclaim

MANY = files.SYNC_FROM
FEW = 3


def contents(folder: Path, number: int) -> list[tuple[Path, bytes]]:
    return [(folder / f"{n}.bin", bytes([n]) * (n * 100)) for n in range(number)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def raising(error: BaseException) -> Any:
    def raise_it(*_: object, **__: object) -> None:
        raise error

    return raise_it


@pytest.mark.parametrize("flush", [False, True], ids=["not waiting", "waiting"])
@pytest.mark.parametrize("number", [0, FEW, MANY])
def test_many_files_are_written(tmp_path: Path, number: int, flush: bool) -> None:
    wanted = contents(tmp_path, number)
    files.write_all(wanted, flush=flush)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == dict(wanted)


def test_a_file_that_is_there_is_replaced(tmp_path: Path) -> None:
    wanted = contents(tmp_path, FEW)
    (tmp_path / "1.bin").write_bytes(b"old")
    files.write_all(wanted, flush=True)
    assert (tmp_path / "1.bin").read_bytes() == wanted[1][1]


@pytest.mark.parametrize(("number", "waits"), [(FEW, FEW), (MANY, 1)], ids=["few", "many"])
def test_the_disk_is_waited_for_before_any_file_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, waits: int
) -> None:
    seen: list[int] = []

    def wait(*_: object) -> None:
        seen.append(len(list(tmp_path.glob("*.bin"))))

    monkeypatch.setattr(files.os, "fsync", wait)
    monkeypatch.setattr(files.os, "sync", wait)
    files.write_all(contents(tmp_path, number), flush=True)
    assert seen == [0] * waits


def test_a_full_disk_leaves_no_file_and_names_the_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def full(number: int, content: memoryview) -> int:
        if bytes(content[:1]) == b"\x02":
            raise OSError(28, "No space left on device")
        return write(number, content)

    monkeypatch.setattr(files.os, "write", full)
    with pytest.raises(RunDirectoryError, match=r"cannot write '.*2\.bin': No space left"):
        files.write_all(contents(tmp_path, MANY), flush=True)
    assert names(tmp_path) == []


def test_a_failing_rename_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "1.bin").mkdir()
    with pytest.raises(RunDirectoryError, match=r"cannot write '.*1\.bin': Is a directory"):
        files.write_all(contents(tmp_path, FEW), flush=False)
    assert [name for name in names(tmp_path) if name.endswith(".tmp")] == []


@pytest.mark.parametrize("place", ["write", "sync", "replace"])
def test_an_interrupt_leaves_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(files.os, place, raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        files.write_all(contents(tmp_path, MANY), flush=True)
    assert names(tmp_path) == []


@pytest.mark.parametrize("function", ["write_bytes", "write_all"])
def test_a_link_is_not_written_through(tmp_path: Path, function: str) -> None:
    precious, path = tmp_path / "precious", tmp_path / "a.bin"
    precious.write_bytes(b"precious")
    (tmp_path / f".a.bin.{os.getpid()}.tmp").symlink_to(precious)
    path.symlink_to(precious)
    if function == "write_all":
        files.write_all([(path, b"new")], flush=False)
    else:
        files.write_bytes(path, b"new")
    assert precious.read_bytes() == b"precious"
    assert (path.is_symlink(), path.read_bytes()) == (False, b"new")
    assert names(tmp_path) == ["a.bin", "precious"]


def test_a_write_that_the_system_cuts_short_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(files.os, "write", lambda number, rest: write(number, rest[:7]))
    files.write_bytes(tmp_path / "a", bytes(range(100)))
    assert (tmp_path / "a").read_bytes() == bytes(range(100))


def test_the_mode_is_the_one_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    files.write_bytes(tmp_path / "a", b"")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "other")]
    assert modes[0] == modes[1]


def test_a_file_of_the_working_folder_is_written() -> None:
    files.write_bytes(Path("a"), b"here")
    assert Path("a").read_bytes() == b"here"


def values_with(floats: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), floats, st.text()),
        lambda inner: st.one_of(
            st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(st.text(), inner)
        ),
        max_leaves=20,
    )


def without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return [without_nan(item) for item in value] if isinstance(value, list | tuple) else value


def as_python_writes(value: Any) -> str:
    return json.dumps(without_nan(value), indent=2, ensure_ascii=False, allow_nan=False)


@given(values_with(st.floats().filter(lambda value: "e-" not in repr(value))))
def test_json_is_python_s_own(value: Any) -> None:
    assert files.json_text(value) == as_python_writes(value)


@given(values_with(st.floats()))
def test_json_gives_every_number_back(value: Any) -> None:
    """Small ones are written as 1e-7 and 0.00001, where Python writes 1e-07 and 1e-05."""
    again = json.loads(files.json_text(value))
    assert as_python_writes(again) == as_python_writes(value)


def test_numbers_of_numpy_and_names_that_are_no_utf_8_are_written() -> None:
    value = {"a": [np.float64(0.5), float("inf")], "b": os.fsdecode(b"caf\xe9")}
    assert json.loads(files.json_text(value)) == {"a": [0.5, None], "b": "caf\udce9"}


def test_keys_become_texts() -> None:
    assert json.loads(files.json_text({1: "a", 2.5: "b"})) == {"1": "a", "2.5": "b"}


def test_what_json_lacks_is_refused() -> None:
    with pytest.raises(TypeError, match="PosixPath is not JSON serializable"):
        files.json_text({"a": [Path("a")]})


def test_a_run_keeps_the_time_when_it_was_started(tmp_path: Path) -> None:
    first = claim(tmp_path / "run")
    first.write_status("running")
    started = json.loads(first.status.read_text())["started"]
    first.write_status("interrupted")
    assert json.loads(first.status.read_text())["started"] == started
    first.release()
    second = reclaim(first)
    second.write_status("running")
    assert json.loads(second.status.read_text())["started"] == started
    second.release()
