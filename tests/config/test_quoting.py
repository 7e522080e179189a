"""What Hydra's grammar does not read is answered with what to type, and that is read."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.compose.quoting import quoted_override

PARSER = OverridesParser.create()


def value_of(word: str) -> object:
    return PARSER.parse_override(word).value()


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
@settings(max_examples=100, deadline=None)
def test_any_text_that_is_not_read_is_read_in_quotes(text: str) -> None:
    try:
        PARSER.parse_override(f"data.path={text}")
    except HydraException:
        if text[:1] in ("[", "{") or "${" in text or text[-1:] in ("'", '"'):
            return
        typed = quoted_override(f"data.path={text}")
        assert typed is not None
        (word,) = shlex.split(typed)
        assert value_of(word) == text


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a=[Größe,b]", ["Größe", "b"]),
        ("a=[x y,f(1)]", ["x y", "f(1)"]),
        ("a=C:\\Größe\\", "C:\\Größe\\"),
        ("a='Größe", "'Größe"),
        ("a=it's", "it's"),
    ],
)
def test_lists_and_quotes(typed: str, meant: object) -> None:
    (word,) = shlex.split(str(quoted_override(typed)))
    assert value_of(word) == meant


@pytest.mark.parametrize("typed", ["Größe=1", "seed", "a={Größe:1}", "a=${b"])
def test_what_quotes_do_not_help_has_no_such_hint(typed: str) -> None:
    assert quoted_override(typed) is None


@pytest.mark.parametrize(
    "name", ["Größe.csv", "a=1.csv", "a(1).csv", "a,b.csv", "my, own.csv", "日本.csv", "a&b.csv"]
)
def test_a_file_of_any_name_is_found_by_what_the_error_says(seedbed: Callable, name: str) -> None:
    Path(name).write_text("x,y\n" + "".join(f"{n},{n}.5\n" for n in range(8)))
    words = ["data=csv", "data.target=y", "loader.batch_size=2"]
    result = seedbed("validate", *words, f"data.path={name}")
    assert (result.code, len(result.errors)) == (2, 1)
    (typed,) = re.findall(r"type ('data\.path=\"[^;]*\"')$", result.errors[0])
    assert seedbed("validate", *words, *shlex.split(typed)).code == 0


def test_items_of_a_sweep_are_quoted_one_by_one(seedbed: Callable) -> None:
    result = seedbed("validate", "-m", "name=a,Größe,c")
    assert result.code == 2
    assert result.errors[0].endswith("type 'name=a,\"Größe\",c'")
