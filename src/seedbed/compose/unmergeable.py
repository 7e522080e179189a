"""Says of a value that Hydra cannot put into the config what its key holds, and what to type.

Hydra's own keys have types; a key of ours has none there, but may hold keys or a list.
"""

from collections.abc import Mapping
from typing import Any

from hydra.conf import HydraConf
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import (
    BooleanNode,
    DictConfig,
    EnumNode,
    FloatNode,
    IntegerNode,
    ListConfig,
    Node,
    OmegaConf,
    StringNode,
)
from omegaconf.errors import OmegaConfBaseException

from seedbed.config.fitting import as_typed
from seedbed.config.hints import joined
from seedbed.config.shorthand import instead_of_group

SCALARS = {
    BooleanNode: ("true or false", "false"),
    IntegerNode: ("a whole number", "1"),
    FloatNode: ("a number", "1.0"),
    StringNode: ("a text", "TEXT"),
}


def unmergeable(text: str, config: DictConfig | None) -> str | None:
    """What is wrong with an override; None if it is not known.

    Args:
        text: as typed.
        config: composed without it, Hydra's own part included.
    """
    override = OverridesParser.create().parse_override(text)
    key = override.key_or_group
    node = _node(key, config)
    allowed, typed = _allowed(key, node, override.value())
    if node is None or not allowed:
        return None
    if key.startswith("hydra.") and node._is_optional():
        allowed += " or null"
    return f"{key} must be {allowed}, got {_got(override.value())}; type {typed}"


def _node(key: str, config: DictConfig | None) -> Node | None:
    """What stands at a key, with its type; of Hydra's own keys as Hydra declares them."""
    root: Any = config
    path = key
    if key.startswith("hydra."):
        root, path = OmegaConf.structured(HydraConf), key.removeprefix("hydra.")
    above, _, last = path.rpartition(".")
    try:
        holder: Any = OmegaConf.select(root, above) if above else root
    except (OmegaConfBaseException, AttributeError):
        return None
    node = holder._get_node(last) if isinstance(holder, DictConfig) else None
    return node if isinstance(node, Node) else None


def _allowed(key: str, node: Node | None, value: Any) -> tuple[str, str]:
    """What the key takes, and what to type."""
    if isinstance(node, EnumNode):
        names = list(node.enum_type.__members__)
        return f"one of {', '.join(names)}", f"{key}={names[0]}"
    if isinstance(node, ListConfig):
        item = as_typed(value).strip("'") if isinstance(value, str | int | float) else "VALUE"
        return "a list", f"'{key}=[{item}]'"
    if isinstance(node, DictConfig):
        names = [str(name) for name in node]
        first = instead_of_group(key, value) or f"{key}.{(names or ['NAME'])[0]}=VALUE"
        if not names:
            return "a mapping", f"+{first}"
        return f"a mapping with the keys {joined(names)}", first
    for kind, (allowed, example) in SCALARS.items():
        if isinstance(node, kind):
            example_text = "FOLDER" if key.endswith("dir") else example
            return allowed, f"{key}={example_text}"
    return "", ""


def _got(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {as_typed(one)}" for name, one in value.items()) + "}"
    return as_typed(value)
