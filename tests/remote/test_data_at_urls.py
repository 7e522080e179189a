"""Rows at URLs are read as the same rows in a file are, and what is wrong with a URL is told."""

import io
import json
import re
import resource
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from support import processes
from support.command_line import Command
from support.s3_server import S3Server

ROWS = 60
CSV = "area,rooms,price\n" + "".join(f"{n * 7 % 13},{n % 5},{n * 3 + 1}\n" for n in range(ROWS))
QUICK = ("data.target=price", "trainer.epochs=2", "hydra.run.dir=run", "model.hidden=[2]")


def parquet() -> bytes:
    numbers = np.arange(ROWS)
    table = pa.table({"area": numbers * 7 % 13, "rooms": numbers % 5, "price": numbers * 3 + 1})
    content = io.BytesIO()
    pa.parquet.write_table(table, content)
    return content.getvalue()


def npz() -> bytes:
    content = io.BytesIO()
    numbers = np.arange(ROWS, dtype=np.float32)
    np.savez(content, x=np.stack([numbers % 13, numbers % 5], axis=1), price=numbers)
    return content.getvalue()


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()


@pytest.mark.parametrize(
    ("option", "name", "content"),
    [
        ("csv", "a b/é#?%20.csv", CSV.encode()),
        ("parquet", "t.parquet", parquet()),
        ("npz", "t.npz", npz()),
    ],
)
def test_rows_in_a_bucket_are_those_of_the_file(
    seedbed: Command, s3: S3Server, option: str, name: str, content: bytes
) -> None:
    s3.put(f"lake/{name}", content)
    Path("file").write_bytes(content)
    url = f"s3://lake/{name}"
    there = seedbed("train", f"data={option}", f'data.path="{url}"', *QUICK)
    assert there.code == 0, there.err
    here = seedbed(
        "train", f"data={option}", "data.path=file", *QUICK[:2], *QUICK[3:], "hydra.run.dir=here"
    )
    assert here.code == 0, here.err
    assert (
        Path("run/history.csv").read_text().split("\n")[1].split(",")[:4]
        == (Path("here/history.csv").read_text().split("\n")[1].split(",")[:4])
    )
    data = json.loads(Path("run/environment.json").read_text())["data"]
    assert list(data["files"]) == [url]
    assert data["sha256"] == json.loads(Path("here/environment.json").read_text())["data"]["sha256"]
    assert seedbed("reproduce", "run").code == 0


def test_several_files_in_buckets_are_one_table_on_any_machine(
    seedbed: Command, s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(2):
        s3.put(f"lake/{number}.parquet", parquet())
    paths = "[s3://lake/0.parquet,s3://lake/1.parquet]"
    there = seedbed("train", "data=parquet", f"data.path={paths}", *QUICK)
    assert there.code == 0, there.err
    told = json.loads(Path("run/environment.json").read_text())["data"]["files"]
    assert {"s3://lake/0.parquet", "s3://lake/1.parquet"} < {*told}
    assert not any("seedbed/remote" in name for name in told)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    again = seedbed("reproduce", "run")
    assert again.code == 0, again.err


def test_new_rows_and_labelled_rows_may_lie_at_a_url(
    seedbed: Command, s3: S3Server, table_run: Path
) -> None:
    rows = "w,h,color,kind\n1,2,red,a\n3,4,blue,b\n"
    s3.put("lake/new.csv", rows.encode())
    Path("new.csv").write_text(rows)
    for words in (("predict", str(table_run)), ("evaluate", str(table_run), "--csv")):
        assert seedbed(*words, "--file", "s3://lake/new.csv") == seedbed(
            *words, "--file", "new.csv"
        )


def test_an_object_that_is_written_again_is_read_again(seedbed: Command, s3: S3Server) -> None:
    s3.put("lake/t.csv", CSV.encode())
    assert seedbed("train", "data=csv", "data.path=s3://lake/t.csv", *QUICK).code == 0
    s3.put("lake/t.csv", CSV.replace("\n0,", "\n9,").encode())  # as long as it was
    changed = seedbed("reproduce", "run")
    assert changed.code == 2
    assert "data: 's3://lake/t.csv' has changed since the run 'run'" in changed.err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://lake/tt.csv", "no object 's3://lake/tt.csv'; did you mean 't.csv'?"),
        ("s3://nowhere/t.csv", "there is no bucket 'nowhere'"),
        ("s3://lake", "no object 's3://lake'; type s3://lake/NAME"),
    ],
)
def test_what_is_not_there_is_told(seedbed: Command, s3: S3Server, url: str, said: str) -> None:
    s3.put("lake/t.csv", CSV.encode())
    ended = seedbed("train", "data=csv", f"data.path={url}", *QUICK)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert said in ended.err
    assert not Path("run").exists()


def test_a_damaged_object_is_named_by_its_url(seedbed: Command, s3: S3Server) -> None:
    s3.put("lake/t.csv", b"")
    ended = seedbed("train", "data=csv", "data.path=s3://lake/t.csv", *QUICK)
    assert ended.err == "error: data.path: 's3://lake/t.csv' is empty\n"


def test_a_server_that_is_gone_is_told(
    seedbed: Command, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    ended = seedbed("train", "data=csv", "data.path=s3://lake/t.csv", *QUICK)
    assert ended.err == "error: data.path: 's3://lake/t.csv': it cannot be reached\n"
    assert ended.code == 2


def test_rows_in_the_memory_of_this_process(
    seedbed: Command, memory: fsspec.AbstractFileSystem
) -> None:
    memory.pipe("/t.csv", CSV.encode())
    assert seedbed("train", "data=csv", "data.path=memory://t.csv", *QUICK).code == 0
    memory.rm("/t.csv")
    ended = seedbed("reproduce", "run")
    assert (ended.code, ended.err) == (2, "error: data.path: no object 'memory://t.csv'\n")


def test_a_copy_that_cannot_be_written_is_told(
    seedbed: Command, memory: fsspec.AbstractFileSystem
) -> None:
    memory.pipe("/t.csv", CSV.encode() + b"1,2,3\n" * 50_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        words = ("data=csv", "data.path=memory://t.csv", "data.target=price")
        ended = seedbed("validate", *words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("error: data.path: cannot write '")
    assert ended.err.endswith(": File too large\n")


def test_a_file_url_is_the_file(seedbed: Command, tmp_path: Path) -> None:
    (tmp_path / "a b.csv").write_text(CSV)
    for path in (f"{tmp_path}/a%20b.csv", f"localhost{tmp_path}/a%20b.csv"):
        url = f"file://{path}"
        assert seedbed("validate", "data=csv", f"data.path={url}", "data.target=price").code == 0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://KEY:hidden@lake/t.csv", "has a user or a password in it"),
        ("https://h/t.csv?X-Amz-Signature=hidden", "'X-Amz-Signature' in its query"),
        ("https://h/t.csv?a=1&access_token=hidden", "'access_token' in its query"),
        ("htps://lake/t.csv", "did you mean 'http"),
        ("simplecache::s3://lake/t.csv", "chains file systems"),
        ("s3://lake//t.csv", "has an empty part"),
        ("s3://lake/a/../t.csv", "has a part '..'"),
        ("s3:///t.csv", "has an empty part"),
        ("s3://", "names nothing; type s3://BUCKET/NAME"),
        ("file://t.csv", "must be a whole path"),
        ("file://host/t.csv", "must be a whole path"),
        ("az://box/t.csv", "needs adlfs; type pip install adlfs"),
        ("https://127.0.0.1:9/t.csv", "needs aiohttp; type pip install aiohttp"),
        ("C://t.csv", "no file 'C:/t.csv'"),
    ],
)
def test_a_url_that_cannot_be_read_is_refused(seedbed: Command, url: str, said: str) -> None:
    ended = seedbed("train", "data=csv", f'data.path="{url}"', *QUICK)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert said in ended.err
    assert "hidden" not in ended.err + ended.out
    assert not Path("run").exists()


def test_the_page_does_what_it_says(seedbed: Command, s3: S3Server) -> None:
    s3.put("lake/houses.csv", CSV.encode())
    page = (Path(__file__).parents[2] / "docs" / "remote.md").read_text(encoding="utf-8")
    (first, *_) = re.findall(r"^```sh\n(.*?)^```$", page, flags=re.M | re.S)
    for line in first.splitlines():
        ended = seedbed(*shlex.split(line)[1:])
        assert ended.code == 0, ended.err
    assert len(Path("predicted.csv").read_text().splitlines()) == ROWS + 1


def test_no_path_costs_a_look_at_stores() -> None:
    Path("t.csv").write_text(CSV)
    code = (
        "import sys, seedbed; seedbed.train('data=csv', 'data.path=t.csv', 'data.target=price',"
        "'trainer.epochs=1'); assert not {'pyarrow.fs', 'seedbed.remote.store'} & {*sys.modules}"
    )
    processes.run([sys.executable, "-c", code], check=True)
