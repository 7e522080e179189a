"""A trained model says the same of a row whichever file, format, order or company it comes in."""

import json
from pathlib import Path

import numpy as np
import pytest
from data.test_rows_in_every_form import NAMED, WRITERS, Columns, tables, taken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.command_line import Command


def predicted(seedbed: Command, run: Path, path: Path) -> np.ndarray:
    result = seedbed("predict", run, "--file", path, "--json")
    assert result.code == 0, result.err
    assert "note:" not in result.err
    return np.array(json.loads(result.out)["predictions"])


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(columns=tables(), data=st.data())
def test_predictions_are_the_same_in_every_form_and_company(
    seedbed: Command,
    tmp_path_factory: pytest.TempPathFactory,
    columns: Columns,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("forms")
    rows = len(next(iter(columns.values())))
    trained_on = data.draw(st.sampled_from(["python's csv", "tsv", "parquet"]), "trained on")
    ending, write = WRITERS[trained_on]
    whole = folder / f"train{ending}"
    write(whole, {**columns, "y": [float(row % 3) for row in range(rows)]})
    named = ",".join(name for name in columns if name.startswith(NAMED))
    source = "parquet" if ending == ".parquet" else "csv"
    words = [f"data={source}", f"data.path={whole}", "data.target=y", f"data.categories=[{named}]"]
    run = seedbed("train", *words, "data.split={validation: 0, test: 0}", "trainer.epochs=3").run
    expected = predicted(seedbed, run, whole)
    assert len(expected) == rows
    which = data.draw(st.lists(st.integers(0, rows - 1), min_size=1, unique=True), "rows")
    part = taken(columns, which, data.draw(st.permutations(list(columns)), "order of columns"))
    for name in ("python's csv", "tsv", "parquet"):
        ending, write = WRITERS[name]
        path = folder / f"part{ending}"
        write(path, part)
        if ending != ".parquet" and len(columns) == 1 and None in next(iter(part.values())):
            continue  # a line with nothing on it is no row
        np.testing.assert_allclose(
            predicted(seedbed, run, path), expected[which], rtol=1e-5, atol=1e-6, err_msg=name
        )
