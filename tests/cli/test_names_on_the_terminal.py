"""Names from data and runs reach the terminal escaped: none of their characters steers it."""

from collections.abc import Callable
from pathlib import Path

import pytest

STRANGE = {
    "csi": "\x9b31m",
    "override": "\u202e",
    "line": "\u2028",
    "isolate": "\u2066",
    "del": "\x7f",
}


def shows_none(text: str) -> bool:
    return all(one.isprintable() or one in "\n\t" for one in text)


@pytest.fixture(params=STRANGE)
def strange(request: pytest.FixtureRequest, seedbed: Callable) -> tuple[Path, str]:
    """A run whose categories and classes have names with such a character."""
    mark = STRANGE[request.param]
    rows = [f"{n},{'ab'[n % 2]}{mark},{'yes' if n % 3 else 'no'}{mark}" for n in range(30)]
    Path("table.csv").write_text("\n".join(["w,c,kind", *rows]) + "\n", encoding="utf-8")
    words = ["data=csv", "data.path=table.csv", "data.target=kind", "trainer.epochs=2"]
    result = seedbed("train", *words, "hydra.run.dir=run")
    assert result.code == 0, result.err
    assert shows_none(result.out + result.err)
    checked = seedbed("validate", *words)
    assert checked.code == 0
    assert shows_none(checked.out)
    return result.run, mark


def test_a_strange_name_is_escaped_by_every_command(
    strange: tuple[Path, str], seedbed: Callable
) -> None:
    run, mark = strange
    Path("new.csv").write_text(f"w,c\n1,zz{mark}\n2,b{mark}\n", encoding="utf-8")
    row = '[{"w": 1, "c": "q' + mark + '"}]'
    lines = [
        ("predict", run, "--file", "new.csv"),
        ("predict", run, "--file", "new.csv", "--output", "out.csv"),
        ("predict", run, "--input", row),
        ("predict", run, "--input", '[{"w' + mark + '": 1}]'),
        ("predict", run, "--input", "[[1]]"),
        ("inspect", run, "--layers"),
        ("inspect", run, "--layer", f"x{mark}", "--input", row),
        ("inspect", run, "--weights"),
        ("summary", run),
        ("plot", run),
        ("resume", run, "trainer.epochs=3"),
        ("reproduce", run),
    ]
    for line in lines:
        result = seedbed(*line)
        assert shows_none(result.out + result.err), (line[0], ascii(result.out + result.err))
        assert result.code in (0, 2), result.err
    Path("table.csv").write_text(
        Path("table.csv").read_text(encoding="utf-8") + f"31,n{mark},zz{mark}\n", encoding="utf-8"
    )
    for line in (("resume", run, "trainer.epochs=4"), ("reproduce", run)):
        result = seedbed(*line)
        assert result.code == 2
        assert shows_none(result.out + result.err)
