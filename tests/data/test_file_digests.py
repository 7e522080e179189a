"""Digests of files that are made in a thread, while their rows are looked at."""

import os
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from seedbed.data.table_fingerprint import digests_meanwhile, file_digests


def digest_threads() -> list[str]:
    names = [one.name for one in threading.enumerate()]
    return [name for name in names if name.startswith("seedbed-digests")]


def test_digests_made_meanwhile_are_those_of_the_bytes(tmp_path: Path) -> None:
    content = {"a.parquet": b"", "b.parquet": b"1", "c.parquet": bytes(range(256)) * 4097}
    for name, one in content.items():
        (tmp_path / name).write_bytes(one)
    with digests_meanwhile([str(tmp_path)]) as digests:
        made = digests(str(tmp_path))
    each = {str(tmp_path / name): sha256(one).hexdigest() for name, one in content.items()}
    whole = sha256("\n".join(each.values()).encode()).hexdigest()
    assert [*made.items()] == [(str(tmp_path), whole), *each.items()]
    assert made == file_digests(str(tmp_path))


def test_a_file_that_changed_since_is_read_again(tmp_path: Path) -> None:
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    old.write_bytes(b"before")
    with digests_meanwhile([str(tmp_path)]) as digests:
        digests(str(tmp_path))
        old.write_bytes(b"afterwards")
        new.write_bytes(b"came later")
        made = digests(str(tmp_path))
    assert made[str(old)] == sha256(b"afterwards").hexdigest()
    assert made[str(new)] == sha256(b"came later").hexdigest()


def test_a_file_that_was_taken_away_is_told(tmp_path: Path) -> None:
    path = tmp_path / "gone.parquet"
    path.write_bytes(b"before")
    with digests_meanwhile([str(path)]) as digests:
        path.unlink()
        with pytest.raises(FileNotFoundError, match=r"gone.parquet"):
            digests(str(path))


def test_a_digest_that_nobody_waits_for_ends(tmp_path: Path) -> None:
    path = tmp_path / "endless.parquet"
    with path.open("wb") as file:
        file.truncate(2**40)  # bytes that take no room, and minutes to read
    with pytest.raises(KeyboardInterrupt), digests_meanwhile([str(path)]):
        raise KeyboardInterrupt
    assert not digest_threads()


def test_a_pipe_is_left_to_who_reads_the_rows(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.parquet")
    with digests_meanwhile([str(tmp_path)]):
        assert not digest_threads()  # one that opened it would wait for a writer for ever
