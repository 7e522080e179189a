"""The house stands as `docs/architecture.md` draws it: its table is the order of the rooms."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
PAGE = ROOT / "docs" / "architecture.md"

HYDRAS = {"hydra", "omegaconf", "antlr4"}
KNOWS_HYDRA = ("seedbed.compose.", "seedbed.cli.hydra_flags", "hydra_plugins.seedbed.")

LARGEST_ROOM = 0.2
"""Of the lines of all."""


@cache
def modules() -> dict[str, Path]:
    """Every module of the sources, by its name."""
    found = {}
    for path in sorted(SRC.rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


@cache
def imports() -> dict[str, set[str]]:
    """What each module imports anywhere in it: at its top, in functions, and for types alone."""
    return {name: set(_imported(ast.parse(path.read_text()))) for name, path in modules().items()}


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for one in node.names:
                whole = f"{node.module}.{one.name}"
                yield whole if whole in modules() else str(node.module)


def own_imports() -> dict[str, set[str]]:
    return {name: {one for one in found if one in modules()} for name, found in imports().items()}


@cache
def rooms() -> list[str]:
    """From the highest to the lowest, by the first table of the page; a file may be a room."""
    table = re.search(r"^\| room \|.*?\n\n", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
    assert table is not None
    cells = [line.split("|")[1] for line in table[0].strip().splitlines()[2:]]
    return [
        re.sub(r"[`/ ]", "", name).removesuffix(".py") for cell in cells for name in cell.split(",")
    ]


def room_of(module: str) -> str:
    package, *rest = module.split(".")
    if package == "hydra_plugins":
        return package
    return rest[0] if rest else "__init__"


def test_every_module_is_in_a_room_of_the_table() -> None:
    assert {room_of(name) for name in modules()} == set(rooms())


def test_no_import_runs_up() -> None:
    height = {name: -place for place, name in enumerate(rooms())}
    up = [
        f"{name} -> {other}"
        for name, found in own_imports().items()
        for other in sorted(found)
        if height[room_of(other)] > height[room_of(name)]
    ]
    assert up == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = own_imports()
    low: dict[str, int] = {}
    stack: list[str] = []
    circles: list[list[str]] = []

    def visit(name: str) -> int:
        """Tarjan's strongly connected components."""
        number = low[name] = len(low)
        stack.append(name)
        for other in graph[name]:
            if other not in low:
                low[name] = min(low[name], visit(other))
            elif other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == number:
            at = stack.index(name)
            circle, stack[at:] = stack[at:], []
            if len(circle) > 1 or name in graph[name]:
                circles.append(circle)
        return low[name]

    for name in graph:
        if name not in low:
            visit(name)
    assert circles == []


def test_hydra_is_known_in_its_rooms_alone() -> None:
    know = {
        name for name, found in imports().items() if {one.split(".")[0] for one in found} & HYDRAS
    }
    assert [name for name in sorted(know) if not f"{name}.".startswith(KNOWS_HYDRA)] == []


def test_no_room_holds_more_than_a_fifth() -> None:
    lines: dict[str, int] = {}
    for name, path in modules().items():
        count = len(path.read_text(encoding="utf-8").splitlines())
        lines[room_of(name)] = lines.get(room_of(name), 0) + count
    whole = sum(lines.values())
    assert {name: count for name, count in lines.items() if count > LARGEST_ROOM * whole} == {}


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "misc", "base"])
def test_no_module_has_a_name_that_says_nothing(name: str) -> None:
    assert [one for one in modules() if one.rpartition(".")[2] == name] == []


def test_the_page_names_modules_that_there_are() -> None:
    named = set(re.findall(r"`(?!tests/)([a-z_/]+\.py)`", PAGE.read_text(encoding="utf-8")))
    there = {str(path.relative_to(SRC / "seedbed")) for path in (SRC / "seedbed").rglob("*.py")}
    short = {name for name in named if "/" not in name}
    assert sorted(named - short - there) == []
    assert sorted(short - {Path(one).name for one in there}) == []
