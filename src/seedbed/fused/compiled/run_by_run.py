"""The C function of a step around its operations, for runs that are computed one by one."""

from collections.abc import Sequence

from torch import Tensor

from seedbed.fused.compiled.places import NotWritableError, Place, Places
from seedbed.fused.compiled.updates import Update


class RunByRun:
    """Run by run; the weights stay where they are."""

    lanes = 1

    def __init__(
        self, places: Places, given: Sequence[Tensor], loss: Place, slope: Place, update: Update
    ) -> None:
        weights, x, y = given
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
