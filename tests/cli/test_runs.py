"""`seedbed runs`: the table, its forms for machines, and what is refused."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from support.terminals import shown_on

from seedbed.cli import runs as command
from seedbed.runs.lock import DirectoryLock

ROWS = {"a": 0.5, "b": 0.25, "c": None}
"""Runs by their validation loss; that of the last is not defined."""


@pytest.fixture
def outputs(tmp_path: Path, table_run: Path) -> Path:
    """Three runs of one config, but for the rate and the loss; `c` is the newest."""
    for at, (name, loss) in enumerate(ROWS.items()):
        run = tmp_path / "outputs/table" / name
        shutil.copytree(table_run, run)
        result = json.loads((run / "result.json").read_text())
        result |= {"metrics": {"train/loss": 0.1, "val/loss": loss}, "best": {"epoch": 1}}
        (run / "result.json").write_text(json.dumps(result))
        status = json.loads((run / "status.json").read_text())
        status["started"] = f"2026-11-2{at}T10:00:00+00:00"
        (run / "status.json").write_text(json.dumps(status))
        config = (run / "config.yaml").read_text()
        changed = re.sub(r"^  lr: .*$", f"  lr: 0.{at + 1}", config, flags=re.MULTILINE)
        assert changed != config
        (run / "config.yaml").write_text(changed)
    return tmp_path / "outputs"


def cells(text: str) -> list[list[str]]:
    """Of a table on a terminal."""
    return [re.split(r"  +", line.strip()) for line in text.splitlines()]


def test_the_table_has_the_newest_first_and_what_differs(seedbed, outputs: Path) -> None:
    result = seedbed("runs")
    assert result.code == 0
    title, head, *rows = cells(result.out)
    assert title == ["3 runs in outputs/table, newest first:"]
    assert head == ["name", "when", "status", "optimizer.lr", "val/loss", "train/loss", "time"]
    assert [row[0] for row in rows] == ["c", "b", "a"]
    assert rows[2][2:6] == ["completed", "0.1", "0.5", "0.1"]
    assert rows[0][4] == "nan"


def test_sort_has_undefined_values_last_and_counts_them(seedbed, outputs: Path) -> None:
    result = seedbed("runs", "--sort", "val/loss")
    assert [row[0] for row in cells(result.out)[2:]] == ["b", "a", "c"]
    assert result.err == "note: 1 run without val/loss at the end\n"
    result = seedbed("runs", "--sort", "-val/loss")
    assert [row[0] for row in cells(result.out)[2:]] == ["a", "b", "c"]


def test_a_sort_that_is_no_ranking_is_told(seedbed, outputs: Path) -> None:
    by_loss = ["runs", "--sort", "val/loss,optimizer.lr", "--json"]
    assert "no ranking" not in seedbed(*by_loss).err

    change(outputs / "table/b", "seed: 0", "seed: 1")
    rows = "val/loss: the runs are measured on different rows, so that their order by it is no"
    assert rows in seedbed(*by_loss).err
    assert rows in seedbed(*by_loss, "--filter", "seed=0 or val/loss=0.25").err
    assert rows in seedbed("runs", "--sort", "-val/loss").err
    for other in (["--sort", "optimizer.lr"], ["--sort", "val/loss", "--filter", "seed=0"], []):
        assert "no ranking" not in seedbed("runs", *other).err

    change(outputs / "table/a", "  _target_: null", "  _target_: torch.nn.L1Loss")
    unit = "val/loss is not in one unit, as loss, step, metrics or data.standardize differs between"
    assert unit in seedbed(*by_loss).err
    assert unit in seedbed("runs", "--sort", "val/loss", "--filter", "optimizer.lr<0.3").err


def test_runs_of_two_tasks_have_no_ranking(seedbed, outputs: Path) -> None:
    result = outputs / "table/a/result.json"
    result.write_text(json.dumps({**json.loads(result.read_text()), "task": "regression"}))
    assert "val/loss: the runs have different tasks (binary, regression), so that" in (
        seedbed("runs", "--sort", "val/loss").err
    )


def change(run: Path, before: str, after: str) -> None:
    config = (run / "config.yaml").read_text()
    assert before in config
    (run / "config.yaml").write_text(re.sub(f"^{before}$", after, config, flags=re.MULTILINE))


def test_filter_says_how_many_are_left(seedbed, outputs: Path) -> None:
    result = seedbed("runs", "--filter", "val/loss<0.4")
    assert result.out.startswith("1 of 3 runs in outputs/table, newest first:\n")
    assert result.err == "note: 1 run without val/loss left out\n"


def test_columns_and_limit(seedbed, outputs: Path) -> None:
    result = seedbed("runs", "--columns", "name,data.target", "--limit", "2")
    assert cells(result.out)[1:4] == [["name", "data.target"], ["c", "kind"], ["b", "kind"]]
    assert result.out.endswith("\nand 1 more; --limit 0 shows all\n")


def test_json_has_every_run_with_plain_values(seedbed, outputs: Path) -> None:
    shutil.copytree(outputs / "table/a", outputs / "broken")
    (outputs / "broken/status.json").write_text("{")
    told = json.loads(seedbed("runs", "--json").out)
    assert [row["name"] for row in told["runs"]] == ["table/c", "table/b", "table/a"]
    assert told["runs"][0]["val/loss"] is None
    assert told["runs"][2]["val/loss"] == 0.5
    assert told["runs"][2]["when"] == "2026-11-20T10:00:00+00:00"
    assert told["runs"][2]["path"] == str(outputs / "table/a")
    assert [row["status"] for row in told["left_out"]] == ["broken"]


def test_csv_is_read_back(seedbed, outputs: Path) -> None:
    result = seedbed("runs", "--csv")
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert [row["optimizer.lr"] for row in rows] == ["0.3", "0.2", "0.1"]
    assert [row["val/loss"] for row in rows] == ["nan", "0.25", "0.5"]


def test_markdown_is_a_table(seedbed, outputs: Path) -> None:
    lines = seedbed("runs", "--md", "--columns", "name,optimizer.lr").out.splitlines()
    assert lines[:3] == ["| name | optimizer.lr |", "| --- | --- |", "| outputs/table/c | 0.3 |"]


def test_runs_that_go_on_show_their_epoch(seedbed, outputs: Path) -> None:
    run = outputs / "table/a"
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "status": "running"}))
    lock = DirectoryLock(run)
    assert "running 2/2" in seedbed("runs").out
    lock.release()
    assert "interrupted 2/2" in seedbed("runs").out


def test_folders_that_are_no_runs_are_counted_in_a_line(seedbed, outputs: Path) -> None:
    (outputs / "hydras/.hydra").mkdir(parents=True)
    result = seedbed("runs")
    assert result.code == 0
    assert result.err.startswith("note: 1 folder is no run that can be read: 'hydras' (foreign: ")


def test_runs_that_have_not_begun_are_counted(seedbed, outputs: Path) -> None:
    (outputs / "new").mkdir()
    (outputs / "new/status.json").write_text('{"status": "running", "started": null}')
    lock = DirectoryLock(outputs / "new")
    assert seedbed("runs").err == "note: 1 run has not begun\n"
    lock.release()


def test_an_empty_folder_has_no_runs(seedbed, tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    assert seedbed("runs").out == "0 runs\n"
    assert json.loads(seedbed("runs", "--json").out) == {"runs": [], "left_out": []}
    assert seedbed("runs", "--filter", "anything=1", "--sort", "anything").code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing"], "no folder 'nothing'"),
        (["outputs/table/a/config.yaml"], "is a file"),
        (["--filter", "val/los<1"], "did you mean 'val/loss'?"),
        (["--sort", "val/los"], "--sort: no run has 'val/los'; did you mean 'val/loss'?"),
        (["--columns", "name,optimizer.lrr"], "did you mean 'optimizer.lr'?"),
        (["--columns", ","], "names no column"),
        (["--limit", "-1"], "--limit"),
        (["--limit", "x"], "invalid int value"),
        (["--filter", "seed=0", "--filter=seed=1"], "--filter: given more than once"),
        (["--csv", "--json"], "not allowed with"),
        (["--sorted", "x"], "did you mean '--sort'?"),
    ],
)
def test_mistakes_are_one_line(seedbed, outputs: Path, words: list[str], told: str) -> None:
    result = seedbed("runs", *words)
    assert result.code == 2
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert told in result.err


@pytest.fixture
def terminal(monkeypatch):
    """Runs the command on a terminal of so many columns."""
    return lambda width, *words: shown_on(monkeypatch, width, command.main, *words)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_terminal_is_not_overrun(outputs: Path, terminal, width: int) -> None:
    (outputs / "table/a").rename(outputs / "table" / ("a" * 100))
    lines = terminal(width)
    table = [line for line in lines[1:] if not line.startswith("no room for")]
    assert max(map(len, table)) <= width
    assert table[0].startswith("name")
    assert any(line.startswith("no room for ") for line in lines) == (width < 200)


def test_a_terminal_shows_the_newest_alone_unless_told_otherwise(
    outputs: Path, terminal, monkeypatch
) -> None:
    monkeypatch.setattr(command, "MOST_ON_A_TERMINAL", 2)
    assert terminal(200)[-1] == "and 1 more; --limit 0 shows all"
    assert len(terminal(200, "--limit", "0")) == 5


HOSTILE = "=cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", [HOSTILE, "+1+1", "-2+3", "@SUM(A1)", "\uff1d1+1"])
def test_a_spreadsheet_executes_nothing(seedbed, outputs: Path, text: str) -> None:
    (outputs / "table/a/notes.json").write_text(json.dumps({"tags": [], "note": text}))
    rows = list(csv.DictReader(io.StringIO(seedbed("runs", "--csv").out)))
    assert rows[2]["note"] == f"'{text}"


def test_negative_numbers_stay_numbers(seedbed, outputs: Path) -> None:
    result = outputs / "table/a/result.json"
    content = json.loads(result.read_text())
    result.write_text(json.dumps({**content, "metrics": {"val/r2": -0.5}}))
    rows = list(csv.DictReader(io.StringIO(seedbed("runs", "--csv").out)))
    assert rows[2]["val/r2"] == "-0.5"


def test_nothing_escapes_into_the_terminal_or_markdown(seedbed, outputs: Path) -> None:
    note = "<script>x</script> a|b [l](javascript:x) \x1b[2J `c`\nnext"
    (outputs / "table/a/notes.json").write_text(json.dumps({"tags": [], "note": note}))
    config = outputs / "table/a/config.yaml"
    config.write_text(config.read_text() + '"\\e]0;x\\a": "\\e[31m"\n')
    for words in ([], ["--md"], ["--csv"], ["--json"]):
        result = seedbed("runs", *words)
        assert "\x1b" not in result.out + result.err
        assert "\x07" not in result.out + result.err
    markdown = seedbed("runs", "--md").out
    assert "<script>" not in markdown
    assert r"a\|b \[l\](javascript:x)" in markdown
    assert len(markdown.splitlines()) == 5


def test_a_name_with_control_characters_is_told_and_not_shown(seedbed, outputs: Path) -> None:
    (outputs / "table/a").rename(outputs / "table/\x1b[2Ja")
    result = seedbed("runs")
    assert "\x1b" not in result.out + result.err
    assert "control characters" in result.err


def test_what_is_missed_least_is_left_out_first(outputs: Path, terminal) -> None:
    order = ["train/loss", "time", "when", "lr", "val/loss", "status"]
    for width in range(30, 110, 10):
        shown = [title.removeprefix("optimizer.") for title in terminal(width)[1].split()]
        gone = [title for title in order if title not in shown]
        assert gone == order[: len(gone)], width


def test_a_key_with_the_name_of_a_field_is_shown_as_the_config_s(seedbed, outputs: Path) -> None:
    for name in "ab":
        with (outputs / "table" / name / "config.yaml").open("a") as file:
            file.write(f"note: {name}\n")
    rows = json.loads(seedbed("runs", "--json").out)["runs"]
    assert [row["config.note"] for row in rows] == [None, "b", "a"]
    assert [row["note"] for row in rows] == [None, None, None]
    assert "1 of 3 runs" in seedbed("runs", "--filter", "config.note=b").out
    assert seedbed("runs", "--sort", "-config.note", "--columns", "config.note").code == 0
