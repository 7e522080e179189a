"""Regular expressions on the names of parameters."""

import pytest

from seedbed.errors import ConfigError
from seedbed.models.parameter_names import closest_first, names_found

NAMES = ["features.0.weight", "features.0.bias", "head.weight", "head.bias"]


def test_expressions_find_names_in_their_order() -> None:
    assert names_found([r"\.bias$", r"^features\."], NAMES, "init.freeze") == [
        "features.0.weight",
        "features.0.bias",
        "head.bias",
    ]


def test_no_expression_finds_no_name() -> None:
    assert names_found([], NAMES, "init.freeze") == []


def test_expression_that_matches_nothing_is_told_with_the_closest_names_first() -> None:
    with pytest.raises(ConfigError) as refused:
        names_found([r"^haed\.weight$", "^features"], NAMES, "init.freeze")
    (problem,) = refused.value.problems
    assert problem.startswith(r"init.freeze: '^haed\.weight$' matches none of head.weight, ")


@pytest.mark.parametrize("pattern", ["*head", "(head", "a{99999999999}", r"\p"])
def test_what_is_no_expression_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigError, match="is no regular expression"):
        names_found([pattern], NAMES, "init.reset")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(.|.)+~", "repeats a group"),
        (r"(.|.|\\)+~", "repeats a group"),
        ("(?x)(.|.) +~", "a comment or the flag x"),
        ("(?i-x:(.|.) +~)", "a comment or the flag x"),
        ("(?#[)(.|.)(.|.)(?#])", "a comment or the flag x"),
        (".*.*.*.*~", "more than 3 of"),
        (".?" * 9, "more than 256 ways"),
        ("(|.)" * 9 + "~", "more than 256 ways"),
        ("((|.)(|.)(|.)|.)" * 3 + "~", "more than 256 ways"),
        ("[(](|.)" * 9 + "[)]", "more than 256 ways"),
        ("." * 201, "has 201 characters"),
    ],
)
def test_what_could_be_searched_for_without_end_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        names_found([pattern], NAMES, "init.freeze")
    assert why in refused.value.problems[0]


def test_alternatives_are_not_counted_where_one_is_tried_after_the_other() -> None:
    layers = "|".join(f"layer{n}" for n in range(8))
    assert names_found([rf"^({layers}|features)\.0|{layers}"], NAMES, "init.freeze") == NAMES[:2]
    assert names_found([r"^(?!head)", r"(?i)^HEAD\.b"], NAMES, "init.freeze") == [
        *NAMES[:2],
        "head.bias",
    ]


def test_closest_name_is_that_which_begins_like_the_expression() -> None:
    assert closest_first("^feature.0.bais", NAMES)[0] == "features.0.bias"
