"""Packs: Python's `tarfile` reads what we write; what it writes is read, or refused in one line."""

import io
import json
import os
import signal
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.errors import DirectoryTakenError, RunDirectoryError
from seedbed.runs.lock import DirectoryLock, is_being_written
from seedbed.runs.pack import Pack
from seedbed.runs.pack_rewriting import remove_unfinished_packs, without_runs
from seedbed.runs.pack_writer import PackWriter
from seedbed.runs.stored import (
    is_stored,
    numbers_of_packs,
    open_stored,
    pack_of,
    packs_of,
    stored_bytes,
)
from seedbed.runs.tar_members import Headers
from seedbed.runs.unpacking import Unpacking

FORMAT = json.dumps({"format": 1}).encode()
NAMES = ["config.yaml", "history.csv", "checkpoints/last.pt", ".hydra/hydra.yaml", "status.json"]


def written(sweep: Path, files: dict[str, bytes], number: int = 1) -> Path:
    with PackWriter(sweep, number) as pack:
        for name, content in files.items():
            pack.write(sweep / name, content)
    return pack.path


def unclosed(path: Path) -> Path:
    """Without its index and its end, as a process leaves it that is killed: the headers tell."""
    os.truncate(path, Pack(path).contents.end)
    assert not Pack(path).contents.is_whole
    return path


def read_back(path: Path) -> dict[str, bytes]:
    pack = Pack(path)
    return {f"{run}/{name}": content for run in pack.runs for name, content in pack.whole_run(run)}


def by_tarfile(path: Path, folder: Path) -> dict[str, bytes]:
    """What Python's own reader unpacks, but for what is no run's."""
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in folder.rglob("*")
        if one.is_file() and not str(one.relative_to(folder)).startswith(".seedbed")
    }


files = st.dictionaries(
    st.tuples(st.sampled_from(["0_a", "1_b=0.1", "ä ö", "x" * 155]), st.sampled_from(NAMES)).map(
        "/".join
    ),
    st.binary(max_size=2000),
    max_size=12,
)


@settings(max_examples=30, deadline=None)
@given(first=files, then=files, shared=st.binary(max_size=600))
def test_tarfile_unpacks_what_we_write(
    first: dict[str, bytes],
    then: dict[str, bytes],
    shared: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    sweep = tmp_path_factory.mktemp("sweep")
    with PackWriter(sweep, 1) as pack:
        for name, content in first.items():
            pack.write(sweep / name, content)
        for name in first:
            pack.write_same(sweep / name.partition("/")[0] / "environment.json", shared)
        for name, content in then.items():
            pack.append(sweep / name, content)
    wanted = {name: first.get(name, b"") + then.get(name, b"") for name in {**first, **then}}
    wanted |= {f"{name.partition('/')[0]}/environment.json": shared for name in first}
    assert read_back(pack.path) == wanted
    assert by_tarfile(pack.path, tmp_path_factory.mktemp("unpacked")) == wanted


def test_contents_that_runs_share_are_there_once(tmp_path: Path) -> None:
    with PackWriter(tmp_path, 1) as pack:
        for run in range(50):
            pack.write_same(tmp_path / str(run) / "environment.json", b"x" * 10_000)
    assert pack.path.stat().st_size < 50_000


def test_what_was_replaced_often_is_taken_out_at_the_end(tmp_path: Path) -> None:
    content = os.urandom(200_000)
    with PackWriter(tmp_path, 1) as pack:
        for _ in range(40):
            pack.write(tmp_path / "0" / "model.pth", content)
            pack.write_same(tmp_path / "0" / "environment.json", b"equal")
            pack.write_same(tmp_path / "1" / "environment.json", b"equal")
    assert pack.path.stat().st_size < 300_000
    assert read_back(pack.path) == {
        "0/model.pth": content, "0/environment.json": b"equal", "1/environment.json": b"equal"
    }  # fmt: skip
    assert Pack(pack.path).contents.is_whole
    assert list(tmp_path.iterdir()) == [pack.path]


def test_cut_anywhere_it_holds_what_was_written_before(tmp_path: Path) -> None:
    """As a process leaves it that was killed: whole files, in the order in which they came."""
    steps = [(f"{run}/{name}", os.urandom(700)) for run in range(3) for name in NAMES[:3]]
    path = written(tmp_path, dict(steps))
    whole = path.read_bytes()
    cut = tmp_path / "stack_2.tar"
    seen = set()
    for size in range(0, len(whole), 97):
        cut.write_bytes(whole[:size])
        found = read_back(cut)
        assert list(found.items()) == steps[: len(found)]
        assert not Pack(cut).contents.is_whole or size > len(whole) - 1024
        seen.add(len(found))
    assert seen == set(range(len(steps) + 1))


@pytest.mark.parametrize("moment", range(6))
def test_killed_at_any_moment_it_is_whole(tmp_path: Path, moment: int) -> None:
    child = os.fork()
    if not child:
        pack = PackWriter(tmp_path, 1)
        for number in range(10**6):
            content = bytes([number % 256]) * (number % 5000)
            pack.write(tmp_path / str(number % 7) / "history.csv", content)
            if number % 3 == 0:
                pack.commit()
        os._exit(0)
    path = tmp_path / "stack_1.tar"
    while not path.exists() or path.stat().st_size < 1 + moment * 400_000:
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for content in read_back(path).values():
        assert content == content[:1] * len(content)
    assert not is_being_written(path)


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes], about: bytes = FORMAT) -> Path:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for info, content in [(named(".seedbed/format.json"), about), *members]:
            info.size = len(content) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(content))
    return path


def named(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def with_prefix(path: Path, old: str, new: bytes) -> None:
    """The folder of the first run gets another name."""
    content = bytearray(path.read_bytes())
    block = content.find(old.encode() + b"\0") - 345
    content[block + 345 : block + 500] = new.ljust(155, b"\0")
    path.write_bytes(checked_again(content, block))


def checked_again(content: bytearray, block: int) -> bytearray:
    """With the checksum of a header that was changed."""
    header = content[block : block + 512]
    header[148:156] = b" " * 8
    content[block + 148 : block + 156] = b"%06o\0 " % sum(header)
    return content


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (named("0/config.yaml", tarfile.SYMTYPE, "/etc/passwd"), "of the kind b'2'"),
        (named("0/config.yaml", tarfile.LNKTYPE, "/etc/passwd"), "'/etc/passwd' is not there"),
        (named("0/config.yaml", tarfile.LNKTYPE, ".seedbed/9"), r"'\.seedbed/9' is not there"),
        (named("0", tarfile.DIRTYPE), "of the kind b'5'"),
        (named("0/pipe", tarfile.FIFOTYPE), "of the kind b'6'"),
        (named("../../evil"), r"no file of a run|no name of a run"),
        (named("/etc/passwd"), r"no file of a run|no name of a run"),
        (named("config.yaml"), "no file of a run"),
    ],
    ids=["symlink", "hard link", "unknown link", "folder", "pipe", "above", "absolute", "no run"],
)
def test_a_strange_member_is_refused(tmp_path: Path, info: tarfile.TarInfo, reason: str) -> None:
    path = tar(tmp_path / "stack_1.tar", (info, b""))
    with pytest.raises(RunDirectoryError, match=reason):
        Pack(path)


@pytest.mark.parametrize("name", [b"..", b".a", b"a/", b"a\\", b"\x1b[", b"\xff\xfe"])
def test_a_run_of_a_strange_name_is_refused(tmp_path: Path, name: bytes) -> None:
    path = unclosed(written(tmp_path, {"ab/config.yaml": b"a: 1"}))
    with_prefix(path, "ab", name)
    with pytest.raises(RunDirectoryError, match="damaged, or no pack of runs"):
        Pack(path)


@pytest.mark.parametrize(
    ("about", "reason"),
    [(b'{"format": 2}', "of a newer Seedbed"), (b'{"format": null}', "format is None"),
     (b"[" * 5000, "damaged"), (b"no JSON", "damaged"), (b"[]", "damaged")],
)  # fmt: skip
def test_another_format_is_refused(tmp_path: Path, about: bytes, reason: str) -> None:
    with pytest.raises(RunDirectoryError, match=reason):
        Pack(tar(tmp_path / "stack_1.tar", about=about))


def test_a_file_that_says_to_be_larger_than_the_pack_is_cut_off(tmp_path: Path) -> None:
    path = unclosed(written(tmp_path, {"0/config.yaml": b"a: 1"}))
    content = bytearray(path.read_bytes())
    at = content.find(b"config.yaml\0")
    content[at + 124 : at + 136] = b"77777777777\0"
    path.write_bytes(checked_again(content, at))
    assert read_back(path) == {}
    assert not Pack(path).contents.is_whole


def test_a_wrong_checksum_is_told_with_its_place(tmp_path: Path) -> None:
    path = unclosed(written(tmp_path, {"0/config.yaml": b"a: 1", "1/config.yaml": b"a: 1"}))
    content = bytearray(path.read_bytes())
    content[content.rfind(b"config.yaml\0")] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunDirectoryError, match=r"a checksum is wrong, at byte 2048"):
        Pack(path)


RUNS = {"0/config.yaml": b"a: 1", "1/config.yaml": b"a: 2", "1/model.pth": b"x" * 700}


def with_index(path: Path, index: bytes, begin: int | None = None) -> Path:
    """A pack of ours with another index."""
    unclosed(path)
    at = path.stat().st_size if begin is None else begin
    where = json.dumps({"index": at}).encode()
    with path.open("ab") as file:
        for name, content in (("index.json", index), ("end.json", where)):
            file.write(Headers().of(".seedbed", name, len(content)) + content)
            file.write(bytes(-len(content) % 512))
        file.write(bytes(1024))
    return path


def test_the_index_tells_what_the_headers_do(tmp_path: Path) -> None:
    path = written(tmp_path, RUNS)
    indexed = Pack(path).contents
    assert indexed.is_whole
    assert read_back(path) == RUNS
    assert {run: indexed.files(run) for run in indexed.runs} == {
        run: told.files(run) for told in [Pack(unclosed(path)).contents] for run in told.runs
    }


@pytest.mark.parametrize(
    "index",
    [
        b"", b"[]", b"null", b"[" * 100_000, b'{"names": ["config.yaml"]}',
        b'{"names": ["../evil"], "runs": {"0": [0, 512, 1]}}',
        b'{"names": ["config.yaml"], "runs": {"..": [0, 512, 1]}}',
        b'{"names": ["config.yaml"], "runs": {"0": []}}',
        b'{"names": ["config.yaml"], "runs": {"0": [0, 512]}}',
        b'{"names": ["config.yaml"], "runs": {"0": [1, 512, 1]}}',
        b'{"names": ["config.yaml"], "runs": {"0": [0, -512, 1]}}',
        b'{"names": ["config.yaml"], "runs": {"0": [0, 512, 99999999]}}',
        b'{"names": ["config.yaml"], "runs": {"0": [0, 512, 1e300]}}',
        b'{"names": ["config.yaml"], "runs": {"0": [0, 512, 1000000000000000000000000]}}',
        b'{"names": ["config.yaml"], "runs": {"0": ["0", 512, 1]}}',
    ],
)  # fmt: skip
def test_an_index_that_is_none_is_not_believed(tmp_path: Path, index: bytes) -> None:
    assert read_back(with_index(written(tmp_path, RUNS), index)) == RUNS


def test_an_index_whose_files_lie_over_each_other_is_not_believed(tmp_path: Path) -> None:
    """Unpacked, they would have a multiple of the pack's bytes."""
    path = written(tmp_path, RUNS)
    names = [f"events.out.tfevents.{number}" for number in range(100)]
    places = [n for number in range(100) for n in (number, number, 2048)]
    index = json.dumps({"names": names, "runs": {"0": places}}).encode()
    assert read_back(with_index(path, index)) == RUNS


@pytest.mark.parametrize("begin", [-1, 0, 1, 512, 10**12])
def test_an_index_at_another_place_is_not_believed(tmp_path: Path, begin: int) -> None:
    index = b'{"names": ["config.yaml"], "runs": {"0": [0, 512, 1]}}'
    assert read_back(with_index(written(tmp_path, RUNS), index, begin)) == RUNS


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/etc")])
def test_what_is_no_plain_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "stack_1.tar")
    with pytest.raises(RunDirectoryError):
        Pack(tmp_path / "stack_1.tar")


def test_a_full_disk_leaves_the_pack_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def full(number: int, content: bytes) -> int:
        write(number, content[:100])
        raise OSError(28, "No space left on device")

    pack = PackWriter(tmp_path, 1)
    pack.write(tmp_path / "0" / "config.yaml", b"a: 1")
    pack.commit()
    before = pack.path.read_bytes()
    pack.write(tmp_path / "0" / "history.csv", b"epoch\n1\n")
    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        with pytest.raises(RunDirectoryError, match=r"cannot write '.*stack_1\.tar': No space"):
            pack.commit()
    assert pack.path.read_bytes() == before
    pack.close()  # there is room again
    assert read_back(pack.path)["0/history.csv"] == b"epoch\n1\n"


def test_a_pack_is_locked_while_it_is_written(tmp_path: Path) -> None:
    pack = PackWriter(tmp_path, 1)
    pack.write(tmp_path / "0" / "config.yaml", b"a: 1")
    pack.commit()
    assert is_being_written(pack.path)
    with pytest.raises(DirectoryTakenError):
        without_runs(pack.path, lambda run: True)
    pack.close()
    assert not is_being_written(pack.path)


def test_runs_that_are_taken_out_are_gone_for_good(tmp_path: Path) -> None:
    secret = b"a secret of run 1"
    path = written(tmp_path, {f"{n}/config.yaml": secret if n == 1 else b"a" for n in range(3)})
    without_runs(path, lambda run: run == "1")
    assert sorted(read_back(path)) == ["0/config.yaml", "2/config.yaml"]
    assert secret not in path.read_bytes()
    without_runs(path, lambda run: True)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_wrote_beside_a_pack_goes(tmp_path: Path) -> None:
    path = written(tmp_path, RUNS)
    half = tmp_path / ".stack_1.tar.4194304.tmp"
    others = [tmp_path / name for name in (".report.html.4194304.tmp", ".stack_1.tar", "a.tmp")]
    for file in (half, *others):
        file.write_bytes(b"half")
    lock = DirectoryLock(path)
    remove_unfinished_packs(tmp_path)
    assert half.exists()  # `remove RUN` may be writing it
    lock.release()
    remove_unfinished_packs(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


def test_a_later_pack_counts_and_a_directory_counts_more(tmp_path: Path) -> None:
    config = tmp_path / "0" / "config.yaml"
    for number in (1, 2, 10):
        written(tmp_path, {"0/config.yaml": b"%d" % number}, number)
    with open_stored(config) as file:
        assert file.read() == b"10"
    assert (is_stored(config), stored_bytes(config)) == (True, 2)
    config.parent.mkdir()
    assert pack_of(config.parent) is None
    assert not is_stored(config)
    config.write_bytes(b"own")
    with open_stored(config) as file:
        assert file.read() == b"own"


def test_a_pack_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = written(tmp_path, {"0/config.yaml": b"a", "1/config.yaml": b"b"})
    assert pack_of(tmp_path / "1") is not None
    without_runs(path, lambda run: run == "1")
    assert pack_of(tmp_path / "1") is None
    (other,) = packs_of(tmp_path).every()
    assert list(other.runs) == ["0"]


def test_the_latest_pack_of_a_run_counts_however_many_are_read(tmp_path: Path) -> None:
    for number, runs in ((1, "01"), (3, "0"), (20, "2")):
        written(tmp_path, {f"{run}/config.yaml": b"a" for run in runs}, number)
    (tmp_path / "stack_4.tar").write_bytes(b"no pack" * 200)
    packs = packs_of(tmp_path)

    def told(run: str, latest: int | None = None) -> str | None:
        pack = packs.of(run, latest)
        return None if pack is None else pack.path.name

    def check() -> None:
        names = ["stack_3.tar", "stack_1.tar", "stack_20.tar"]
        assert [told(run) for run in "012"] == names
        with pytest.raises(RunDirectoryError, match=r"stack_4\.tar' is damaged"):
            told("3")  # which may be in it

    check()
    with packs.steady():
        check()
    ends = [told("0", latest) for latest in (0, 1, 2, 3)]
    assert ends == [None, "stack_1.tar", "stack_1.tar", "stack_3.tar"]
    assert told("2", 3) is None


def test_what_was_taken_away_is_in_no_closed_pack(tmp_path: Path) -> None:
    with PackWriter(tmp_path, 1) as pack:
        for run in ("0", "1"):
            for name in ("config.yaml", "run.log"):
                pack.write(tmp_path / run / name, f"{run}: {name}".encode())
        pack.remove(tmp_path / "0" / "run.log")
        pack.write(tmp_path / "2" / "run.log", b"all of it")
        pack.remove(tmp_path / "2" / "run.log")
    assert [*Pack(pack.path).runs] == ["0", "1"]
    assert {run: [*Pack(pack.path).contents.files(run)] for run in ("0", "1")} == {
        "0": ["config.yaml"],
        "1": ["config.yaml", "run.log"],
    }
    with tarfile.open(pack.path) as archive:
        assert "0/run.log" not in archive.getnames()
        assert {"0/config.yaml", "1/run.log"} <= {*archive.getnames()}


def test_a_stack_whose_pack_is_there_takes_a_later_name(tmp_path: Path) -> None:
    written(tmp_path, {"0/config.yaml": b"a"}, 3)
    assert PackWriter(tmp_path, 3).path.name == "stack_4.tar"
    after = numbers_of_packs(tmp_path, ["0", "1"])
    assert after == {"0": 3}
    assert PackWriter(tmp_path, 1, after["0"]).path.name == "stack_5.tar"
    assert PackWriter(tmp_path, 1).path.name == "stack_1.tar"


def test_a_pack_that_is_written_anew_meanwhile_gives_nobody_else_s_files(tmp_path: Path) -> None:
    """All files are as long: where run 2's was, run 3's is now."""
    runs = [str(number) for number in range(6)]
    path = written(tmp_path, {f"{run}/config.yaml": f"a: {run}".encode() for run in runs})
    with packs_of(tmp_path).steady():
        packs_of(tmp_path).every()
        pack = Pack(path)
        without_runs(path, lambda run: run == "1")
        for run in [run for run in runs if run != "1"]:
            with open_stored(tmp_path / run / "config.yaml") as file:
                assert file.read() == f"a: {run}".encode()
        with pytest.raises(FileNotFoundError):
            open_stored(tmp_path / "1" / "config.yaml")
    with pytest.raises(RunDirectoryError, match=r"stack_1\.tar' was written anew meanwhile"):
        Unpacking(pack, tmp_path).unpack("2")
    without_runs(path, lambda run: True)
    with pytest.raises(RunDirectoryError, match=r"stack_1\.tar' was written anew meanwhile"):
        pack.read("2", "config.yaml")
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_a_pack_reads_as_a_file(tmp_path: Path) -> None:
    content = os.urandom(30_000)
    pack = Pack(written(tmp_path, {"0/history.csv": b"epoch", "0/model.pth": content}))
    with pack.open("0", "model.pth") as file, io.BytesIO(content) as other:
        for seek in ((100, 0), (-50, 1), (-7, 2), (40_000, 0), (0, 0)):
            assert file.seek(*seek) == other.seek(*seek)
            assert file.read(9000) == other.read(9000)
            assert file.tell() == other.tell()
        with pytest.raises(ValueError, match="negative seek"):
            file.seek(-1)


@pytest.mark.parametrize(
    ("names", "size"),
    [
        (["model.pth"], 2**32),
        (["model.pth", *(f"events.out.tfevents.{n}" for n in range(9))], 2**26),
    ],
    ids=["one large file", "many small ones"],
)
def test_a_pack_of_holes_is_not_unpacked(tmp_path: Path, names: list[str], size: int) -> None:
    path = unclosed(written(tmp_path, {"0/config.yaml": b"a: 1"}))
    for name in names:
        with path.open("ab") as file:
            file.write(Headers().of("0", name, size))
        os.truncate(path, path.stat().st_size + size)
    pack = Pack(path)
    with pack.open("0", "model.pth") as file:
        assert file.read(10) == bytes(10)
    with pytest.raises(RunDirectoryError, match=r"more than it is on the disk"):
        Unpacking(pack, tmp_path).unpack("0")
    assert list(tmp_path.iterdir()) == [path]
