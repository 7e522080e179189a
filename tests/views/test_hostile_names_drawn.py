"""Names of a stranger's classes are drawn as text: no formula, no markup, no line of their own."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.cbook import is_math_text
from support.command_line import Command
from support.row_runs import SPLIT, table

import seedbed as front
from seedbed.views.drawing import text_of

HOSTILE = ["$\\alpha_{", "<script>alert(1)</script>", "--><svg onload=alert(1)>", "x" * 500,
           "a\nb\tc", "\x1b[2J\x9b", "$x$", "\\frac{1}{0}", "&amp;\u202e", "\u4e2d\u6587", "''",
           "%s{0}"]  # fmt: skip


def test_hostile_names_are_inert(seedbed: Command) -> None:
    rows = 20 * len(HOSTILE)
    draws = np.random.default_rng(0).normal(size=(rows, 3))
    names = [HOSTILE[n % len(HOSTILE)].replace("\x1b", "").replace("\x9b", "") for n in range(rows)]
    frame = pd.DataFrame({"a": draws[:, 0], "b": draws[:, 1], "k$_{": names})
    frame.to_parquet("rows.parquet")
    words = ["data=parquet", "data.path=rows.parquet", 'data.target="k$_{"', *SPLIT]
    run = front.train(*words, directory="run$\\beta_{")
    for kind in ("confusion", "roc", "calibration"):
        result = seedbed("plot", run.path, "--kind", kind, "--output", "x.svg")
        assert result.code == 0, result.err
        text = Path("x.svg").read_text()
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}
        assert not tags & {"script", "a", "foreignObject", "image"} - {"image"}
        assert "<script" not in text
        assert "onload=" not in text.replace("&lt;svg onload=", "")
        assert result.err.isprintable() or "\x1b" not in result.err


def test_a_name_cannot_begin_a_line_of_its_own(seedbed: Command) -> None:
    frame = table(60)
    frame["kind"] = np.where(frame["kind"] == "yes", "a\nerror: x", "b")
    frame.to_parquet("rows.parquet")
    frame[frame["kind"] == "b"].to_parquet("b.parquet")
    words = ["data=parquet", "data.path=rows.parquet", "data.target=kind", *SPLIT]
    front.train(*words, directory="run")
    result = seedbed(
        "plot", "run", "--kind", "confusion", "--file", "b.parquet", "--output", "x.png"
    )
    assert result.err == "note: no row is of 'a error: x', whose line is empty\n"


def test_a_title_that_is_no_formula_is_drawn_as_it_is() -> None:
    for name in HOSTILE:
        text = text_of(name)
        assert "\n" not in text
        assert "\t" not in text
        assert not is_math_text(text)
