"""A run at a URL is one that lies here, whatever happens to the store and to whoever writes it."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest
from support import processes
from support.command_line import Command
from support.s3_server import S3Server
from support.waiting import wait_for

import seedbed as api
from seedbed.remote import mirroring, writers
from seedbed.remote.mirror import LeftThereError, Mirror
from seedbed.remote.names import is_ours
from seedbed.remote.store import Store, StoreError
from seedbed.remote.urls import Url
from seedbed.remote.writers import Mark

FILES = {
    ".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml", "config.yaml",
    "environment.json", "history.csv", "loss.png", "model.pth", "preprocessing.json",
    "result.json", "run.log", "status.json", "checkpoints/last.pt", "checkpoints/best.pt",
}  # fmt: skip
SLOW = """
import os, time, torch
PAUSE = float(os.environ.get("SEEDBED_TEST_PAUSE", 0))
class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, index):
        time.sleep(PAUSE)
        return torch.tensor([index, 1.0]), torch.tensor([2.0 * index])
"""
SLOWLY = ("data=dataset", "data.train={_target_:slow.Rows}", "allow=[slow]")
LONG = ("trainer.epochs=100000", "trainer.checkpoint_every=1 s", "hydra.run.dir=s3://lake/a")


def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str = "other") -> None:
    """From now on commands run as on another machine, with nothing in its cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))


@contextmanager
def training(*words: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = processes.Process(
        [sys.executable, "-m", "seedbed", "train", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "SEEDBED_TEST_PAUSE": "0.005"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_run_lies_at_its_url_whole_and_is_read_from_another_machine(
    seedbed: Command, s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere(monkeypatch, tmp_path, "first")
    words = ("trainer.epochs=3",)
    ended = seedbed("train", *words, "hydra.run.dir=s3://lake/runs/a/")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-1] == "run: s3://lake/runs/a"
    names = {name.removeprefix("runs/a/") for name in s3.names("lake") if name[-1] != "/"}
    names -= {".seedbed_owner"}
    assert {name for name in names if not name.startswith("events.")} == FILES
    everything = b"".join(s3.get(f"lake/runs/a/{name}") or b"" for name in names)
    assert s3.variables["AWS_SECRET_ACCESS_KEY"].encode() not in everything
    seedbed("train", *words, "hydra.run.dir=here")
    assert s3.get("lake/runs/a/model.pth") == Path("here/model.pth").read_bytes()
    elsewhere(monkeypatch, tmp_path)
    rows = ("--input", "[[10, 11]]")
    assert seedbed("predict", "s3://lake/runs/a", *rows) == seedbed("predict", "here", *rows)
    listed = json.loads(seedbed("runs", "s3://lake/runs", "--json").out)["runs"]
    assert [(one["path"], one["status"]) for one in listed] == [("s3://lake/runs/a", "completed")]
    assert not list((tmp_path / "other").rglob("runs/a/model.pth"))
    assert seedbed("runs", "s3://lake/runs/a").out.startswith("1 run in s3://lake/runs, ")
    again = seedbed("train", *words, "hydra.run.dir=s3://lake/runs/a")
    assert (again.code, again.err.count("holds a run already")) == (2, 1)


def test_a_sweep_lies_at_its_url(
    seedbed: Command, s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ended = seedbed("train", "-m", "seed=1,2", "trainer.epochs=2", "hydra.sweep.dir=s3://lake/s")
    assert ended.out.splitlines()[-1] == "sweep: s3://lake/s"
    elsewhere(monkeypatch, tmp_path)
    assert "best run" not in seedbed("compare", "s3://lake/s").err
    resumed = seedbed("resume", "s3://lake/s")
    assert (resumed.code, resumed.out.splitlines()[-1]) == (0, "sweep: s3://lake/s")
    assert seedbed("predict", "s3://lake/s/0_seed=1", "--input", "[[1, 2]]").code == 0


def test_a_run_in_a_pack_is_read_by_its_url(
    seedbed: Command, s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ("-m", "seed=1,2", "trainer.epochs=2", "sweep.layout=packed", "sweep.fuse=always")
    seedbed("train", *words, "hydra.sweep.dir=s3://lake/p")
    seedbed("train", *words, "hydra.sweep.dir=here")
    elsewhere(monkeypatch, tmp_path)
    rows = ("--input", "[[1, 2]]")
    read = seedbed("predict", "s3://lake/p/1_seed=2", *rows)
    assert read.code == 0, read.err
    assert read == seedbed("predict", "here/1_seed=2", *rows)
    none = seedbed("predict", "s3://lake/p/7_seed=8", *rows)
    assert (none.code, len(none.err.splitlines())) == (2, 1)
    assert "s3://lake/p/7_seed=8" in none.err
    resumed = seedbed("resume", "s3://lake/p/1_seed=2")
    assert resumed.err == (
        "error: 's3://lake/p/1_seed=2' lies in a pack; type seedbed resume 's3://lake/p'\n"
    )
    whole = s3.get("lake/p/stack_1.tar") or b""
    cut = whole.replace(b'"status": "completed"', b'"status": "running"  ')
    told = f'"host": "{os.uname().nodename}"'.encode()
    assert whole != cut
    s3.put("lake/killed/stack_1.tar", cut.replace(told, told.replace(b'": "', b'":"!')))
    s3.put("lake/killed/sweep.json", s3.get("lake/p/sweep.json") or b"")
    listed = seedbed("runs", "s3://lake/p", "s3://lake/killed")
    assert listed.out.startswith("4 runs in s3://lake, newest first:\nname ")
    found = [line.split()[0] for line in listed.out.splitlines()[2:]]
    expected = ["killed/0_seed=1", "killed/1_seed=2", "p/0_seed=1", "p/1_seed=2"]
    assert sorted(found) == expected, listed.out
    assert listed.out.count("interrupted") == 2, listed.out


def test_a_killed_run_goes_on_elsewhere_to_the_same_bits(
    seedbed: Command, s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    words = (*SLOWLY, "trainer.epochs=200", "trainer.checkpoint_every='10 steps'")
    with training(*words, "hydra.run.dir=s3://lake/a") as process:
        wait_for(lambda: s3.get("lake/a/checkpoints/last.pt") and s3.get("lake/a/status.json"))
        elsewhere(monkeypatch, tmp_path)
        listed = json.loads(seedbed("runs", "s3://lake", "--json").out)["runs"]
        refused = seedbed("resume", "s3://lake/a")
        assert "is being written by process" in refused.err
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [one["name"] for one in listed] == ["a"]
    wait_for(lambda: not [n for n in s3.names("lake") if "_writer/" in n and n[-1] != "/"])
    monkeypatch.setenv("SEEDBED_ALLOW", "slow")
    ended = seedbed("resume", "s3://lake/a")
    assert ended.code == 0, ended.err
    assert "going on in epoch" in ended.out
    seedbed("train", *words, "hydra.run.dir=whole")
    assert s3.get("lake/a/model.pth") == Path("whole/model.pth").read_bytes()


class Line:
    """A connection to the server that can be cut, as a cable is."""

    def __init__(self, port: int) -> None:
        self.to, self.whole = port, True
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                if self.server.fileno() < 0:
                    return
                continue
            if not self.whole:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                near.close()
                continue
            self.open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        try:
            while piece := one.recv(2**16):
                other.sendall(piece)
        except OSError:
            pass
        for end in (one, other):
            end.close()

    def cut(self) -> None:
        self.whole = False
        for end in self.open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        self.server.close()


@pytest.fixture
def line(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    made = Line(s3.port)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{made.port}")
    yield made
    made.close()


def test_a_store_that_is_lost_ends_no_run_and_gets_all_of_it_later(
    seedbed: Command, s3: S3Server, line: Line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    monkeypatch.setenv("SEEDBED_UPLOAD_SECONDS", "0")
    with training(*SLOWLY, *LONG) as process:
        wait_for(lambda: s3.get("lake/a/checkpoints/last.pt") and s3.get("lake/a/status.json"))
        line.cut()
        time.sleep(3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=120)[0].decode()
    assert process.returncode != 0
    assert "it cannot be reached" in said
    assert "the last state was not written there; it lies in '" in said
    assert json.loads(s3.get("lake/a/status.json") or b"")["status"] == "running"
    (folder,) = re.findall(r"it lies in '([^']+)'", said)[-1:]
    assert json.loads((Path(folder) / "status.json").read_text())["status"] == "interrupted"
    line.whole = True
    monkeypatch.setenv("SEEDBED_ALLOW", "slow")
    ended = seedbed("resume", "s3://lake/a", "optimizer.lr=1")
    assert ended.code == 2, ended.out  # refused, and what was here is there all the same
    assert json.loads(s3.get("lake/a/status.json") or b"")["status"] == "interrupted"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://nowhere/a", "'s3://nowhere/a': there is no such bucket"),
        ("s3://k:hidden@lake/a", "has a user or a password"),
        ("memory://a", "cannot keep runs"),
        ("https://host/a", "cannot keep runs"),
        ("s3://lake//a", "has an empty part"),
    ],
)
def test_where_no_run_can_be_kept_is_told_before_it_begins(
    seedbed: Command, s3: S3Server, url: str, said: str
) -> None:
    ended = seedbed("train", "trainer.epochs=1", f"hydra.run.dir={url}")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert said in ended.err
    assert "hidden" not in ended.err
    assert "epoch 1" not in ended.out


def test_a_run_that_keeps_its_log_alone_goes_to_no_url(seedbed: Command) -> None:
    ended = seedbed("train", "trainer.fast_dev_run=true", "hydra.run.dir=s3://lake/a")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "keeps the log alone, and on this machine" in ended.err


def test_commands_that_change_a_run_are_refused(seedbed: Command) -> None:
    for words in (("tag", "x"), ("remove",), ("note", "x"), ("unpack",)):
        assert "is a URL" in seedbed(words[0], "s3://lake/a", *words[1:]).err
    assert (
        "write a file here" in seedbed("predict", ".", "--input", "1", "--output", "s3://a/b").err
    )


@pytest.mark.parametrize(
    "name", ["../x", "a/../config.yaml", "/config.yaml", "a\\config.yaml", "a/\x1b/config.yaml",
             "evil.py", ".bashrc", "a//config.yaml", "checkpoints/x.pt", ".before/status.json",
             "0_seed=1/.before/checkpoints/last.pt", ".before.tmp/config.yaml"]
)  # fmt: skip
def test_no_name_of_a_store_reaches_beyond_the_files_of_runs(name: str) -> None:
    assert not is_ours(name)


def test_how_a_run_stands_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("status.json", "result.json", "model.pth", "config.yaml", "checkpoints/last.pt",
                 "checkpoints/best.pt", "events.out.tfevents.1.a.1.0", ".status.json.1.tmp",
                 "job/status.json", "job/config.yaml", "sweep.json", "own.txt"):  # fmt: skip
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    order = []
    monkeypatch.setattr(Store, "write", lambda self, url, file: order.append(url.place))
    mirror = Mirror(Store(Url("memory", "r")), Url("memory", "r"), tmp_path / "run")
    mirror.write()
    assert order[:2] == ["r/job/config.yaml", "r/job/status.json"]
    assert order[-5:] == [
        "r/checkpoints/last.pt", "r/model.pth", "r/result.json", "r/status.json", "r/sweep.json"
    ]  # fmt: skip
    assert not any("own.txt" in one or ".tmp" in one for one in order)
    order.clear()
    mirror.write()
    assert not order


def test_a_heartbeat_has_nothing_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("status.json", "stack_1.tar", "history.csv"):
        (tmp_path / name).write_text(name)
    order: list[str] = []
    monkeypatch.setattr(Store, "write", lambda self, url, file: order.append(url.name))
    mirror = Mirror(Store(Url("memory", "r")), Url("memory", "r"), tmp_path)
    mirror.write()
    assert sorted(order) == ["history.csv", "stack_1.tar", "status.json"]
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    order.clear()
    before = mirroring._checkpoints(mirror)
    mirror.write()
    assert order == ["history.csv"]
    os.utime(tmp_path / "status.json", (2, 2))
    assert mirroring._checkpoints(mirror) == before
    with (tmp_path / "status.json").open("r+") as file:  # as long as it was, and the same inode
        file.write("S")
    with (tmp_path / "stack_1.tar").open("a") as file:
        file.write("more")
    order.clear()
    mirror.write()
    assert order == ["stack_1.tar", "status.json"]


@pytest.fixture
def place() -> Iterator[Url]:
    """A URL in the memory of this process."""
    yield Url("memory", "r")
    fsspec.filesystem("memory").store.clear()


def test_a_mark_stays_however_long_anything_takes(
    place: Url, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "BEAT_SECONDS", 0.01)
    store = Store(place)
    mark = Mark(store, place)
    with mark.held():
        mark.take_over()
        store.remove(mark.place)
        wait_for(lambda: store.look(mark.place))
        Mark(store, place).take_over()
        time.sleep(0.1)
        store.remove(mark.place)
        time.sleep(0.1)
        assert not store.look(mark.place), "it has a successor"
    assert not store.below(place.below(".seedbed_writer"))


def test_what_a_run_takes_away_goes_from_its_url_too(place: Url, tmp_path: Path) -> None:
    """A run that is brought from there would go on from checkpoints of an earlier start."""
    names = ("sweep.json", "stack_1.tar", "stack_2.tar", "0_/status.json", "0_/checkpoints/last.pt",
             "0_/events.out.tfevents.1.a.1.0", "1_/status.json", "1_/model.pth")  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    store = Store(place)
    store.write_bytes(place.below("0_/own.pt"), b"somebody else's")
    mirror = Mirror(store, place, tmp_path)
    mirror.write()
    assert {*store.below(place)} == {*names, "0_/own.pt"}
    (tmp_path / "stack_1.tar").unlink()
    (tmp_path / "0_/checkpoints/last.pt").unlink()
    shutil.rmtree(tmp_path / "1_")  # the run itself is gone here: by whose hand is not known
    mirror.write()
    left = {*names, "0_/own.pt"} - {"stack_1.tar", "0_/checkpoints/last.pt"}
    assert {*store.below(place)} == left
    again = Mirror(store, place, tmp_path)  # a start later
    (tmp_path / "0_/events.out.tfevents.1.a.1.0").unlink()
    again.go_on_from({*store.below(place)})
    again.write()
    assert {*store.below(place)} == left - {"0_/events.out.tfevents.1.a.1.0"}
    shutil.rmtree(tmp_path)
    again.write()
    assert {*store.below(place)} == left - {"0_/events.out.tfevents.1.a.1.0"}


@pytest.mark.parametrize("passing", [False, True])
def test_what_a_store_does_not_let_go_stays_and_is_told(
    place: Url,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    passing: bool,
) -> None:
    """The rest is written, whatever the store says, and no run that has ended fails by it."""
    for name in ("status.json", "model.pth"):
        (tmp_path / name).write_text(name)
    mirror = Mirror(Store(place), place, tmp_path)
    mirror.write()

    def remove(self: Store, url: Url) -> None:
        raise StoreError("no right", passing=passing)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "remove", remove)
        (tmp_path / "model.pth").unlink()
        (tmp_path / "status.json").write_text("newer")
        with pytest.raises(LeftThereError, match="no right") if passing else nullcontext():
            mirror.write()
        assert mirror.refusal == "no right"
        assert Store(place).content(place.below("status.json"), 9) == b"newer"
        patched.setenv("SEEDBED_UPLOAD_SECONDS", "0")
        mirroring._end(mirror, Mark(Store(place), place))
        assert capfd.readouterr().err.startswith("note: no right, so what '")
    mirror.write()
    assert [*Store(place).below(place)] == ["status.json"]
    assert not mirror.refusal


@pytest.mark.parametrize(
    "said",
    [
        "google::cloud::Status(PERMISSION_DENIED: the caller has not storage.objects.delete)",
        "This request is not authorized ErrorCode:AuthorizationPermissionMismatch",
    ],
    ids=["Google", "Azure"],
)
def test_a_right_that_a_key_has_not_is_not_waited_for(
    place: Url, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    def refuse(name: str) -> None:
        raise OSError(said)

    store = Store(place)
    monkeypatch.setattr(store, "_fs", SimpleNamespace(delete_file=refuse))
    with pytest.raises(StoreError, match="access is denied") as raised:
        store.remove(place.below("model.pth"))
    assert not raised.value.passing


def test_a_writer_that_has_a_successor_writes_no_more(place: Url, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("a: 1")
    store = Store(place)
    first, second = Mark(store, place), Mark(store, place)
    first.take_over()
    mirror = Mirror(store, place, tmp_path)
    mirroring._end(mirror, first)
    assert store.content(place.below("config.yaml"), 100) == b"a: 1"
    second.take_over()
    (tmp_path / "config.yaml").write_text("a: 22")
    with pytest.raises(StoreError, match="is written by another process since"):
        mirroring._end(mirror, first)
    assert store.content(place.below("config.yaml"), 100) == b"a: 1"
    mirroring._end(mirror, second)
    assert store.content(place.below("config.yaml"), 100) == b"a: 22"


def test_a_run_that_was_read_from_a_url_goes_on_there(
    seedbed: Command, s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seedbed("train", "trainer.epochs=1", "hydra.run.dir=s3://lake/a")
    elsewhere(monkeypatch, tmp_path)
    read = api.load_run("s3://lake/a")
    assert len(api.resume(read, "trainer.epochs=2").history["epoch"]) == 2  # type: ignore[union-attr]
    assert (s3.get("lake/a/history.csv") or b"").count(b"\n") == 3
    ended = seedbed("resume", str(read.path), "trainer.epochs=3")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "run: s3://lake/a")
    assert (s3.get("lake/a/history.csv") or b"").count(b"\n") == 4


@pytest.mark.parametrize("url", ["s3://lake/s", "file:///s"])
def test_other_launchers_keep_no_sweep_at_a_url(seedbed: Command, url: str) -> None:
    words = ("-m", "seed=1,2", "hydra/launcher=basic", f"hydra.sweep.dir={url}")
    ended = seedbed("train", *words)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert f"hydra.sweep.dir={url}: hydra/launcher=basic writes into folders alone" in ended.err
    assert not [path for path in Path().iterdir() if ":" in path.name]


def test_writers_that_may_be_no_more_are_waited_for_once(
    place: Url, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, waits = Store(place), []
    runs = [place.below(name) for name in ("a", "b", "none")]
    for url in runs[:2]:
        store.write_bytes(url.below(".seedbed_writer/x"), b"{}")

    def wait(seconds: float) -> None:
        waits.append(seconds)
        store.write_bytes(runs[1].below(".seedbed_writer/x"), b"{ }")

    monkeypatch.setattr(writers, "_is_young", lambda mark: False)
    monkeypatch.setattr(time, "sleep", wait)
    assert writers.living(store, runs) == {runs[1]}
    assert len(waits) == 1


def test_where_there_is_no_run_nothing_is_left(seedbed: Command, s3: S3Server) -> None:
    for words in (("resume",), ("compare",), ("confirm",), ("predict", "--input", "[[1, 2]]")):
        ended = seedbed(words[0], "s3://lake/none", *words[1:])
        assert ended.code == 2
        assert ended.err == "error: there is no run at 's3://lake/none', nor any below it\n"
    assert [name for name in s3.names("lake") if name[-1] != "/"] == []
    s3.put("lake/a/config.yaml", b"a: 1")
    ended = seedbed("confirm", "s3://lake/a")
    assert ended.err == "error: 's3://lake/a' is no sweep: it has no sweep.json\n"


@pytest.mark.parametrize("key", ["init.run", "init.weights"])
def test_a_run_starts_from_no_url(seedbed: Command, key: str) -> None:
    ended = seedbed("validate", f"{key}=s3://lake/a")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert f"{key}: 's3://lake/a' is a URL, and a run starts from files" in ended.err


def test_a_stranger_s_object_where_a_folder_should_be_is_told(
    seedbed: Command, s3: S3Server
) -> None:
    s3.put("lake/a/config.yaml", b"a: 1")
    s3.put("lake/a/config.yaml/config.yaml", b"a: 1")
    s3.put("lake/b/status.json", b"[]")
    ended = seedbed("runs", "s3://lake/a")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "cannot write '" in ended.err
    ended = seedbed("runs", "s3://lake/b")
    assert "what reads URLs ended" not in ended.err


def test_the_page_does_what_it_says_of_runs(seedbed: Command, s3: S3Server) -> None:
    page = (Path(__file__).parents[2] / "docs" / "remote.md").read_text(encoding="utf-8")
    _, second = re.findall(r"^```sh\n(.*?)^```$", page, flags=re.M | re.S)
    for text in second.splitlines():
        ended = seedbed(*shlex.split(text)[1:])
        assert ended.code == 0, (text, ended.err)
