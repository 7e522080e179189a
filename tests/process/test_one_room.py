"""What bends the process stands in one room, and torch's private names in one module of it."""

import ast
import functools
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path

import seedbed

SOURCE = Path(seedbed.__file__).parent
ROOM = SOURCE / "process"
MODULES = sorted(SOURCE.rglob("*.py"))


def named(node: ast.AST) -> str:
    """The dotted name that an expression is; empty if it is none."""
    if isinstance(node, ast.Attribute):
        return f"{named(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@functools.cache
def names(path: Path) -> frozenset[str]:
    """All that a module imports or names, dotted."""
    return frozenset(_named_in(ast.parse(path.read_text(encoding="utf-8"))))


def _named_in(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
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


def where(
    found: Callable[[Path], Set[str]], paths: Sequence[Path] = MODULES
) -> dict[str, Set[str]]:
    """What is found, by the module in which it is."""
    return {str(path.relative_to(SOURCE)): found(path) for path in paths if found(path)}


def private(path: Path) -> set[str]:
    return {name for name in names(path) if is_private_of_torch(name)}


def test_the_looks_find_what_they_look_for() -> None:
    assert len(MODULES) > 600
    found = set(names(ROOM / "torch_private.py"))
    assert any(map(is_private_of_torch, found))
    assert {name for path in ROOM.glob("*.py") for name in names(path)} >= BENDING


def test_torch_s_private_names_stand_in_one_module() -> None:
    assert where(private).keys() == {"process/torch_private.py"}


def test_forks_and_the_collector_are_left_to_the_room() -> None:
    elsewhere = [path for path in MODULES if path.parent != ROOM]
    assert where(lambda path: BENDING & names(path), elsewhere) == {}


def test_the_room_knows_no_other() -> None:
    def others(path: Path) -> set[str]:
        ours = {name for name in names(path) if name.startswith("seedbed.")}
        return {name for name in ours if not name.startswith("seedbed.process")}

    assert where(others, sorted(ROOM.glob("*.py"))) == {}
