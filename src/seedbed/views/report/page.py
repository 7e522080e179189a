"""The page as one text: its parts, the plotting library and the data in one file.

The page may load nothing and run no script but its own: a policy of its own names the digests of
those. Names and values of runs stand in a block of JSON alone.
"""

import base64
import hashlib
import importlib.util
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from seedbed.errors import SeedbedError

PARTS = Path(__file__).parent / "parts"
SCRIPTS = ("values", "filter", "selection", "sections", "table", "parallel", "curves", "page")
"""In the order in which they stand in the page."""

GENERATOR = '<meta name="generator" content="seedbed report">'
"""By which a page of ours is known."""

PLOTLY = ("package_data", "plotly.min.js")
"""Of the package, which is not imported: that would take half a second."""

PLACE = re.compile(r"<!-- (style|policy|generator|data|library|script) -->")

IN_JSON = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What a script element must not hold, as JSON spells it too."""


def page(content: Mapping[str, Any]) -> str:
    """The page that shows some content, as `content.py` makes it."""
    script = _script()
    parts = {
        "style": _part("page.css"),
        "policy": _policy(library := _library(), script),
        "generator": GENERATOR,
        "data": json_for_html(content),
        "library": library,
        "script": script,
    }
    return PLACE.sub(lambda found: parts[found[1]], _part("page.html"))


def json_for_html(content: Any) -> str:
    """JSON that no HTML parser takes for its own: nothing in it ends or begins an element."""
    text = orjson.dumps(content).decode()
    return re.sub("[<>&\u2028\u2029]", lambda found: IN_JSON[found[0]], text)


def _policy(*scripts: str) -> str:
    """What the page may do: run these scripts, and nothing from anywhere else.

    `unsafe-eval` is for plotly.js, which compiles what draws parallel coordinates; no text of a run
    comes to it, and nothing but the two scripts can run to use it.
    """
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed} 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


@cache
def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _script() -> str:
    """Our own scripts, as one, whose names nobody else sees."""
    whole = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{whole}\n}})();'


@cache
def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8").rstrip("\n")


@cache
def _library() -> str:
    """plotly.js, as the package of Python has it.

    Raises:
        SeedbedError: if it is not installed.
    """
    spec = importlib.util.find_spec("plotly")
    folders = [] if spec is None else spec.submodule_search_locations or []
    for folder in folders:
        file = Path(folder).joinpath(*PLOTLY)
        if file.is_file():
            text = file.read_text(encoding="utf-8").replace("\r\n", "\n")
            return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    raise SeedbedError("a report needs plotly, which is not installed; type pip install plotly")
