"""Where YAML is looked for: Seedbed's own `conf/`, and the user's.

The user's folder comes first: `--config-dir DIR`, or a `conf/` in the working directory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from seedbed.errors import ConfigError

_user_conf: Path | None = None


def own_conf() -> Path:
    """The `conf/` of this checkout, or the one inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parents[1] / "conf"
    return checkout if (checkout / "config.yaml").is_file() else package / "conf"


def find_user_conf(named: str | None = None) -> Path | None:
    """The user's folder: `named`, or `conf/` in the working directory if it holds YAML."""
    folder = Path(named or "conf").resolve()
    if named is None and (not folder.is_dir() or not any(folder.rglob("*.yaml"))):
        return None
    return None if folder == own_conf().resolve() else folder


def foreign_config(folder: Path | None, name: str) -> Path | None:
    """A primary config in the user's folder that does not build on ours, as of another program.

    Args:
        folder: of the user's YAML.
        name: of the config.

    Returns:
        Its file; None if there is none, or it builds on ours, or has all of our groups.
    """
    path = folder / f"{name}.yaml" if folder is not None else None
    return None if path is None or builds_on_ours(path) else path


def builds_on_ours(path: Path, depth: int = 4) -> bool:
    """Whether a config has `seedbed` among its defaults, itself or by another, or all our groups.

    Args:
        path: of its file.
        depth: how far defaults are followed.
    """
    content = _mapping_in(path)
    if content is None:
        return True  # which is reported elsewhere
    listed = content.get("defaults")
    defaults = listed if isinstance(listed, list) else []
    named = {
        str(next(iter(one))) if isinstance(one, dict) and one else str(one) for one in defaults
    }
    named = {name.rpartition(" ")[2].strip("/") for name in named}
    groups = {one.parent.name for one in own_conf().glob("*/*.yaml")} - {"experiment", "preset"}
    if "seedbed" in named or groups <= named | content.keys():
        return True
    others = (path.parent / f"{name}.yaml" for name in named)
    return depth > 0 and any(one.is_file() and builds_on_ours(one, depth - 1) for one in others)


def _mapping_in(path: Path) -> dict[Any, Any] | None:
    """What a file of YAML holds; None if there is none, or it holds no mapping."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return content if isinstance(content, dict) else None


def user_conf() -> Path | None:
    """The folder in use now; Hydra's search path plugin asks for it."""
    return _user_conf


@contextmanager
def using_user_conf(folder: Path | None) -> Iterator[None]:
    """Lets compositions inside the block see `folder`."""
    global _user_conf
    before, _user_conf = _user_conf, folder
    try:
        yield
    finally:
        _user_conf = before


def users_allowed() -> list[str]:
    """`allow:` of the `conf/config.yaml` in the working directory."""
    allowed = (_mapping_in(Path("conf/config.yaml")) or {}).get("allow")
    return [str(name) for name in allowed] if isinstance(allowed, list) else []


def output_folder(key: str, value: object) -> Path:
    """The folder that a key of Hydra's names for what is written.

    Raises:
        ConfigError: if it names none; an empty one would be the working directory.
    """
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ConfigError(f"{key} must name a folder, got {value!r}; type {key}=DIR, or none")
    return Path(value)
