"""Arrays in .npy files train as those of an .npz do, bit for bit, and are read as they are used."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.composing import composed_quickly
from support.resumed_runs import assert_run_goes_on
from support.single_runs import prepared, same_weights, train

from seedbed.data import gathered
from seedbed.data.npy import fitting
from seedbed.data.npy.rows import NpyRows
from seedbed.errors import DataError
from seedbed.tables.npy_folder import NpyFolder, mapped_array

ROWS = 60
LAYERS = ["model=sequential", "model.layers=[Flatten,{Linear: 4},ReLU,Linear]"]
WORDS = ["trainer.epochs=2", "loader.batch_size=8", *LAYERS]


def arrays(rows: int = ROWS) -> dict[str, np.ndarray[Any, Any]]:
    drawn = np.random.default_rng(0)
    x = drawn.normal(3, 2, size=(rows, 2, 5)).astype(np.float32)
    x[3, 1, 2] = np.nan
    return {"x": x, "y": (x[:, 0, 0] > 3).astype(int), "a": drawn.normal(size=rows)}


def written(folder: Path, values: dict[str, np.ndarray[Any, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        np.save(folder / f"{name}.npy", value)
    np.savez(folder / "all.npz", **values)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("arrays") / "rows", arrays())


CASES = {
    "classes": [],
    "in order": ["loader.shuffle=false"],
    "beside a number, flat": ["data.features=[a,x]", "model=custom", "model.hidden=[4]"],
    "folds": ["data.folds=3", "data.fold=1", "data.split.validation=0"],
    "a weight": ["data.target=a", "data.weight=y"],
    "reconstruction": ["data.target=null", "data.task=reconstruction"],
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("few", [False, True], ids=["at once", "by blocks"])
def test_a_run_is_that_of_an_npz(
    folder: Path, tmp_path: Path, case: list[str], few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if few:
        monkeypatch.setattr(gathered, "ROWS_AT_ONCE", 1)
        monkeypatch.setattr(gathered, "BLOCK_BYTES", 1000)
        monkeypatch.setattr("seedbed.tables.npy_folder.BLOCK_BYTES", 1000)
    words = [*WORDS, *case] if "model=custom" not in case else [*WORDS[:2], *case]
    npz = train(tmp_path / "npz", "data=npz", f"data.path={folder / 'all.npz'}", *words)
    npy = train(tmp_path / "npy", "data=npy", f"data.path={folder}", *words)
    assert same_weights(npz.weights, npy.weights)
    told = [one.directory.preprocessing.read_text() for one in (npz, npy)]
    assert told[0] == told[1]
    if "data.task=reconstruction" not in case:  # whose outputs are measured by pieces
        assert npz.history == npy.history


def test_a_run_goes_on_from_any_step(folder: Path) -> None:
    words = ["data=npy", f"data.path={folder}", *WORDS, "trainer.checkpoint_every='1 steps'"]
    assert_run_goes_on(composed_quickly(words).config, 3, 8)


def test_files_of_their_own_are_measured(folder: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other", arrays(20))
    own = f"data.validation_path={other / 'all.npz'}"
    npz = train(tmp_path / "npz", "data=npz", f"data.path={folder / 'all.npz'}", own, *WORDS)
    own = f"data.validation_path={other}"
    npy = train(tmp_path / "npy", "data=npy", f"data.path={folder}", own, *WORDS)
    assert npz.history == npy.history


def test_what_is_measured_by_parts_is_that_of_all_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "HELD_BYTES", 800)
    monkeypatch.setattr("seedbed.tables.npy_folder.BLOCK_BYTES", 400)
    x = arrays()["x"]
    train = np.arange(ROWS) % 3 > 0
    array = mapped_array(folder / "x.npy", "data.path")
    seen = fitting.look_at(NpyFolder(folder, "data.path"), "x", array, train, standardize=True)
    assert seen.fitted is not None
    kept = x[train].astype(np.float64)
    over = (0, 2)
    assert np.allclose(np.ravel(seen.fitted.mean), np.nanmean(kept, over), rtol=1e-12)
    assert np.allclose(np.ravel(seen.fitted.scale), np.nanstd(kept, over), rtol=1e-12)
    assert seen.gaps.nonzero()[0].tolist() == [3]


def test_the_order_of_numbers_in_a_file_changes_nothing(tmp_path: Path) -> None:
    values = arrays()
    weights = []
    for name, x in (("c", values["x"]), ("fortran", np.asfortranarray(values["x"]))):
        path = written(tmp_path / name, {**values, "x": x})
        words = ["data=npy", f"data.path={path}", *WORDS]
        weights.append(train(tmp_path / f"run_{name}", *words).weights)
    assert same_weights(*weights)


def test_validate_tells_of_the_arrays(folder: Path, seedbed: Callable) -> None:
    words = [f"data.path={folder}", "data.features=[a,x]", "model.hidden=[4]"]
    told = seedbed("validate", "data=npy", *words)
    assert told.code == 0, told.err
    lines = [line.strip() for line in told.out.splitlines()]
    assert lines[:3] == ["a  numbers", "x  numbers, 1 missing", "y  target: 2 classes"]


def test_rows_go_to_workers_by_the_name_of_their_file(folder: Path) -> None:
    rows = prepared("data=npy", f"data.path={folder}", *WORDS)[1].data.train
    assert isinstance(rows, NpyRows)
    sent = pickle.dumps(rows.arrays)
    assert len(sent) < 1000
    again = pickle.loads(sent)["x"].rows([1, 2])
    assert np.array_equal(again, arrays()["x"][[1, 2]])


def test_new_rows_are_predicted_from_files(
    folder: Path, tmp_path: Path, seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["data=npy", f"data.path={folder}", *WORDS]
    train(tmp_path / "run", *words)
    values = arrays(30)
    written(tmp_path / "new", values)
    np.save(tmp_path / "later.npy", values["x"])
    files = ["new/all.npz", "new", "later.npy"]
    monkeypatch.setattr("seedbed.tables.npy_folder.BLOCK_BYTES", 1000)
    told = [seedbed("predict", "run", "--file", file, "--json").out for file in files]
    monkeypatch.setattr("seedbed.tables.npy_folder.LARGE_BYTES", 1)
    told.append(seedbed("predict", "run", "--file", "later.npy", "--json").out)
    assert len(json.loads(told[0])["predictions"]) == 30
    assert len(set(told)) == 1


class Dangerous:
    """Whose pickle nobody may load."""

    def __reduce__(self) -> Any:
        return print, ("loaded",)


X = np.zeros((20, 2), dtype=np.float32)
HUGE = np.where(np.arange(40).reshape(20, 2) == 9, np.inf, 1.0)
BAD = {
    "pickled": ({"x": np.array([Dangerous(), 1], dtype=object)}, r"x.npy' holds pickled objects"),
    "uneven": ({"y": np.zeros(19)}, r"differ in their number of rows: x 20, y 19"),
    "a number": ({"x": np.array(3.0)}, r"x.npy' holds a single number, not rows"),
    "complex": ({"x": X.astype(complex)}, r"array 'x' of .* has type complex128, not numbers"),
    "infinite": ({"x": HUGE}, r"column 'x' of rows/\*.npy holds an infinite number.* in row 5"),
    "nothing": ({"x": np.full((20, 2), np.nan)}, r"column 'x' of .* no value in any training row"),
    "no numbers": ({"x": X[:, :0]}, r"array 'x' of .* holds no number: its shape is \(20, 0\)"),
    "no target": ({"y": None}, r"data.target: no column 'y' in rows/\*.npy; columns are x"),
    "no rows": (
        {"x": X[:0], "y": X[:0, 0]},
        r"rows/\*.npy has no rows; 2 to train on are the least",
    ),
}


@pytest.mark.parametrize(("changed", "message"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_refused(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    values = {"x": X, "y": np.arange(20) / 2, **changed}
    (tmp_path / "rows").mkdir()
    for name, value in values.items():
        if value is not None:
            np.save(tmp_path / "rows" / f"{name}.npy", value)
    with pytest.raises(DataError, match=message):
        prepared("data=npy", f"data.path={tmp_path / 'rows'}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda whole: whole[:-9], r"x.npy' is cut short: it holds fewer bytes than it says"),
        (lambda whole: b"x,y\n1,2\n", r"x.npy' is no .npy file, or a damaged one"),
        (lambda whole: b"", r"x.npy' is no .npy file, or a damaged one"),
    ],
    ids=["cut short", "another kind", "empty"],
)
def test_a_damaged_file_is_refused(
    folder: Path, tmp_path: Path, content: Callable[[bytes], bytes], message: str
) -> None:
    made = written(tmp_path / "rows", arrays())
    (made / "x.npy").write_bytes(content((folder / "x.npy").read_bytes()))
    with pytest.raises(DataError, match=message):
        prepared("data=npy", f"data.path={made}", *LAYERS)


def test_a_folder_without_arrays_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the folder '.*' has no .npy file; x.npy and y.npy, say"):
        prepared("data=npy", f"data.path={tmp_path}")
    with pytest.raises(DataError, match=r"data.path: no file 'nowhere'"):
        prepared("data=npy", "data.path=nowhere")
    with pytest.raises(DataError, match=r"data.path: .npy files are read where they lie"):
        prepared("data=npy", "data.path=s3://bucket/rows")


def test_a_file_that_changes_ends_the_reading(folder: Path, tmp_path: Path) -> None:
    made = written(tmp_path / "rows", arrays())
    _, plan = prepared("data=npy", f"data.path={made}", *WORDS)
    batches = plan.train.epoch(0)
    next(batches)
    np.save(made / "x.npy", arrays(10)["x"])
    with pytest.raises(DataError, match=r"x.npy' changed while the run read it; put it back"):
        plan.data.train[0]
    assert torch.is_tensor(next(batches)[0])  # was gathered with the first


def test_a_file_that_is_written_into_and_has_its_time_put_back_ends_the_reading(
    tmp_path: Path,
) -> None:
    made = written(tmp_path / "rows", arrays())
    _, plan = prepared("data=npy", f"data.path={made}", *WORDS)
    path = made / "x.npy"
    told = path.stat()
    plan.data.train[0]
    written(made, {name: value[::-1] for name, value in arrays().items()})
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert path.stat().st_size == told.st_size
    with pytest.raises(DataError, match=r"x.npy' changed while the run read it; put it back"):
        plan.data.train[0]
