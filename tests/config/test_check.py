"""A plain mapping becomes a typed config, or every problem with it is told."""

import copy
from typing import Any

import pytest
from support.loaders import loader_config

from seedbed.compose.compose import composed
from seedbed.config.check import checked
from seedbed.config.schema import CsvConfig, EarlyStopping, RowsConfig
from seedbed.errors import ConfigError

LONG = "x" * 200


@pytest.fixture(scope="module")
def default() -> dict[str, Any]:
    """The default config, resolved."""
    return composed([]).resolved


@pytest.fixture
def config(default: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(default)


def put(config: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    for part in path:
        config = config[part]
    config[last] = value


def test_the_groups_are_typed(config: dict[str, Any]) -> None:
    run = checked(config)
    assert run.loader == loader_config(2, persistent_workers=None)
    assert isinstance(run.data, RowsConfig)
    assert run.data.split.stratify is True
    assert run.model["_target_"] == "seedbed.models.CustomMLP"


def test_the_source_decides_on_the_keys_of_data(config: dict[str, Any]) -> None:
    words = ["data=csv", "data.path=a.csv", "data.target=[y, z]"]
    data = composed(words).config.data
    assert isinstance(data, CsvConfig)
    assert data.target == ["y", "z"]
    config["data"]["source"] = "csw"
    with pytest.raises(ConfigError, match=r"one of rows, csv, .* got 'csw'; did you mean 'csv'\?"):
        checked(config)


@pytest.mark.parametrize(
    ("key", "value", "fitted"),
    [
        ("optimizer.lr", 1, 1.0),
        ("name", 2026, "2026"),
        ("loader.batch_size", None, None),
        ("trainer.log_every", "10 steps", "10 steps"),
        ("trainer.log_every", 3, 3),
        ("trainer.device", "cuda:1", "cuda:1"),
        ("seed", 2**63 - 1, 2**63 - 1),
    ],
    ids=str,
)
def test_a_value_that_fits_is_taken(
    config: dict[str, Any], key: str, value: Any, fitted: Any
) -> None:
    put(config, key, value)
    found: Any = checked(config)
    for part in key.split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    assert found == fitted


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("seed", True, r"seed must be a whole number >= 0 and < 9\.22337e\+18, got true"),
        ("seed", 2**63, "seed must be a whole number"),
        ("seed", None, "seed must be a whole number .*, got null"),
        ("optimizer.lr", float("inf"), "optimizer.lr must be a number > 0, got inf"),
        ("optimizer.weight_decay", -1, "optimizer.weight_decay must be a number >= 0, got -1"),
        ("data.split.test", 1, "data.split.test must be a number >= 0 and < 1, got 1"),
        ("trainer.device", "cuda:x", r"\(auto, cpu, cuda, cuda:N or mps\), got 'cuda:x'"),
        ("trainer.checkpoint_every", "0 s", r"N \(epochs\), 'N steps' or 'N s'"),
        ("trainer.precision", True, "must be one of float32, bfloat16, float16, got true"),
        ("trainer.gradient_clip", 0, "trainer.gradient_clip must be a number > 0 or null, got 0"),
        ("name", "..", "name must be a text"),
        ("name", LONG + "/", r"got 'x{76}\.\.\.$"),
        ("allow", "mine", r"allow must be a list of texts, got 'mine'; type 'allow=\[mine\]'"),
        ("model.hidden", "wide", r"one width for each hidden layer\), got 'wide'$"),
        ("step", "mine", r"got 'mine'; type step\._target_=my_package\.my_step$"),
        (
            "callbacks",
            [5],
            r"a list of mappings, got \[5\]; type 'callbacks=\[\{_target_: my_package\.MyCallback",
        ),
        ("metrics", [{"a": 1, "b": 2}], r"such as '\{FBetaScore: \{beta: 2\.0\}\}', got"),
        ("loader", 3, "loader must hold the keys batch_size, shuffle, .*, got 3"),
        ("data.split", None, "data.split must hold the keys validation, test, .*, got null"),
        ("data.x", [], r"data.x must be a list of values \(a list of rows\), got \[\]"),
        ("model._target_", 3, "model._target_ must be the name of a class, got 3"),
        ("model._target_", "", "model._target_ must be the name of a class, got ''"),
        ("model._target_", None, "model._target_ must be the name of a class, got null"),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_is_refused(
    config: dict[str, Any], key: str, value: Any, problem: str
) -> None:
    put(config, key, value)
    with pytest.raises(ConfigError, match=problem):
        checked(config)


@pytest.mark.parametrize("encoding", ["unicode_escape", "raw-unicode-escape", "hex", "rot13", "\0"])
def test_what_no_file_is_written_in_is_no_encoding(encoding: str) -> None:
    data = ["data=csv", "data.path=a.csv", "data.target=y"]
    config = copy.deepcopy(composed(data).resolved)
    put(config, "data.encoding", encoding)
    with pytest.raises(ConfigError, match="must be a text that names a text encoding"):
        checked(config)


def test_every_problem_is_reported_once(config: dict[str, Any]) -> None:
    put(config, "seed", -1)
    put(config, "optimizer.lr", "fast")
    put(config, "model.hiden", [8])
    put(config, "trainer.early_stopping.patience", 0)
    del config["loader"]["shuffle"]
    with pytest.raises(ConfigError) as caught:
        checked(config)
    assert sorted(problem.partition(";")[0] for problem in caught.value.problems) == [
        "loader.shuffle is missing",
        "no key 'model.hiden'",
        "optimizer.lr must be a number > 0, got 'fast'",
        "seed must be a whole number >= 0 and < 9.22337e+18, got -1",
        "trainer.early_stopping.patience must be a whole number >= 1 or null, got 0",
    ]


@pytest.mark.parametrize("patience", [10, None])
def test_early_stopping_may_be_a_number_alone(config: dict[str, Any], patience: int | None) -> None:
    put(config, "trainer.early_stopping", patience)
    assert checked(config).trainer.early_stopping == EarlyStopping(patience, 0.0)


@pytest.mark.parametrize("group", ["model", "loss", "optimizer", "scheduler"])
def test_a_class_that_is_not_ours_may_have_keys_that_are_not_ours(
    config: dict[str, Any], group: str
) -> None:
    config[group] = {"_target_": "mine.Own", "depth": 3}
    assert getattr(checked(config), group)["depth"] == 3


@pytest.mark.parametrize("group", ["model", "loss", "optimizer", "scheduler"])
def test_a_group_without_a_class_is_refused(config: dict[str, Any], group: str) -> None:
    del config[group]["_target_"]
    with pytest.raises(ConfigError, match=rf"{group}\._target_ is missing"):
        checked(config)


def test_a_key_of_another_group_is_found(config: dict[str, Any]) -> None:
    put(config, "trainer.batch_size", 8)
    with pytest.raises(ConfigError, match=r"'trainer\.batch_size'; did you mean 'loader\.batch_s"):
        checked(config)


def test_a_key_far_from_all_is_answered_with_what_there_is(config: dict[str, Any]) -> None:
    put(config, "loader.qqq", 8)
    with pytest.raises(ConfigError, match=r"there are loader\.batch_size, loader\.buckets"):
        checked(config)


def test_a_number_in_quotes_is_answered_with_how_to_type_it(config: dict[str, Any]) -> None:
    put(config, "trainer.epochs", "12")
    with pytest.raises(ConfigError, match=r"that is a text: type trainer\.epochs=12 without quot"):
        checked(config)


@pytest.mark.parametrize("text", ["0x10", "010", "1:30", "0b11"])
def test_a_number_of_yaml_alone_is_not_to_be_typed_again(config: dict[str, Any], text: str) -> None:
    put(config, "trainer.epochs", text)
    with pytest.raises(ConfigError, match=rf"must be a whole number >= 1, got '{text}'$"):
        checked(config)


def test_a_text_of_many_brackets_is_no_number_in_quotes(config: dict[str, Any]) -> None:
    put(config, "trainer.epochs", "[" * 3000 + "]" * 3000)
    with pytest.raises(
        ConfigError, match=r"trainer\.epochs must be a whole number >= 1, got '\[\["
    ):
        checked(config)
