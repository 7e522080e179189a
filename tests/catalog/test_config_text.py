"""The quick way to read many configs gives what YAML gives."""

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedbed.catalog.config_text import flat_settings, group_choices, references
from seedbed.errors import RunDirectoryError


def flat(mapping: dict, prefix: str = "") -> dict:
    found = {}
    for key, value in mapping.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=["Cc"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
KEYS = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=6))
def test_blocks_give_what_the_whole_gives(config: dict) -> None:
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    assert flat_settings(text) == flat(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        'a: "x\nb: 1"\n',
        "a: {x: 1,\nb: 2}\n",
        "a:\n- 1\n- 2\nb: 3\n",
        "a: &one [1]\nb: *one\n",
        "a: [&one 1, *one]\nb: &two 2\nc: {d: *two}\n",
        "a: &one {x: 1}\nb:\n  <<: *one\n  y: 2\n",
        "a: |\n  b: 1\nc: 2\n",
        "# first\na: 1\n# between\nb: 2\n",
        "---\na: 1\n",
        "a: {b: 1}\n<<: {a: 2, c: 3}\n",
        "a: 1\na: 2\n",
        "? a\n: 1\nb: 2\n",
        "'a b': 1\nc: 2\n",
    ],
)
def test_text_of_another_form_gives_what_yaml_gives(text: str) -> None:
    assert flat_settings(text) == flat(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text", ["a: 1\nb\n", "a: !!python/object:os.system {}\n", "- 1\n", "", "a: [1\nb: 2\n"]
)
def test_what_is_no_config_is_refused(text: str) -> None:
    with pytest.raises((RunDirectoryError, yaml.YAMLError)):
        flat_settings(text)


def test_control_characters_are_written_out() -> None:
    assert flat_settings('"a\\e": "\\e[2J"\n') == {"a\\x1b": "\\x1b[2J"}


def test_references_are_told_from_values_of_their_own() -> None:
    text = "a: ${b.c}\nb:\n  c: 1\n  d: x-${a}\nwhen: ${now:%Y}\nboth: ${a}${oc.env:HOME}\n"
    assert references(text) == {"a", "b.d"}


def test_choices_are_those_of_the_program_s_groups() -> None:
    text = "hydra:\n  runtime:\n    choices:\n      model: custom\n      experiment: null\n"
    text += "      hydra/help: default\n  verbose: false\n"
    assert group_choices(text) == {"model": "custom", "experiment": None}
