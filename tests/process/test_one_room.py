"""What bends the process stands in one room, and torch's private names in one module of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import seedbed

SOURCE = Path(seedbed.__file__).parent
ROOM = SOURCE / "process"
MODULES = sorted(SOURCE.rglob("*.py"))


def named(node: ast.AST) -> str:
    """The dotted name that an expression is; empty if it is none."""
    if isinstance(node, ast.Attribute):
        return f"{named(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def names(path: Path) -> Iterator[str]:
    """All that a module imports or names, dotted."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield named(node)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{one.name}" for one in node.names)


def is_private_of_torch(name: str) -> bool:
    first, *rest = name.split(".")
    private = [part for part in rest if part.startswith("_") and not part.endswith("__")]
    return first == "torch" and bool(private)  # `__version__` is everybody's


BENDING = {"os.fork", "gc.disable", "gc.freeze", "gc.enable", "atexit._run_exitfuncs"}


def test_the_looks_find_what_they_look_for() -> None:
    found = set(names(ROOM / "torch_private.py"))
    assert any(map(is_private_of_torch, found))
    assert {name for path in ROOM.glob("*.py") for name in names(path)} >= BENDING


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_torch_s_private_names_stand_in_one_module(path: Path) -> None:
    private = {name for name in names(path) if is_private_of_torch(name)}
    assert not private or path == ROOM / "torch_private.py"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_forks_and_the_collector_are_left_to_the_room(path: Path) -> None:
    assert path.parent == ROOM or not BENDING & set(names(path))


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.name)
def test_the_room_knows_no_other(path: Path) -> None:
    ours = {name for name in names(path) if name.startswith("seedbed.")}
    assert all(name.startswith("seedbed.process") for name in ours)
