"""Every command of README and docs is run, and prints what the page says it prints."""

import re
import runpy
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    "README.md",
    "docs/article.md",
    "docs/data.md",
    "docs/batches.md",
    "docs/config.md",
    "docs/metrics.md",
    "docs/optimizing.md",
    "docs/own.md",
    "docs/finetuning.md",
    "docs/sweeps.md",
    "docs/runs.md",
    "docs/comparing.md",
    "docs/cross_validation.md",
    "docs/gallery.md",
    "docs/images.md",
    "docs/reports.md",
    "docs/reproducibility.md",
    "docs/scale.md",
    "docs/schedules.md",
    "docs/step.md",
]
TOLERANCE = 0.02


@dataclass
class Block:
    kind: str
    lines: list[str]


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"^```(sh fails|sh|text)\n(.*?)^```$", text, flags=re.M | re.S)
    return [Block(kind, body.rstrip("\n").split("\n")) for kind, body in found]


PROJECT = "docs/own.md"
"""Its files are all that there is in the folder where its commands are typed."""


def write_files(page: str, folder: Path) -> None:
    """Those that the page shows in full: their first line is their path, behind Hydra's header."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = r"^```(?:python|yaml)\n((?:# @.*\n)?# (\S+)\n.*?)^```$"
    found = re.findall(shown, text, flags=re.M | re.S)
    assert len(found) == 6
    for body, path in found:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(body, encoding="utf-8")


def words(line: str) -> list[str]:
    return re.findall(r"[^\s\[\](),]+", line)


def same(expected: str, actual: str) -> bool:
    """Token by token; numbers within the tolerance; … stands for the rest of the line."""
    wanted, got = words(expected), words(actual)
    if wanted and wanted[-1] == "…":
        wanted, got = wanted[:-1], got[: len(wanted) - 1]
    if len(wanted) != len(got):
        return False
    for one, other in zip(wanted, got, strict=True):
        try:
            if float(one) != pytest.approx(float(other), rel=TOLERANCE, abs=1e-3):
                return False
        except ValueError:
            if one != other:
                return False
    return True


def assert_prints(expected: list[str], output: str) -> None:
    """The expected lines stand in the output in this order."""
    rest = iter(output.splitlines())
    for line in expected:
        if line.strip() != "…":
            assert any(same(line, actual) for actual in rest), f"not printed: {line}\n{output}"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_page_work_and_print_what_it_says(page, seedbed, tmp_path):
    if page == PROJECT:
        write_files(page, tmp_path)
    else:
        shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    run, printed, commands = None, "", 0
    for block in blocks(page):
        if block.kind == "text":
            assert_prints(block.lines, printed)
            continue
        printed = ""
        for line in block.lines:
            command = shlex.split(line.replace("$RUN", str(run)))
            if command[:1] == ["python"]:
                runpy.run_path(command[1])
                continue
            assert command.pop(0) == "seedbed", line
            result = seedbed(*command)
            assert result.code == (2 if block.kind == "sh fails" else 0), f"{line}\n{result.err}"
            printed += result.out + result.err
            found = re.findall(r"^run: (.+)$", result.out, flags=re.M)
            run = found[-1] if found else run
            commands += 1
    assert commands > 1


PYTHON = "docs/python.md"
REMOTE = "docs/remote.md"
"""Its commands need a server, and are run with one by `tests/remote`."""


@pytest.mark.slow
@pytest.mark.parametrize(("page", "least"), [(PYTHON, 8), ("README.md", 1)])
def test_the_code_of_the_page_runs_and_prints_what_it_says(page, least, seedbed, capsys):
    text = (ROOT / page).read_text(encoding="utf-8")
    names, printed, ran = {"__name__": "notebook"}, "", 0
    for kind, body in re.findall(r"^```(python|text)\n(.*?)^```$", text, flags=re.M | re.S):
        if kind == "text":
            assert_prints(body.rstrip("\n").split("\n"), printed)
            continue
        exec(compile(body, page, "exec"), names)
        printed, ran = capsys.readouterr().out, ran + 1
    assert ran >= least


def test_no_page_is_left_out():
    found = {str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md")} | {"README.md"}
    assert found - {"docs/architecture.md", "docs/features.md", REMOTE, PYTHON} == set(PAGES)
