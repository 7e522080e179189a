"""The whole C text of many steps: of a network, a loss, a batch's size and an optimizer."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from seedbed.fused.compiled.operations import written
from seedbed.fused.compiled.places import LANES_AT_ONCE, NotWritableError, Place, Places
from seedbed.fused.compiled.prelude import PRELUDE, WIDTHS
from seedbed.fused.compiled.updates import ROOTS, Update
from seedbed.fused.program import Program

MODE = 0x00140000 | 0x00000100 | 0x00000002
"""Of MKL's functions, as torch asks for: most accurate, subnormal numbers kept, errors ignored."""


@dataclass(frozen=True)
class Source:
    """What is compiled.

    Args:
        text: in C.
        scratch: numbers of memory that it needs.
        batch: rows in a batch.
    """

    text: str
    scratch: int
    batch: int


def source_of(program: Program, update: Update, capability: str) -> Source:
    """The C text of a step that was carried out once.

    Args:
        program: of the step, of weights, x and y.
        update: of the weights.
        capability: the kernels that torch chose for this processor.

    Raises:
        NotWritableError: if it is more than is known here.
    """
    weights, x, y = program.given
    width = WIDTHS.get(capability)
    if width is None:
        raise NotWritableError(f"kernels for {capability.lower()}")
    places = Places(program, weights, x, y)
    gradient, losses = program.results
    lines = [written(one, places) for one in program.done]
    loss, slope = places.place(losses), places.place(gradient)
    rows, targets = places.place(x), places.place(y)
    starts = places.scratch()
    head = PRELUDE.replace("@WIDTH@", str(width)).replace("@LANES@", str(places.lanes))
    writer = _RunsLast if program.runs_last else _RowsFirst
    assert all(isinstance(one, Place) for one in (loss, slope, rows, targets))
    body = writer(places, weights, x, y, loss, slope, update).text(lines)  # type: ignore[arg-type]
    total = starts.pop("")
    return Source(head.replace("@MODE@", str(MODE)) + "\n" + body, total, x.shape[1])


class _RowsFirst:
    """Run by run; the weights stay where they are."""

    lanes = 1

    def __init__(
        self,
        places: Places,
        weights: Tensor,
        x: Tensor,
        y: Tensor,
        loss: Place,
        slope: Place,
        update: Update,
    ) -> None:
        self.places = places
        self.width = weights.shape[1]
        self.batch, self.inputs = x.shape[1], x[0, 0].numel()
        self.targets, self.target_type = y[0, 0].numel(), places.types["y"]
        self.loss, self.slope, self.update = loss, slope, update
        dense = x[0].is_contiguous() and y[0].is_contiguous()
        if not dense and not places.runs_last:
            raise NotWritableError("rows with gaps between them")

    def text(self, lines: Sequence[str]) -> str:
        """The function."""
        inner = "\n".join([*self.take(), *lines, *self.move(), *self.tell()])
        return "\n".join(
            [
                "void steps(const struct given *given) {",
                *(f"    {line}" for line in self.memory()),
                *(f"    {line}" for line in self.begin()),
                "    for (long step = 0; step < given->steps; step++) {",
                *(f"        {line}" for line in inner.splitlines()),
                "    }",
                *(f"    {line}" for line in self.end()),
                "    }",
                "}",
                "",
            ]
        )

    def memory(self) -> list[str]:
        """Where each buffer is."""
        starts = self.places.scratch()
        return [
            f"{kind} *const {name} = ({kind} *)(given->scratch + {starts[name]});"
            for name, kind in self.places.types.items()
            if name in starts
        ]

    def begin(self) -> list[str]:
        """Of a run."""
        states = [
            f"float *const state{at} = given->state[{at}] + run * {self.width};"
            for at, _ in enumerate(self.update.states)
        ]
        return [
            "for (long run = 0; run < given->runs; run++) {",
            f"float *const weights = given->weights + run * {self.width};",
            *states,
        ]

    def end(self) -> list[str]:
        """Of a run."""
        return []

    def take(self) -> list[str]:
        """The rows of the batch."""
        return [
            "/* the rows of the batch */",
            f"const long *rows = given->rows + run * given->rows_of_run + step * {self.batch};",
            f"for (long r = 0; r < {self.batch}; r++) {{",
            "    const long row = rows[r] + given->starts[run];",
            f"    memcpy(x + r * {self.inputs}, given->table_x + row * {self.inputs}, "
            f"{4 * self.inputs});",
            f"    memcpy(y + r * {self.targets}, "
            f"(const {self.target_type} *)given->table_y + row * {self.targets}, "
            f"{self.targets} * sizeof *y);",
            "}",
        ]

    def move(self) -> list[str]:
        """The update."""
        names = self.update.names
        told = [
            f"const float {name} = numbers[{at} * given->runs];" for at, name in enumerate(names)
        ]
        load = [f"float s{at} = state{at}[i];" for at in range(len(self.update.states))]
        back = [f"state{at}[i] = s{at};" for at in range(len(self.update.states))]
        return [
            "/* the update */",
            "{",
            f"    const float *const numbers = given->numbers + step * {len(names)} * given->runs "
            "+ run;",
            *(f"    {line}" for line in told),
            f"    EACH for (long i = 0; i < {self.width}; i++) {{",
            f"        float w = weights[i], g = {self.slope.buffer}[i];",
            *(f"        {line}" for line in [*load, *self.update.lines, *back]),
            "        weights[i] = w;",
            "    }",
            "}",
        ]

    def tell(self) -> list[str]:
        """The loss."""
        return [f"given->losses[step * given->runs + run] = {self.loss.buffer}[0];"]


class _RunsLast(_RowsFirst):
    """A few runs side by side, whose weights are taken into memory that is near."""

    lanes = LANES_AT_ONCE

    def memory(self) -> list[str]:
        """Where each buffer is."""
        states = [
            f"float state{at}[{self.width} * {self.lanes}];"
            for at, _ in enumerate(self.update.states)
        ]
        root = (
            [f"float roots[{self.width} * {self.lanes}];"] if self.update.roots is not None else []
        )
        return [*super().memory(), *states, *root]

    def begin(self) -> list[str]:
        """Of the runs."""
        return [
            f"for (long run = 0; run < given->runs; run += {self.lanes}) {{",
            f"const long left = given->runs - run, lanes = left < {self.lanes} ? left : "
            f"{self.lanes};",
            *self._moved("{near}[i * @ + l] = {far}[i * given->runs + run + l];", zero=True),
        ]

    def end(self) -> list[str]:
        """Of the runs."""
        return self._moved("{far}[i * given->runs + run + l] = {near}[i * @ + l];", zero=False)

    def _moved(self, line: str, *, zero: bool) -> list[str]:
        pairs = [("weights", "given->weights")]
        pairs += [(f"state{at}", f"given->state[{at}]") for at, _ in enumerate(self.update.states)]
        found = []
        for near, far in pairs:
            if zero:
                found.append(f"memset({near}, 0, {4 * self.width * self.lanes});")
            found += [
                f"for (long i = 0; i < {self.width}; i++) for (long l = 0; l < lanes; l++)",
                "    " + line.replace("@", str(self.lanes)).format(near=near, far=far),
            ]
        return found

    def take(self) -> list[str]:
        """The rows of the batch."""
        lanes = self.lanes
        return [
            "/* the rows of the batch */",
            "for (long l = 0; l < lanes; l++) {",
            "    const long *rows = given->rows + (run + l) * given->rows_of_run + "
            f"step * {self.batch};",
            f"    for (long r = 0; r < {self.batch}; r++) {{",
            "        const long row = rows[r] + given->starts[run + l];",
            f"        for (long i = 0; i < {self.inputs}; i++)",
            f"            x[(r * {self.inputs} + i) * {lanes} + l] = "
            f"given->table_x[row * {self.inputs} + i];",
            f"        for (long i = 0; i < {self.targets}; i++)",
            f"            y[(r * {self.targets} + i) * {lanes} + l] = "
            f"((const {self.target_type} *)given->table_y)[row * {self.targets} + i];",
            "    }",
            "}",
        ]

    def move(self) -> list[str]:
        """The update."""
        lanes, names, states = self.lanes, self.update.names, len(self.update.states)
        told = [f"const float {name} = n[{at}][l];" for at, name in enumerate(names)]
        load = [f"float s{at} = state{at}[i * {lanes} + l];" for at in range(states)]
        back = [f"state{at}[i * {lanes} + l] = s{at};" for at in range(states)]
        return [
            "/* the update */",
            "{",
            f"    float n[{len(names)}][{lanes}];",
            "    memset(n, 0, sizeof n);",
            f"    for (long i = 0; i < {len(names)}; i++) for (long l = 0; l < lanes; l++)",
            f"        n[i][l] = given->numbers[(step * {len(names)} + i) * given->runs + run + l];",
            *self._loops(told, load, back),
            "}",
        ]

    def _loops(self, told: list[str], load: list[str], back: list[str]) -> list[str]:
        """One loop; two where roots are taken in between."""
        lines = list(self.update.lines)
        if self.update.roots is None:
            return self._loop([*told, *load, *lines, *back])
        cut = lines.index(ROOTS)
        many = self.width * self.lanes
        return [
            *self._loop([*told, *load, *lines[:cut], *back]),
            f"    map_sqrt(given, roots, state{self.update.roots}, {many});",
            *self._loop([*told, *load, f"const float root = roots[i * {self.lanes} + l];",
                         *lines[cut + 1 :]]),
        ]  # fmt: skip

    def _loop(self, lines: list[str]) -> list[str]:
        at = f"i * {self.lanes} + l"
        return [
            f"    for (long i = 0; i < {self.width}; i++)",
            f"        EACH for (long l = 0; l < {self.lanes}; l++) {{",
            f"            float w = weights[{at}], g = {self.slope.buffer}[{at}];",
            *(f"            {line}" for line in lines),
            f"            weights[{at}] = w;",
            "        }",
        ]

    def tell(self) -> list[str]:
        """The losses."""
        return [
            "for (long l = 0; l < lanes; l++)",
            f"    given->losses[step * given->runs + run + l] = {self.loss.buffer}[l];",
        ]
