"""The article's notebook runs from top to bottom in Jupyter's own kernel, and shows its figures."""

import re
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "examples" / "article.ipynb"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Any:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = tmp_path_factory.mktemp("notebook")
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": folder}}
    )
    return client.execute()


def shown(ran: Any, source: str) -> dict[str, str]:
    """What the cell shows that holds the text, by MIME type."""
    (cell,) = [one for one in ran.cells if one.cell_type == "code" and source in one.source]
    (output,) = cell.outputs
    assert output.output_type == "execute_result"
    return output.data


def numbers(ran: Any, source: str) -> list[float]:
    text = shown(ran, source)["text/plain"]
    return [float(one) for one in re.findall(r"-?\d+\.\d+(?:e[+-]\d+)?|-?\d+(?=[\],)])", text)]


def test_it_is_kept_without_what_it_showed() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")


def test_the_full_batch_learns_to_add(ran: Any) -> None:
    first, last = numbers(ran, 'run.history["train/loss"][[0, -1]]')
    assert first == pytest.approx(132.04, abs=0.01)
    assert last == pytest.approx(0.1241, rel=1e-3)
    assert numbers(ran, "first_loss") == [pytest.approx(first, rel=1e-6)]
    assert "completed" in shown(ran, "run = seedbed.train(*network")["text/html"]
    assert shown(ran, "run.plot()")["image/png"].startswith("iVBOR")


def test_the_sections_show_the_article_s_figures(ran: Any) -> None:
    weights = shown(ran, "manual.weights()")["text/plain"]
    assert weights == "{'input_to_hidden_layer': (2, 8), 'hidden_to_output_layer': (8, 1)}"
    assert numbers(ran, "batches.history[") == [pytest.approx(0.10954, rel=1e-3)]
    assert numbers(ran, "prediction = batches") == [pytest.approx(20.3531, rel=1e-4)]
    assert shown(ran, "inside =")["text/plain"] == "(4, 8)"
    assert shown(ran, "returned = hidden")["text/plain"] == "True"
    assert "Total params: 33" in shown(ran, "sequential.summary()")["text/plain"]
    three = [pytest.approx(value, rel=1e-4) for value in (16.6081, 20.3531, 4.45636)]
    assert numbers(ran, "sequential.predict([[8, 9], [10, 11], [1.5, 2.5]])") == three
    assert numbers(ran, "model.load_state_dict") == three


def test_modules_runs_and_sweeps_are_what_they_are_elsewhere(ran: Any) -> None:
    assert shown(ran, "built = seedbed.train")["text/plain"] == "True"
    assert shown(ran, "again = seedbed.load_run")["text/plain"] == "True"
    assert "20 completed" in shown(ran, "sweep = seedbed.sweep")["text/html"]
    assert 19 < float(shown(ran, "np.median")["text/plain"]) < 22
    assert shown(ran, "seedbed.reproduce")["text/plain"] == "True"


def test_no_cell_writes_to_the_terminal(ran: Any) -> None:
    written = [one for cell in ran.cells for one in cell.get("outputs", [])]
    assert {one.output_type for one in written} == {"execute_result"}
