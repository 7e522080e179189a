"""The page's programs that add a metric and a task."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.mark.usefixtures("registries")
def test_programs_of_the_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    programs = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), flags=re.M | re.S)
    names: dict[str, object] = {}
    for program in programs:
        exec(program, names)
    assert len(programs) == 2
    assert float(capsys.readouterr().out.splitlines()[-1]) > 0
    metrics = names["run"].metrics
    assert {"val/mae", "val/mse", "test/mae"} <= set(metrics)
    assert "val/r2" not in metrics
