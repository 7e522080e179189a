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


def test_closest_name_is_that_which_begins_like_the_expression() -> None:
    assert closest_first("^feature.0.bais", NAMES)[0] == "features.0.bias"
