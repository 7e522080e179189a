"""A user's own `Dataset` classes, looked at once to learn shapes and the task."""

from collections.abc import Sequence
from typing import Any

import torch

from seedbed.config.build import AllowList
from seedbed.config.schema import DatasetConfig, Task
from seedbed.data.prepared import PreparedData, Rows
from seedbed.data.preprocessing import KnownTask, Preprocessing
from seedbed.errors import DataError


def prepare_own(config: DatasetConfig, allow: AllowList, seed: int) -> PreparedData:
    """Builds the datasets of `data.train`, `data.validation` and `data.test`.

    Args:
        config: each part names a class and its arguments.
        allow: what may be built.
        seed: seeds torch while they are built, should they draw.

    Raises:
        DataError: if a class is no map-style Dataset, or does not give (x, y) of tensors.
        NotAllowedError: if a class may not be built.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        train = _built(config.train, allow, "data.train")
        validation = config.validation and _built(config.validation, allow, "data.validation")
        test = config.test and _built(config.test, allow, "data.test")
    x, y = _sample(train, 0, "data.train")
    task, classes = _task(config.task, train, y, config.classes)
    preprocessing = Preprocessing(
        features=[],
        task=task,
        target=["y"],
        classes=classes,
        target_mean=None,
        target_scale=None,
        input_shape=list(x.shape),
        outputs=max(y.numel(), 1) if task == "regression" else 1,
    )
    rows = {"train": len(train)}  # type: ignore[arg-type]
    return PreparedData(train, validation or None, test or None, preprocessing, {"rows": rows})


def _built(spec: dict[str, Any], allow: AllowList, where: str) -> Rows:
    if "_target_" not in spec:
        raise DataError(f"{where}._target_ is missing; it names your Dataset class")
    dataset = allow.build(spec, where)
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise DataError(f"{where}: {type(dataset).__name__} needs __len__ and __getitem__")
    if len(dataset) == 0:
        raise DataError(f"{where}: {type(dataset).__name__} has no rows")
    return dataset  # type: ignore[no-any-return]


def _sample(dataset: Rows, index: int, where: str) -> tuple[torch.Tensor, torch.Tensor]:
    name = type(dataset).__name__
    try:
        row = dataset[index]
    except Exception as err:
        raise DataError(f"{where}: {name}[{index}] raises {type(err).__name__}: {err}") from err
    if not isinstance(row, Sequence) or len(row) != 2:
        raise DataError(f"{where}: {name}[{index}] must be (x, y), got {type(row).__name__}")
    x, y = row[0], torch.as_tensor(row[1])
    if not isinstance(x, torch.Tensor):
        raise DataError(f"{where}: {name}[{index}] must give x as a tensor, got {type(x).__name__}")
    return x, y


def _task(
    task: Task, train: Rows, y: torch.Tensor, names: Sequence[str] | None
) -> tuple[KnownTask, list[str]]:
    if task == "regression" or (task == "auto" and y.is_floating_point()):
        return "regression", []
    if y.is_floating_point() or y.numel() != 1:
        raise DataError(
            f"data.task={task}: y must be one whole number, got {y.dtype} {tuple(y.shape)}"
        )
    classes = list(names or getattr(train, "classes", None) or [])
    if not classes:
        largest = max(int(_sample(train, i, "data.train")[1]) for i in range(len(train)))  # type: ignore[arg-type]
        classes = [str(number) for number in range(largest + 1)]
    if len(classes) < 2:
        raise DataError("data.train has one class only")
    if task == "binary" and len(classes) > 2:
        raise DataError(f"data.task=binary, but there are {len(classes)} classes")
    if task == "multiclass" or len(classes) > 2:
        return "multiclass", classes
    return "binary", classes
