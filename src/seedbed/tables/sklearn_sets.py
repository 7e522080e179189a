"""The sets that come with scikit-learn.

scikit-learn takes a second to import, and reading a set by it needs little of that; so those that
lie in its folder as plain tables are read from there, and equal what it gives itself, to the bit.
"""

import gzip
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.config.schema import SklearnConfig
from seedbed.errors import DataError
from seedbed.tables.row_names import RowNames
from seedbed.tables.table import Column, Table

CELL = (
    *("radius", "texture", "perimeter", "area", "smoothness"),
    *("compactness", "concavity", "concave points", "symmetry", "fractal dimension"),
)

FEATURES: dict[str, list[str]] = {
    "digits": [f"pixel_{row}_{column}" for row in range(8) for column in range(8)],
    "iris": [f"{part} {side} (cm)" for part in ("sepal", "petal") for side in ("length", "width")],
    "wine": [
        *("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols"),
        *("flavanoids", "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue"),
        *("od280/od315_of_diluted_wines", "proline"),
    ],
    "breast_cancer": [
        *(f"mean {one}" for one in CELL),
        *(f"{one} error" for one in CELL),
        *(f"worst {one}" for one in CELL),
    ],
}
"""The names of the columns, which the files do not tell. `diabetes` lies there unscaled."""

FILES = {
    "digits": "digits.csv.gz",
    "iris": "iris.csv",
    "wine": "wine_data.csv",
    "breast_cancer": "breast_cancer.csv",
}


def sklearn_table(config: SklearnConfig) -> Table:
    """A set that comes with scikit-learn.

    Raises:
        DataError: if scikit-learn is not installed.
    """
    return _from_files(config.dataset) or _from_library(config.dataset)


def _table(
    dataset: str,
    names: Sequence[str],
    features: NDArray[np.float64],
    target: NDArray[Any],
    classes: Sequence[str],
) -> Table:
    """A set; its target are the numbers of the classes, or real values where there are none."""
    columns = {name: Column("number", features[:, index]) for index, name in enumerate(names)}
    if classes:
        columns["target"] = Column.of_names(RowNames(target.astype(np.int32), list(classes)))
    else:
        columns["target"] = Column("number", target.astype(np.float64))
    return Table(columns, f"scikit-learn's {dataset}", ["target"], classes)


@cache
def _from_files(dataset: str) -> Table | None:
    """The set as its file has it; None if there is no such file where one is known to be."""
    package = find_spec("sklearn")
    if dataset not in FILES or package is None or not package.submodule_search_locations:
        return None
    path = Path(package.submodule_search_locations[0]) / "datasets" / "data" / FILES[dataset]
    try:
        text = path.read_bytes()
        lines = (gzip.decompress(text) if path.suffix == ".gz" else text).decode().splitlines()
        classes = [str(number) for number in range(10)]
        if dataset != "digits":
            classes = lines.pop(0).split(",")[2:]  # behind the numbers of rows and columns
        cells = np.loadtxt(lines, delimiter=",")
    except (OSError, ValueError):
        return None
    cells.flags.writeable = False  # kept: a sweep asks for a set several times
    names = FEATURES[dataset]
    if cells.shape[1] != len(names) + 1:
        return None
    return _table(dataset, names, cells[:, :-1], cells[:, -1].astype(np.int64), classes)


def _from_library(dataset: str) -> Table:
    try:
        from sklearn import datasets
    except ImportError as err:
        raise DataError("data=sklearn needs scikit-learn; type: pip install scikit-learn") from err
    loaded = getattr(datasets, f"load_{dataset}")()
    names = [str(name) for name in loaded.feature_names]
    classes = [str(name) for name in loaded.get("target_names", [])]
    features = np.asarray(loaded.data, dtype=np.float64)
    return _table(dataset, names, features, loaded.target, classes)
