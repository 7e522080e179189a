"""Where YAML is looked for: Seedbed's own `conf/`, and the user's.

The user's folder comes first: `--config-dir DIR`, or a `conf/` in the working directory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

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
    path = Path("conf/config.yaml")
    if not path.is_file():
        return []
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return []
    allowed = content.get("allow") if isinstance(content, dict) else None
    return [str(name) for name in allowed] if isinstance(allowed, list) else []
