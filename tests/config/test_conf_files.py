"""Every YAML that ships composes, fits the schema, builds, and trains a step."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
import yaml
from support.image_files import write_shapes

from seedbed.components import AllowList
from seedbed.compose.compose import composed
from seedbed.config.locations import own_conf
from seedbed.config.target_keys import arguments_of
from seedbed.handed_in import handing_in
from seedbed.signatures import accepts
from seedbed.tables.memory_table import table_in_memory
from seedbed.training.build_run import build_run
from seedbed.training.single import SingleEngine

CONF = own_conf()
FILES = sorted(str(path.relative_to(CONF).with_suffix("")) for path in CONF.rglob("*.yaml"))

NUMBERS = {
    "data": 9,
    "experiment": 11,
    "init": 1,
    "loader": 2,
    "loss": 9,
    "model": 4,
    "optimizer": 14,
    "preset": 3,
    "scheduler": 12,
    "sweep": 1,
    "trainer": 3,
}
"""How many options each group has; a file more or less is told here."""

TABLE = ["data.path=rows.csv", "data.target=y"]
CLASSES = ["data=sklearn", "data.dataset=iris"]
NEEDS = {
    "data/csv": TABLE,
    "data/parquet": ["data.path=rows.parquet", "data.target=y"],
    "data/npz": ["data.path=rows.npz"],
    "data/npy": ["data.path=arrays"],
    "data/images": ["data.path=shapes"],
    "model/cnn": ["data=images", "data.path=shapes"],
    "preset/images": ["data=images", "data.path=shapes"],
    "data/dataset": ["+data.train._target_=conf_rows.Rows", "allow=[conf_rows]"],
    "data/memory": ["data.target=y", "data.fingerprint=rows"],
    "experiment/table": TABLE,
    "loss/bce": ["data=sklearn", "data.dataset=breast_cancer"],
    "loss/cross_entropy": CLASSES,
    "loss/focal": CLASSES,
    "scheduler/chain": ["scheduler.schedulers=[{StepLR:{step_size:3}}]"],
    "scheduler/sequence": [
        "scheduler.schedulers=[ConstantLR,{ExponentialLR:{gamma:0.9}}]",
        "scheduler.milestones=[2]",
    ],
    "scheduler/multistep": ["scheduler.milestones=[2,4]"],
    "optimizer/muon": ["model.bias=false"],
    "loss/poisson": ["data=sklearn", "data.dataset=diabetes", "data.task=counts"],
}
"""What a person has to give with an option, in order to train."""

NOT_ARGUMENTS = {
    "loss/bce": ["label_smoothing"],
    "loss/cross_entropy": ["class_weights"],
    "loss/focal": ["class_weights"],
}
"""Keys of which we make the arguments of a class."""

DATASET = """
import torch

class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return torch.full((3,), float(index)), float(index)
"""


def words_for(file: str) -> list[str]:
    """The overrides that choose a file and give it what it needs."""
    group, _, option = file.rpartition("/")
    return ([f"{group}={option}"] if group else []) + NEEDS.get(file, [])


@pytest.fixture
def files(tmp_path: Path, seedbed) -> Iterator[None]:
    """What `NEEDS` names; `seedbed` forgets the module afterwards."""
    x = np.random.default_rng(0).normal(size=(20, 2))
    y = x.sum(axis=1)
    lines = [f"{a},{b},{c}" for (a, b), c in zip(x.tolist(), y.tolist(), strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,y", *lines]))
    table = pa.table({"a": x[:, 0], "b": x[:, 1], "y": y})
    pa.parquet.write_table(table, tmp_path / "rows.parquet")
    np.savez(tmp_path / "rows.npz", x=x, y=y)
    (tmp_path / "arrays").mkdir()
    np.save(tmp_path / "arrays" / "x.npy", x)
    np.save(tmp_path / "arrays" / "y.npy", y)
    (tmp_path / "conf_rows.py").write_text(DATASET)
    write_shapes(tmp_path / "shapes", 15, size=4)
    with handing_in({"rows": table_in_memory({"a": x[:, 0], "b": x[:, 1], "y": y})}):
        yield


def test_every_file_is_counted() -> None:
    groups = Counter(file.rpartition("/")[0] for file in FILES)
    assert groups.pop("") == 1
    assert groups == NUMBERS


@pytest.mark.parametrize("file", FILES)
def test_a_file_composes_builds_and_trains_a_step(files: None, file: str) -> None:
    config = composed(words_for(file)).config
    plan = build_run(config, AllowList(config.allow))
    before = [parameter.clone() for parameter in plan.model.parameters()]
    x, y = next(iter(plan.train.epoch(0)))
    loss = SingleEngine(plan).step(x, y)
    assert torch.isfinite(loss)
    after = list(plan.model.parameters())
    assert not all(one.equal(other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("experiment/")])
def test_an_experiment_says_how_it_is_run_and_what_comes_out(file: str) -> None:
    text = (CONF / f"{file}.yaml").read_text(encoding="utf-8")
    header = [line for line in text.splitlines() if line.startswith("#")]
    assert header[0] == "# @package _global_"
    assert any(f"seedbed train experiment={Path(file).name}" in line for line in header)
    assert composed(words_for(file)).config.name == Path(file).name


@pytest.mark.parametrize("group", ["model", "loss", "optimizer", "scheduler"])
def test_the_keys_of_an_option_are_arguments_of_its_class(group: str) -> None:
    options = sorted((CONF / group).glob("*.yaml"))
    assert len(options) == NUMBERS[group]
    for path in options:
        option = arguments_of(group, yaml.safe_load(path.read_text(encoding="utf-8")))
        target = option.pop("_target_")
        if target is None:
            assert option == {}
        else:
            found = AllowList().find(target, group)
            others = [key for key in option if not accepts(found, key)]
            assert others == NOT_ARGUMENTS.get(f"{group}/{path.stem}", [])
