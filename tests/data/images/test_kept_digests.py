"""Which image files are read again to know what they hold; sha256sum's answer is the oracle."""

import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from seedbed.tables.images import kept_digests


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept_digests, "SETTLED", 0)
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(bytes([number]) * 9)
    return sorted(tmp_path.glob("*.png"))


@pytest.fixture
def read_again(files: list[Path]) -> Callable[[], list[int]]:
    """Asks for the digests, which have to be right, and tells of which files they were taken."""

    def asked() -> list[int]:
        again: list[int] = []

        def taken(numbers: list[int]) -> list[str]:
            again.extend(numbers)
            return [sha256(files[number].read_bytes()).hexdigest() for number in numbers]

        expected = [sha256(path.read_bytes()).hexdigest() for path in files]
        assert kept_digests.digests_of(files, taken) == expected
        return again

    return asked


def write_until_told(path: Path, content: bytes) -> None:
    """Another content, as large and as old as the one before, to the nanosecond."""
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)


def test_only_files_that_changed(files: list[Path], read_again: Callable[[], list[int]]) -> None:
    assert read_again() == [0, 1, 2, 3]
    assert read_again() == []
    write_until_told(files[2], b"another 2")
    assert read_again() == [2]
    shutil.copy2(files[0], files[0].with_suffix(".new")).replace(files[1])
    assert read_again() == [1]
    assert read_again() == []


def test_one_that_changed_just_before_it_was_read(
    read_again: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_digests, "SETTLED", 10**18)
    assert read_again() == read_again() == [0, 1, 2, 3]


def test_one_whose_time_of_writing_is_to_come(
    files: list[Path], read_again: Callable[[], list[int]]
) -> None:
    os.utime(files[3], (2**33, 2**33))
    assert read_again() == [0, 1, 2, 3]
    assert read_again() == read_again() == [3]


def test_all_where_the_system_tells_no_time_of_change(
    tmp_path: Path, read_again: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_digests, "_told", lambda path: kept_digests.UNTOLD)
    assert read_again() == read_again() == [0, 1, 2, 3]
    assert [*(tmp_path / "cache" / "seedbed" / "digests").iterdir()] == []


@pytest.mark.parametrize("damage", [lambda kept: kept[:-1] + b"x", lambda kept: kept[:-1]])
def test_all_where_what_was_kept_is_damaged(
    tmp_path: Path, read_again: Callable[[], list[int]], damage: Callable[[bytes], bytes]
) -> None:
    read_again()
    (kept,) = (tmp_path / "cache" / "seedbed" / "digests").iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    assert read_again() == [0, 1, 2, 3]
    assert read_again() == []


def test_all_where_nothing_can_be_kept(tmp_path: Path, read_again: Callable[[], list[int]]) -> None:
    (tmp_path / "cache").write_text("a file")
    assert read_again() == read_again() == [0, 1, 2, 3]


def test_the_oldest_sets_go(
    tmp_path: Path, read_again: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_digests, "MOST_KEPT", 2)
    folder = tmp_path / "cache" / "seedbed" / "digests"
    folder.mkdir(parents=True)
    for name, time in (("old", 1), ("new", 2)):
        (folder / name).touch()
        os.utime(folder / name, (time, time))
    read_again()
    assert len([*folder.iterdir()]) == 2
    assert not (folder / "old").exists()
