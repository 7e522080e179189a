"""Libraries are made once, whole, in a folder that is the user's alone, or an error says why."""

import ctypes
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from seedbed.compiler import kept
from seedbed.compiler.compilation import Compilation, CompilerError, check, command
from seedbed.compiler.kept import is_whole, kept_folder

TEXT = "int answer(void) { return %d; }\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where libraries are kept, beside a home of nobody's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "seedbed" / "steps"


def answer(path: Path) -> int:
    found: int = ctypes.CDLL(str(path)).answer()
    return found


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_library_is_made_once_and_kept_beside_its_text(folder: Path) -> None:
    path = Compilation(TEXT % 41).wait()
    assert answer(path) == 41
    assert path.parent == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert path.with_suffix(".c").read_text() == TEXT % 41
    before = path.stat().st_ino
    again = Compilation(TEXT % 41)
    assert again.found() == path
    assert again.wait() == path
    assert path.stat().st_ino == before
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"\x7fELF", None], ids=["empty", "cut off", "changed"])
def test_a_damaged_library_is_made_anew(damage: bytes | None) -> None:
    path = Compilation(TEXT % 42).wait()
    content = path.read_bytes()
    changed = content[:200] + bytes([content[200] ^ 1]) + content[201:]
    path.unlink()  # it may be loaded
    path.write_bytes(changed if damage is None else damage)
    assert not is_whole(path)
    again = Compilation(TEXT % 42)
    assert again.found() is None
    assert is_whole(again.wait())


def test_another_compiler_has_libraries_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Compilation(TEXT % 43).path
    own = script(tmp_path / "mine", f'touch {tmp_path}/called; exec cc "$@"')
    monkeypatch.setenv("CC", f"{own} -DX='a b'")
    assert command() == [str(own), "-DX=a b"]
    other = Compilation(TEXT % 43)
    assert other.path != first
    assert answer(other.wait()) == 43
    assert (tmp_path / "called").exists()
    script(own, 'exec cc -O1 "$@"  # another version')
    assert Compilation(TEXT % 43).path not in (first, other.path)


def test_a_library_leaves_the_smallest_numbers_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = script(tmp_path / "fast", 'exec cc -funsafe-math-optimizations "$@" -ffast-math')
    monkeypatch.setenv("CC", str(fast))
    path = Compilation(TEXT % 50).wait()
    halved = f"import ctypes; ctypes.CDLL({str(path)!r}); print(float('1e-308') / 4 > 0)"
    done = subprocess.run([sys.executable, "-c", halved], capture_output=True, text=True)
    assert done.stdout == "True\n"  # another process, as what is changed stays so


def test_no_compiler_is_said_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "nowhere")
    with pytest.raises(CompilerError, match="CC=nowhere is no program; install gcc or clang"):
        Compilation(TEXT % 1)
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompilerError, match="no 'cc' on PATH; install gcc or clang"):
        check()


def test_a_compiler_that_fails_is_named_and_leaves_nothing(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", str(script(tmp_path / "bad", "exit 3")))
    with pytest.raises(CompilerError, match=r"bad ends with 3"):
        Compilation(TEXT % 1).wait()
    with pytest.raises(CompilerError, match=r"bad fails; name another with CC"):
        check()
    assert not list(folder.glob("*.so"))
    assert not list(folder.glob("*.part"))
    monkeypatch.delenv("CC")
    with pytest.raises(CompilerError, match="ends with 1"):
        Compilation("no C at all\n").wait()
    check()


@pytest.mark.parametrize("wrong", ["writable", "of the folder above", "a link"])
def test_a_folder_that_others_can_write_into_is_not_used(folder: Path, wrong: str) -> None:
    assert kept_folder() == folder
    if wrong == "writable":
        folder.chmod(0o777)
    elif wrong == "a link":
        folder.rename(folder.with_name("elsewhere"))
        folder.symlink_to(folder.with_name("elsewhere"))
    else:
        folder.parent.chmod(0o775)
    assert kept_folder() is None
    with pytest.raises(CompilerError, match="yours alone; set XDG_CACHE_HOME"):
        Compilation(TEXT % 1)
    folder.parent.chmod(0o755)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can give a folder away")
def test_a_folder_of_somebody_else_is_not_used(folder: Path) -> None:
    assert kept_folder() == folder
    os.chown(folder, 12345, 12345)
    assert kept_folder() is None


def test_a_folder_is_the_users_alone_where_groups_may_write_by_default(folder: Path) -> None:
    folder.parents[1].mkdir(mode=0o755)
    before = os.umask(0o002)
    try:
        assert kept_folder() == folder
    finally:
        os.umask(before)


def test_a_folder_that_cannot_be_made_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert kept_folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kept_folder() == tmp_path / ".cache" / "seedbed" / "steps"


def test_two_that_compile_at_once_start_one_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = script(tmp_path / "slow", f'echo x >> {tmp_path}/calls; sleep 0.2; exec cc "$@"')
    monkeypatch.setenv("CC", str(slow))
    both = [Compilation(TEXT % 44) for _ in range(2)]
    found: list[Path] = []
    threads = [threading.Thread(target=lambda one=one: found.append(one.wait())) for one in both]  # type: ignore[misc]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [answer(path) for path in found] == [44, 44]
    assert (tmp_path / "calls").read_text() == "x\n"


def test_one_that_is_not_needed_any_more_is_ended(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = script(tmp_path / "slow", f"echo $$ > {tmp_path}/pid; exec sleep 60")
    monkeypatch.setenv("CC", str(slow))
    begun = Compilation(TEXT % 45)
    assert begun.advance() is None
    until = time.monotonic() + 10
    while not (tmp_path / "pid").exists() and time.monotonic() < until:
        time.sleep(0.01)
    begun.stop()
    number = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    assert not list(folder.glob("*.part"))


def test_one_that_is_nearly_done_is_waited_for_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = script(tmp_path / "slow", 'sleep 0.2; exec cc "$@"')
    monkeypatch.setenv("CC", str(slow))
    begun = Compilation(TEXT % 48)
    begun.wanted(9.0)
    assert begun.advance() is None
    begun.stop(seconds=60)
    found = Compilation(TEXT % 48).found()
    assert found is not None
    assert answer(found) == 48


def test_one_that_is_ended_is_not_started_by_every_sweep(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", str(script(tmp_path / "slow", "exec sleep 60")))
    begun = Compilation(TEXT % 49)
    begun.wanted(9.0)
    assert begun.advance() is None
    begun.stop(seconds=0.01)
    assert Compilation(TEXT % 49).wanted(0.125) == 0.125
    assert not list(folder.glob("*.part"))


def test_the_oldest_libraries_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 2)
    paths = []
    for number in range(3):
        paths.append(Compilation(TEXT % number).wait())
        os.utime(paths[-1], (number, number))
    Compilation(TEXT % 2).wait()
    assert sorted(folder.glob("*.so")) == sorted(paths[1:])
    assert len(list(folder.glob("*.c"))) == 2


def test_what_was_often_wanted_is_noted_until_it_is_made(folder: Path) -> None:
    first = Compilation(TEXT % 46)
    assert first.wanted(0.125) == 0.125
    assert Compilation(TEXT % 46).wanted(0.25) == 0.375
    assert Compilation(TEXT % 47).wanted(0.25) == 0.25
    (note,) = folder.glob(f"{first.path.stem}*")
    note.write_text("no number")
    assert first.wanted(1.0) == 1.0
    first.wait()
    assert len(list(folder.glob("*.wanted"))) == 1
