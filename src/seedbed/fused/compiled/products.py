"""Matrix products of one run, by the same calls that torch makes for all."""

from seedbed.fused.compiled.places import NotWritableError, Place

SMALL = 400
"""Multiplications below which torch goes through rows and columns itself."""


def product(out: Place, left: Place, right: Place, *, gapless: bool) -> str:
    """The product of two matrices.

    MKL has other kernels for one row or column where there is a single product to make than where
    there are several; torch has it make all of them where the results of all runs have no gaps.

    Args:
        out: the result.
        left: the one factor.
        right: the other.
        gapless: whether the results of all runs lie one after the other.

    Source: `bmm` in ATen/native/LinearAlgebra.cpp, `gemm_batched` in ATen/native/CPUBlas.cpp.
    """
    rows, inner = left.sizes
    columns = right.sizes[1]
    if out.strides != (columns, 1):
        raise NotWritableError("a product that is not laid out by rows")
    if rows * inner * columns < SMALL:
        return _small(out, left, right)
    # MKL counts by columns, so that the transpose is computed: right^T left^T.
    turned_right, step_right = _turned(right)
    turned_left, step_left = _turned(left)
    step_right = _normal(turned_right, columns, inner, step_right)
    step_left = _normal(turned_left, inner, rows, step_left)
    both = gapless and (rows == 1 or columns == 1)
    return (
        f"multiply(given, {int(turned_right)}, {int(turned_left)}, {columns}, {rows}, {inner}, "
        f"{right.start}, {step_right}, {left.start}, {step_left}, {out.start}, {columns}, "
        f"{2 if both else 1});"
    )


def _turned(factor: Place) -> tuple[bool, int]:
    """Whether it lies by columns, and how far its rows or columns are apart."""
    (rows, columns), (down, along) = factor.sizes, factor.strides
    if down == 1 and along >= rows:
        return True, along
    if along == 1 and (rows == 1 or down >= columns):
        return False, down
    raise NotWritableError("a factor that lies neither by rows nor by columns")


def _normal(turned: bool, columns: int, rows: int, step: int) -> int:
    """The step where there is but one row or column, and it says nothing.

    Args:
        turned: whether MKL takes the transpose.
        columns: of the factor.
        rows: likewise.
        step: as it lies.
    """
    if turned and columns == 1:
        return rows
    if not turned and rows == 1:
        return columns
    return step


def _small(out: Place, left: Place, right: Place) -> str:
    rows, inner = left.sizes
    strides = (*left.strides, *right.strides)
    return (
        f"small_product({out.start}, {left.start}, {right.start}, {rows}, {inner}, "
        f"{right.sizes[1]}, {', '.join(map(str, strides))});"
    )
