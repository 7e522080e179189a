"""The C function of a step around its operations, for small runs that lie side by side."""

from seedbed.fused.compiled.places import LANES_AT_ONCE
from seedbed.fused.compiled.run_by_run import RunByRun
from seedbed.fused.compiled.updates import ROOTS


class SideBySide(RunByRun):
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
