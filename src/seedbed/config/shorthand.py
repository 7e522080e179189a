"""A value that was typed where a group of keys is, and which of its keys it most likely belongs to.

`optimizer=0.1` means a rate, `loader=32` a batch size, `data=houses.csv` a path.
"""

import re
from typing import Any, get_args

from seedbed.config.fitting import as_typed, hints_of
from seedbed.config.hints import written
from seedbed.config.schema import SklearnConfig

FILE = re.compile(r"\.(csv|tsv|tab|txt|parquet|pq|npz|npy)(?:\.(?:gz|bz2|zst|lz4))?$")
WEIGHTS = re.compile(r"\.(pth|pt|bin|ckpt|safetensors)$")
CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

NUMBERS = {
    "optimizer": "optimizer.lr",
    "loader": "loader.batch_size",
    "trainer": "trainer.epochs",
    "sweep": "sweep.workers",
    "data.split": "data.split.validation",
}
"""What a number is that stands where a group does."""

CLASSES = ("model", "loss", "optimizer", "scheduler")


def option_of_file(name: str) -> str | None:
    """The option of `data` for a file, by its ending."""
    match = FILE.search(name.lower())
    if match is None:
        return None
    return {"parquet": "parquet", "pq": "parquet", "npz": "npz", "npy": "npy"}.get(match[1], "csv")


def instead_of_option(group: str, typed: str | list[Any]) -> str | None:
    """What to type in place of `group=VALUE`, where the value is no option's name.

    Args:
        group: of the config.
        typed: the value: a list, or the text of anything else.
    """
    if isinstance(typed, list):
        are_widths = group == "model" and typed and all(type(one) is int for one in typed)
        return f"'model.hidden=[{','.join(map(written, typed))}]'" if are_widths else None
    if group == "data" and (option := option_of_file(typed)):
        return f"data={option} data.path={typed}"
    if group == "data" and typed in get_args(hints_of(SklearnConfig)["dataset"]):
        return f"data=sklearn data.dataset={typed}"
    if group == "init":
        return f"init.weights={typed}" if WEIGHTS.search(typed) else f"init.run={typed}"
    if group in CLASSES and CLASS.fullmatch(typed):
        return f"{group}._target_={typed}"
    if not NUMBER.fullmatch(typed):
        return None
    if group == "model":
        return f"'model.hidden=[{typed}]'"
    return f"{NUMBERS[group]}={typed}" if group in NUMBERS else None


def instead_of_group(path: str, value: Any) -> str | None:
    """What to type where keys below `path` hold what a single value was given for."""
    single = value[0] if isinstance(value, list) and len(value) == 1 else value
    if path == "trainer.early_stopping":
        return _patience(single)
    if path == "data.split":
        return _split(value)
    is_number = isinstance(single, int | float) and not isinstance(single, bool)
    return f"{NUMBERS[path]}={as_typed(single)}" if path in NUMBERS and is_number else None


def _patience(value: Any) -> str:
    """Whole epochs; false and the like turn it off."""
    key = "trainer.early_stopping.patience"
    word = value.lower() if isinstance(value, str) else None
    if value is False or word in ("off", "no", "none", "never", ""):
        return f"{key}=null to turn it off"
    if type(value) is int:
        return f"{key}={as_typed(value)}"
    return f"{key}=N, a whole number of epochs, or null to turn it off"


def _split(value: Any) -> str:
    """Fractions; of three, the first is what is trained on."""
    shares = value if isinstance(value, list) else [value]
    numbers = all(type(one) in (int, float) for one in shares)
    if numbers and len(shares) in (1, 2, 3):
        validation, *test = shares if len(shares) == 1 else shares[1:]
        typed = f"data.split.validation={as_typed(validation)}"
        return typed + (f" data.split.test={as_typed(test[0])}" if test else "")
    return "data.split.validation=0.1 data.split.test=0.2, or other fractions"
