"""The limits of control groups are those of the process, in either version of them."""

import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from seedbed.process import cores, memory
from seedbed.process.control_groups import bytes_of_groups, cores_of_groups, free_bytes_of_groups

FIRST = {
    "cgroup": "7:memory:/a/b\n3:cpu,cpuacct:/a/b\n0::/\n",
    "mountinfo": "33 31 0:30 {root} {folder}/cpu rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "34 31 0:31 {root} {folder}/memory rw - cgroup cgroup rw,memory\n",
}
SECOND = {
    "cgroup": "0::/a/b\n",
    "mountinfo": "31 23 0:28 {root} {folder} rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"
    "36 35 98:0 / /mnt rw - ext4 /dev/root rw\n",
}


def system(
    folder: Path, told: Mapping[str, str], files: Mapping[str, str], root: str = "/"
) -> Path:
    """What the system tells of a process, and files of its groups."""
    for name, text in files.items():
        path = folder / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, text in told.items():
        groups = str(folder / "groups").replace(" ", "\\040")
        (folder / name).write_text(text.format(root=root, folder=groups))
    return folder


def test_without_groups_nothing_is_limited(tmp_path: Path) -> None:
    assert cores_of_groups(tmp_path / "none") == math.inf
    assert free_bytes_of_groups(tmp_path / "none") == math.inf
    assert bytes_of_groups(system(tmp_path, SECOND, {})) == math.inf


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"a/b/cpu.max": "150000 100000\n"}, 1.5),
        ({"a/b/cpu.max": "max 100000\n"}, math.inf),
        ({"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "200000 100000\n"}, 2),
        ({"a/b/cpu.max": "max 100000\n", "a/cpu.max": "50000 100000\n"}, 0.5),
        ({"a/b/cpu.max": ""}, math.inf),
        ({"a/b/cpu.max": "much\n"}, math.inf),
        ({"a/b/cpu.max": "1 0\n"}, math.inf),
    ],
)
def test_cores_of_the_second_version(
    tmp_path: Path, files: Mapping[str, str], wanted: float
) -> None:
    assert cores_of_groups(system(tmp_path / "a b", SECOND, files)) == wanted


def test_cores_of_the_first_version(tmp_path: Path) -> None:
    files = {"cpu/a/b/cpu.cfs_quota_us": "-1\n", "cpu/a/b/cpu.cfs_period_us": "100000\n"}
    assert cores_of_groups(system(tmp_path, FIRST, files)) == math.inf
    files |= {"cpu/a/cpu.cfs_quota_us": "250000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}
    assert cores_of_groups(system(tmp_path, FIRST, files)) == 2.5


@pytest.mark.parametrize("root", ["/a/b", "/other"], ids=["its own", "another's"])
def test_a_container_sees_its_own_group_as_the_first(tmp_path: Path, root: str) -> None:
    files = {"cpu.max": "300000 100000\n"}
    assert cores_of_groups(system(tmp_path, SECOND, files, root)) == 3


def test_memory_counts_files_that_can_be_dropped_as_free(tmp_path: Path) -> None:
    files = {"memory.max": "1000\n", "memory.current": "700\n"}
    files["memory.stat"] = "anon 400\nfile 300\ninactive_file 250\n"
    process = system(tmp_path, SECOND, {f"a/b/{name}": text for name, text in files.items()})
    assert bytes_of_groups(process) == 1000
    assert free_bytes_of_groups(process) == 550
    system(tmp_path, SECOND, {"a/b/memory.max": "max\n"})
    assert free_bytes_of_groups(process) == math.inf
    system(tmp_path, SECOND, {"a/b/memory.max": "100\n"})
    assert free_bytes_of_groups(process) == 0


def test_memory_of_the_first_version(tmp_path: Path) -> None:
    files = {"limit_in_bytes": "5000", "usage_in_bytes": "700"}
    files["stat"] = "inactive_file 1\ntotal_inactive_file 250\n"
    process = system(tmp_path, FIRST, {f"memory/a/memory.{k}": v for k, v in files.items()})
    assert (bytes_of_groups(process), free_bytes_of_groups(process)) == (5000, 4550)


@pytest.mark.parametrize(("limit", "wanted"), [(0.2, 1), (1.5, 2), (math.inf, 3), (64, 3)])
def test_a_part_of_a_core_is_one(
    monkeypatch: pytest.MonkeyPatch, limit: float, wanted: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    monkeypatch.setattr(cores, "cores_of_groups", lambda: limit)
    assert cores.usable_cores() == wanted


def test_memory_is_the_least_of_the_machine_and_the_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "free_bytes_of_groups", lambda: 7.0)
    monkeypatch.setattr(memory, "bytes_of_groups", lambda: 8.0)
    assert (memory.free_memory_bytes(), memory.memory_bytes()) == (7, 8)


class Real:
    """A group of this machine's own, if it lets us make one."""

    def __init__(self, controller: str) -> None:
        first = Path("/sys/fs/cgroup", controller)
        top = first if first.is_dir() else Path("/sys/fs/cgroup")
        self.first = first.is_dir()
        self.folder = top / f"seedbed-{os.getpid()}"

    def __enter__(self) -> "Real":
        try:
            self.folder.mkdir()
        except OSError as err:
            pytest.skip(f"no control group can be made here: {err}")
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            self.folder.rmdir()

    def write(self, name: str, text: str) -> None:
        try:
            (self.folder / name).write_text(text)
        except OSError as err:
            pytest.skip(f"{name} cannot be written here: {err}")

    def ask(self, question: str) -> str:
        """The answer of a process inside."""
        enter = f"open({str(self.folder / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))"
        told = subprocess.run(
            [sys.executable, "-c", f"import os; {enter}; {question}"],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return told.stdout.strip()


@pytest.fixture
def group(request: pytest.FixtureRequest) -> Iterator[Real]:
    with Real(request.param) as group:
        yield group


@pytest.mark.parametrize("group", ["cpu"], indirect=True)
def test_a_real_group_of_one_core(group: Real) -> None:
    if group.first:
        group.write("cpu.cfs_period_us", "100000")
        group.write("cpu.cfs_quota_us", "100000")
    else:
        group.write("cpu.max", "100000 100000")
    question = "from seedbed.process.cores import usable_cores; print(usable_cores())"
    assert group.ask(question) == "1"


@pytest.mark.parametrize("group", ["memory"], indirect=True)
def test_a_real_group_of_little_memory(group: Real) -> None:
    limit = 2**28
    group.write("memory.limit_in_bytes" if group.first else "memory.max", str(limit))
    question = (
        "from seedbed.process import memory as m; print(m.memory_bytes(), m.free_memory_bytes())"
    )
    most, free = map(float, group.ask(question).split())
    assert most == limit
    assert limit / 2 < free <= limit
