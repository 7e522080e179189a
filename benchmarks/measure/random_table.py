"""Writes a CSV of random numbers and names: `random_table.py ROWS FILE`."""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv

NAMES = (4, 12, 50)
"""How many different names the columns of names have."""


def table(rows: int, seed: int) -> pa.Table:
    """Eleven columns of numbers, two of them with gaps; three of names; a target: 15 in all."""
    draw = np.random.default_rng(seed)
    columns: dict[str, object] = {
        f"real_{one}": np.round(draw.normal(0, 10, rows), 6) for one in range(6)
    }
    columns |= {f"whole_{one}": draw.integers(0, 1000, rows) for one in range(3)}
    for one in range(2):
        gaps = draw.random(rows) < 0.05
        columns[f"gaps_{one}"] = pa.array(np.round(draw.normal(size=rows), 4), mask=gaps)
    for different in NAMES:
        names = np.array([f"name {one} of {different}" for one in range(different)])
        columns[f"names_{different}"] = names[draw.integers(0, different, rows)]
    columns["y"] = np.round(2 * columns["real_0"] + draw.normal(size=rows), 6)
    return pa.table(columns)


if __name__ == "__main__":
    count = int(sys.argv[1])
    pa.csv.write_csv(table(count, seed=count), sys.argv[2])
