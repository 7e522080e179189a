"""Text in an array is names, as its type says; where it hardly is, a note tells."""

from pathlib import Path

import numpy as np
import pytest
from support.houses import prepared_data

ROWS = 30
TEXTS = {
    "numbers": ([f"{n}.5" for n in range(ROWS)], "holds text that is numbers; it is read as 30"),
    "few numbers": (["1", "2"] * 15, "holds text that is numbers; it is read as 2 names"),
    "dates": ([f"2024-01-{n + 1:02}" for n in range(ROWS)], "holds text that is dates"),
    "ids": ([f"id{n}" for n in range(ROWS)], "that is another in nearly every row"),
    "names": (["a", "b", "c"] * 10, None),
}


@pytest.mark.parametrize(("texts", "told"), TEXTS.values(), ids=TEXTS)
def test_what_is_hardly_names_is_reported(
    tmp_path: Path, texts: list[str], told: str | None
) -> None:
    np.savez(tmp_path / "t.npz", x=np.array(texts), y=np.arange(float(ROWS)))
    words = ["data=npz", f"data.path={tmp_path / 't.npz'}", "data.features=[x]", "data.target=y"]
    data = prepared_data(*words, "data.split={validation: 0, test: 0}")
    assert data.preprocessing.features[0].categories == sorted(set(texts))
    assert [told in note for note in data.notes if told] == ([True] if told else [])
    assert told or not data.notes
