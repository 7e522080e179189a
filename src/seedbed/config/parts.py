"""What the keys that part the rows have to be among each other."""

from collections.abc import Mapping, Sequence

from seedbed.config.schema import ColumnsConfig, DataConfig, DatasetConfig, FilesConfig, TableConfig
from seedbed.config.task_names import RECONSTRUCTION


def problems_of_parts(data: DataConfig) -> list[str]:
    """What is wrong with `data.folds`, `data.fold` and the columns that the rows are parted by."""
    problems = [*_of_folds(data), *_of_columns(data), *_of_stream(data)]
    key = "validation_path" if isinstance(data, FilesConfig) else "validation"
    if data.folds is not None and getattr(data, key, None) is not None:
        problems.append(
            f"data.folds={data.folds} takes the rows that validate from the training rows, and "
            f"data.{key} names others; leave one of the two out"
        )
    return problems


def _of_stream(data: DataConfig) -> Sequence[str]:
    if not getattr(data, "stream", False):
        return []
    beside = data.beside if isinstance(data, ColumnsConfig) else {}
    asked = [f"{key}={name}" for name, key in beside.items()]
    asked += [f"data.folds={data.folds}"] if data.folds is not None else []
    dates = data.dates if isinstance(data, TableConfig) else None
    asked += [f"data.dates: '{name}'" for name, one in (dates or {}).items() if _has_parts(one)]
    return [
        f"{one} goes with rows that are held at once, and data.stream=true reads them in "
        "blocks; type data.stream=false"
        for one in asked
    ]


def _has_parts(given: object) -> bool:
    """Whether `data.dates` asks for parts of a column's dates."""
    return isinstance(given, list) or (isinstance(given, Mapping) and bool(given.get("parts")))


def _of_folds(data: DataConfig) -> Sequence[str]:
    folds, fold = data.folds, data.fold
    if folds is None:
        told = f"data.fold={fold} is a fold of none; type data.folds=5 beside it, say"
        return [] if fold is None else [told]
    if fold is None:
        return [
            f"data.folds={folds} needs the fold that validates: type data.fold=0, or sweep all of "
            f"them, train -m 'data.fold=range(0,{folds})'"
        ]
    if fold >= folds:
        return [f"data.fold must be from 0 to {folds - 1} with data.folds={folds}, got {fold}"]
    return []


def _of_columns(data: DataConfig) -> Sequence[str]:
    split = data.split
    if isinstance(data, DatasetConfig):
        return [
            f"data.split.{key}={name} names a column, and a Dataset of your own has none; give it "
            "parts of its own, data.train and data.validation"
            for key, name in (("by", split.by), ("time", split.time))
            if name is not None
        ]
    if split.by is not None and split.time is not None:
        return [
            f"data.split.by={split.by} and data.split.time={split.time} cannot both hold: a group "
            "may last from one part into the next; leave one of the two out"
        ]
    assert isinstance(data, ColumnsConfig)
    if data.weight is not None and data.weight in (data.features or []):
        return [
            f"data.weight={data.weight} is in data.features too; a weight says how much a row "
            "counts, and no row to predict has one: name it in one of them"
        ]
    if data.weight is not None and data.task == RECONSTRUCTION:
        return [f"data.weight={data.weight} does not go with data.task={RECONSTRUCTION}"]
    target = getattr(data, "target", None)
    targets = [target] if isinstance(target, str) else target or []
    return [
        f"{key}={name} is data.target, which is no other column's work; name another column"
        for name, key in data.beside.items()
        if name in targets
    ]
