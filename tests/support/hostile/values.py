"""Values of every type that no key of the config can want, and some that many can."""

import math
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml

from seedbed.config.fitting import hints_of
from seedbed.config.schema import DATA_SOURCES, RunConfig
from seedbed.config.target_keys import TARGET_KEYS


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


NUMBERS: list[Any] = [0, -1, 1, 2, 2**31, 2**63, -(2**63), 10**30, 10**400, -(10**400), 10**5000,
                      0.5, -0.0, 1e-320, 1e30, 1e308, -1e308, math.nan, math.inf, -math.inf, True,
                      None]  # fmt: skip
TEXTS: list[Any] = ["", " ", "x" * 5000, "x/" * 3000, "é" * 300, "9" * 400, "1" * 5000,
                    "\0", "a\nb", "\x9b2J", "\ud800", "??", "ab", "é", '"', "hex", "base64", "zlib",
                    "rot13", "punycode", "idna", "utf-7", "undefined", "../x", "/", "1e400", "nan",
                    "subprocess.Popen", "torch.nn.Linear"]  # fmt: skip
CONTAINERS: list[Any] = [[], [[]], {}, [None], [math.nan], [True], ["w", "w"], ["w", "x" * 5000],
                         [10**400], [10**5000], [1e308, -1e308], [[1, 2], [3]], [["a"]], [1] * 3,
                         {1: 2}, {"x" * 5000: 1}, {"a": 10**400}, {"_target_": "os.system"},
                         {"_target_": "torch.nn.Linear"}, {"_target_": 3}, nested(20), nested(100),
                         [{"Linear": 10**400}], [{"Linear": "x" * 20_000}], ["Linear", "Linear"],
                         [{"Dropout": math.nan}], [{"Conv1d": [-1, 0]}]]  # fmt: skip
HOSTILE = NUMBERS + TEXTS + CONTAINERS


def keys_of(schema: type, path: str = "") -> Iterator[str]:
    """The dotted keys of a dataclass and of those within."""
    for name, hint in hints_of(schema).items():
        where = f"{path}.{name}" if path else name
        yield where
        for inner in dataclasses_in(hint):
            yield from keys_of(inner, where)


def dataclasses_in(hint: Any) -> list[type]:
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    choices = get_args(hint) if get_origin(hint) in (Union, UnionType) else [hint]
    return [one for one in choices if is_dataclass(one) and isinstance(one, type)]


CONF = Path(__file__).parents[3] / "conf"
OPTIONS = {
    yaml.safe_load(path.read_text()).get("_target_"): f"{group}={path.stem}"
    for group in TARGET_KEYS
    for path in sorted((CONF / group).glob("*.yaml"), reverse=True)
}
"""The option of ours for a class, by the name of the class."""

_MEMBERS = "scheduler.schedulers=[{ConstantLR:{factor:0.5}},{ExponentialLR:{gamma:0.9}}]"
NEEDED = {
    "torch.optim.lr_scheduler.MultiStepLR": ["scheduler.milestones=[1]"],
    "torch.optim.lr_scheduler.SequentialLR": [_MEMBERS, "scheduler.milestones=[1]"],
    "torch.optim.lr_scheduler.ChainedScheduler": [_MEMBERS],
}
"""What an option has no default for."""

_OPTIMIZERS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad")
_SCHEDULERS = ("StepLR", "CosineAnnealingLR", "OneCycleLR", "ReduceLROnPlateau")
MANY = {
    "optimizer": [f"torch.optim.{name}" for name in _OPTIMIZERS],
    "scheduler": [f"torch.optim.lr_scheduler.{name}" for name in _SCHEDULERS],
}
"""Groups of many options. All keys of these are asked for, and of the others those that none of
these has with the same type, as one check answers both."""

SOURCES = {
    "rows": ["data=sum"],
    "csv": ["data=csv", "data.path=table.csv", "data.target=kind"],
    "parquet": ["data=parquet", "data.path=table.parquet", "data.target=kind"],
    "npz": ["data=npz", "data.path=table.npz", "data.target=kind"],
    "npy": ["data=npy", "data.path=arrays", "data.features=[w]", "data.target=[kind]"],
    "images": ["data=images", "data.path=pictures"],
    "sklearn": ["data=sklearn"],
    "dataset": ["data=dataset", "++data.train._target_=torch.nn.Linear"],
}
"""Overrides for a good config of each source of data that a command can name.

Rows in memory are a program's; their keys are those of a table.
"""


def bases() -> dict[str, tuple[list[str], list[str]]]:
    """Overrides of good configs, with the dotted keys that each has and the others have not."""
    made = {"root": ([], [key for key in keys_of(RunConfig) if not key.startswith("data.")])}
    assert DATA_SOURCES.keys() - SOURCES.keys() == {"memory"}
    for source in SOURCES:
        schema = DATA_SOURCES[source]
        made[f"data {source}"] = (SOURCES[source], list(keys_of(schema, "data")))
    for group, schemas in TARGET_KEYS.items():
        whole = {one for one in schemas if group not in MANY or one in MANY[group]}
        seen = {(name, repr(kind)) for one in whole for name, kind in schemas[one].items()}
        for target, schema in schemas.items():
            if target is not None:
                names = ["_target_", "surplus", *schema]
                if target not in whole:
                    own = {name for name, kind in schema.items() if (name, repr(kind)) not in seen}
                    names = ["surplus", *(name for name in schema if name in own)]
                keys = [f"{group}.{name}" for name in names]
                made[target] = ([OPTIONS[target], *NEEDED.get(target, [])], keys)
    return made


ARGUMENTS = [text for text in TEXTS if "\0" not in text and text != "\ud800"] + [
    "\udcff", "-1", "9" * 5000, "\u00b2", "1e400", "[[1e400, 2]]",
    f"[[{'9' * 400}, 1]]", f"[[{'9' * 5000}, 1]]",
    "[[NaN, Infinity]]", "[[null, null]]", "[[true, false]]", "[" * 5000, "[[]]", "[]", "{}",
    "[{}]",
    "null", "[null]", '[["a", "b"]]', f'[["{"x" * 5000}", 1]]', f'[{{"{"x" * 5000}": 1}}]',
    "[[1, 2], [3]]", "[[[1], [2]]]", "\ufeff[[1, 2]]", f'[[{"1," * 5000}1]]', '[["\\ud800", 1]]',
    "trainer.epochs=\u00b2", f"trainer.epochs={'9' * 5000}", "trainer.epochs=-1", "trainer.epochs=",
    f"seed={'9' * 5000}", f"optimizer.lr={'9' * 400}", "name=a\nb", f"name={'x' * 5000}",
    f"{'x' * 5000}=1", f"hydra.run.dir={'x' * 5000}", "hydra.run.dir=a/" + "y/" * 3000,
    f"{'a.' * 2000}b=1", f"+{'a.' * 2000}b=1", "model=" + "x" * 5000, "data.x=" + "[" * 2000,
    "seed=" + "(" * 300, "name=${oc.env:" + "x" * 3000 + "}", "+x=" + "{a:" * 300 + "1" + "}" * 300,
]  # fmt: skip
"""What an argument of a command may say."""
