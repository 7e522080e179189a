"""The whole C text of many steps: of a network, a loss, a batch's size and an optimizer."""

from dataclasses import dataclass
from pathlib import Path

from seedbed.fused.compiled.operations import written
from seedbed.fused.compiled.places import NotWritableError, Place, Places
from seedbed.fused.compiled.run_by_run import RunByRun
from seedbed.fused.compiled.side_by_side import SideBySide
from seedbed.fused.compiled.updates import Update
from seedbed.fused.program import Program

PRELUDE = Path(__file__).with_name("prelude.c")

WIDTHS = {"AVX512": 16, "AVX2": 8}
"""Numbers in a register, by the name that torch gives the kernels it has chosen."""

MODE = 0x00140000 | 0x00000100 | 0x00000002
"""Of MKL's functions, as torch asks for: most accurate, subnormal numbers kept, errors ignored."""


@dataclass(frozen=True)
class Source:
    """What is compiled.

    Args:
        text: in C.
        scratch: numbers of memory that it needs.
    """

    text: str
    scratch: int


def source_of(program: Program, update: Update, capability: str) -> Source:
    """The C text of a step that was carried out once.

    Args:
        program: of the step, of weights, x and y.
        update: of the weights.
        capability: the kernels that torch chose for this processor.

    Raises:
        NotWritableError: if it is more than is known here.
    """
    width = WIDTHS.get(capability)
    if width is None:
        raise NotWritableError(f"kernels for {capability.lower()}")
    places = Places(program, *program.given)
    gradient, losses = program.results
    lines = [written(one, places) for one in program.done]
    loss, slope = places.place(losses), places.place(gradient)
    for one in program.given[1:]:
        places.place(one)
    sizes = {"VECTOR": width, "LANES": places.lanes, "MODE": MODE}
    head = "".join(f"#define {name} {size}\n" for name, size in sizes.items())
    writer = SideBySide if program.runs_last else RunByRun
    if not isinstance(loss, Place) or not isinstance(slope, Place):
        raise NotWritableError("a gradient that never changes")
    body = writer(places, program.given, loss, slope, update).text(lines)
    text = f"{head}{PRELUDE.read_text(encoding='ascii')}\n{body}"
    return Source(text, places.scratch()[""])
