"""The text of a YAML file is that of a plain dump, however much of it is known already."""

import random
from typing import Any

import pytest
import yaml

from seedbed.compose.compose import composed
from seedbed.compose.composed import hydra_files
from seedbed.runs.yaml_text import YamlDumper, yaml_text

KEYS = [
    "a", "lr", "yes", "null", "1", "a b", "ü", "- x", "#", "k" * 90, "k" * 130, "x\ny", "",
    3, True, None, 1.5,
]  # fmt: skip
VALUES = [
    0, 1, -1, True, False, None, 1.0, -0.0, 0.1, 1e-05, 1e300, float("inf"), float("nan"), "", "a",
    "1", "yes", "null", "~", "a: b", "- a", "#a", " a ", "x\ny", "x\n", "é日本", "\x07", "'", '"',
    "word " * 40, "w" * 200, "%(asctime)s", "${a.b}", "2026-01-01", "!!x", "a\tb", "\U0001f600",
    10**30, [], {},
]  # fmt: skip


def plain(content: Any) -> str:
    text: str = yaml.dump(content, Dumper=YamlDumper, sort_keys=False, allow_unicode=True)
    return text


def drawn(random: random.Random, depth: int = 0) -> Any:
    kind = random.random()
    if depth < 5 and kind < 0.35:
        keys = random.sample(KEYS, random.randint(0, 4))
        return {key: drawn(random, depth + 1) for key in keys}
    if depth < 5 and kind < 0.45:
        return [drawn(random, depth + 1) for _ in range(random.randint(0, 3))]
    value = random.choice(VALUES)
    return type(value)() if value in ([], {}) else value


def test_random_contents_are_those_of_a_plain_dump() -> None:
    stream = random.Random(3)
    for _ in range(3000):
        content = {key: drawn(stream) for key in stream.sample(KEYS, stream.choice((1, 1, 2, 3)))}
        expected = plain(content)
        assert yaml_text(content) == expected
        assert yaml_text(content) == expected


def test_the_files_of_jobs_are_those_of_a_plain_dump(tmp_path: Any) -> None:
    for number in range(4):
        job = composed([f"seed={number}", f"optimizer.lr=0.{number}1", "scheduler=cosine"])
        for content in (*hydra_files(job, tmp_path / str(number)).values(), job.resolved):
            assert yaml_text(content) == plain(content)


def test_short_texts_are_those_of_a_plain_dump() -> None:
    """Those that say what they are at sight are written without asking."""
    stream = random.Random(5)
    letters = "aAyYnNoOeExtrufls01289_./=+-~<>!'\"%@#&*:?|, \t\n{}[]é"
    texts = ["".join(stream.choices(letters, k=stream.randint(0, 6))) for _ in range(4000)]
    words = [
        word for one in ("true", "No", "ON", "Null", "y", "n", "inf") for word in (one, one.upper())
    ]
    odd = [
        "=",
        "<<",
        "0x1",
        "1_0",
        "0b1",
        "1:20",
        "08",
        "1e3",
        "1.",
        "---",
        "x" * 500,
        "x" * 501,
        "a/" * 200,
    ]
    for text in [*texts, *words, *odd]:
        content = {"a": text, "b": {"c": [text, 1], "d": text}}
        expected = plain(content)
        assert yaml_text(content) == expected
        assert yaml_text(content) == expected
        assert yaml.safe_load(expected) == content


@pytest.mark.parametrize("times", [1, 3])
def test_values_that_are_equal_and_of_another_type_are_told_apart(times: int) -> None:
    for value in [1, True, 1.0, "1", 0, False, -0.0, 0.0] * times:
        assert yaml_text({"a": value, "b": {"c": value}}) == plain({"a": value, "b": {"c": value}})


def test_what_is_there_twice_is_told_by_an_anchor() -> None:
    rows = [[1, 2]]
    for content in (
        {"x": rows, "y": rows},
        {"x": [rows[0], rows[0]]},
        {"x": {"y": rows, "z": rows}},
    ):
        assert yaml_text(content) == plain(content)
        assert "&id001" in yaml_text(content)


def test_a_change_of_the_same_object_is_seen() -> None:
    content: dict[str, Any] = {"a": {"b": [1]}, "c": 1}
    for number in range(4):
        content["a"]["b"].append(number)
        assert yaml_text(content) == plain(content)


@pytest.mark.parametrize("content", [{}, [], [1, "a"], "a", None, 3], ids=repr)
def test_other_contents_are_dumped(content: Any) -> None:
    assert yaml_text(content) == plain(content)


@pytest.mark.parametrize("rows", [5000, 200_000], ids=["long", "longest"])
def test_long_parts_are_those_of_a_plain_dump(rows: int) -> None:
    content = {"x": list(range(rows)), "a": 1}
    assert [yaml_text(content) for _ in range(3)] == [plain(content)] * 3


def test_what_yaml_has_no_word_for_is_refused_as_ever() -> None:
    for _ in range(3):
        with pytest.raises(yaml.YAMLError):
            yaml_text({"a": {"b": object()}, "c": 1})
