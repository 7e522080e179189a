"""Where the folders of tests lie."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.memory_folder import suits_tests

pytestmark = pytest.mark.skipif(not hasattr(os, "ST_NOEXEC"), reason="only Linux has such a folder")

PAGE = 4096


def mounted(monkeypatch: pytest.MonkeyPatch, flags: int = 0, pages: int = 10) -> None:
    told = SimpleNamespace(f_flag=flags, f_bavail=pages, f_frsize=PAGE)
    monkeypatch.setattr(os, "statvfs", lambda _: told)


def test_a_folder_with_room_suits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch)
    assert suits_tests(tmp_path, 9 * PAGE)


def test_one_without_room_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch)
    assert not suits_tests(tmp_path, 11 * PAGE)


def test_one_that_is_not_there_does_not(tmp_path: Path) -> None:
    assert not suits_tests(tmp_path / "shm", 0)


def test_one_that_nothing_is_loaded_from_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted(monkeypatch, os.ST_NOEXEC)
    assert not suits_tests(tmp_path, 0)


def test_one_that_is_not_to_be_written_in_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted(monkeypatch)
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)
    assert not suits_tests(tmp_path, 0)
