"""The loss curves of a run as a small picture in SVG, which a notebook shows beside its table.

It needs no matplotlib, whose import takes longer than all else that is shown. It is drawn as
`seedbed plot` draws: a value that is not finite leaves a gap.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LINES = {
    "train/loss": 'stroke="#1b6ca8" stroke-width="1.2"',
    "val/loss": 'stroke="#c2410c" stroke-width="2.2"',
}
"""What is drawn, in so many looks, which differ without colour: the second is the thicker one."""

WIDTH, HEIGHT = 360, 180
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 22, 30
"""Margins, in which the labels stand."""

MOST_POINTS = 300
"""Of a line; of more epochs the smallest and the largest of each few are drawn."""

DECADES = 2.0
"""From so many on the axis of the losses is logarithmic."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """Where a value lies between two ends of a picture.

    Args:
        low: the smallest value.
        high: the largest.
        at_low: where the smallest lies.
        at_high: where the largest lies.
        log: whether decades have the same length.
    """

    low: float
    high: float
    at_low: float
    at_high: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value."""
        low, high, one = (self._length(number) for number in (self.low, self.high, value))
        part = (one - low) / (high - low) if high > low else 0.5
        return self.at_low + part * (self.at_high - self.at_low)

    def _length(self, value: float) -> float:
        return math.log10(value) if self.log else value / 2  # so that no difference overflows


def losses_svg(history: Mapping[str, Sequence[float | None]]) -> str:
    """The picture; empty where no epoch has a finite loss.

    Args:
        history: columns as `read_history` has them.
    """
    epochs = history.get("epoch", ())
    curves = {name: list(_pieces(epochs, history[name])) for name in LINES if name in history}
    points = [point for pieces in curves.values() for piece in pieces for point in piece]
    if not points:
        return ""
    x, y = _scales(points)
    lines = [_line(piece, x, y, LINES[name]) for name, some in curves.items() for piece in some]
    told = [name for name, pieces in curves.items() if pieces]
    return "".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="10">',
        f"<title>{' and '.join(told)} by epoch</title>",
        *_axes(x, y), *lines, *_legend(told), "</svg>",
    ])  # fmt: skip


def _pieces(
    epochs: Sequence[float | None], values: Sequence[float | None]
) -> Iterator[list[Point]]:
    """The parts of a line between which there is no value."""
    piece: list[Point] = []
    for epoch, value in zip(epochs, values, strict=False):
        if _is_finite(epoch) and _is_finite(value):
            piece.append((float(epoch), float(value)))  # type: ignore[arg-type]
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _scales(points: Sequence[Point]) -> tuple[Scale, Scale]:
    epochs, losses = [epoch for epoch, _ in points], [loss for _, loss in points]
    low, high = min(losses), max(losses)
    log = low > 0 and math.log10(high) - math.log10(low) >= DECADES
    return (
        Scale(min(epochs), max(epochs), LEFT, WIDTH - RIGHT),
        Scale(low, high, HEIGHT - BOTTOM, TOP, log),
    )


def _line(piece: Sequence[Point], x: Scale, y: Scale, look: str) -> str:
    """A part of a line; a single epoch is a dot."""
    places = [(x(epoch), y(loss)) for epoch, loss in _thinned(piece)]
    if len(places) == 1:
        ((across, down),) = places
        return f'<circle cx="{across:.2f}" cy="{down:.2f}" r="2" fill="none" {look}/>'
    text = " ".join(f"{across:.2f},{down:.2f}" for across, down in places)
    return f'<polyline points="{text}" fill="none" {look}/>'


def _thinned(piece: Sequence[Point]) -> Sequence[Point]:
    """No more points than can be told apart, the extremes among them."""
    if len(piece) <= MOST_POINTS:
        return piece
    each = -(-2 * len(piece) // MOST_POINTS)
    kept = {0, len(piece) - 1}
    for first in range(0, len(piece), each):
        places = range(first, min(first + each, len(piece)))
        kept |= {f(places, key=lambda at: piece[at][1]) for f in (min, max)}
    return [piece[at] for at in sorted(kept)]


def _axes(x: Scale, y: Scale) -> Iterator[str]:
    """A frame, the ends of both axes, and what they are of."""
    yield (
        f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" '
        'stroke="currentColor" opacity="0.5"/>'
    )
    for value, down in ((y.low, y.at_low), (y.high, y.at_high)):
        if value == y.low or y.high > y.low:
            yield _text(LEFT - 4, down + 3, f"{value:.3g}", "end")
    for value, across, anchor in ((x.low, x.at_low, "start"), (x.high, x.at_high, "end")):
        if value == x.low or x.high > x.low:
            yield _text(across, HEIGHT - BOTTOM + 12, f"{value:g}", anchor)
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield _text(middle, HEIGHT - 6, "epoch", "middle")
    yield _text(4, TOP - 10, "loss, log scale" if y.log else "loss", "start")


def _legend(names: Sequence[str]) -> Iterator[str]:
    across = WIDTH - RIGHT
    for name in reversed(names):
        yield _text(across, TOP - 10, name, "end")
        across -= 5 * len(name) + 2
        yield f'<path d="M{across - 18} {TOP - 13}h14" fill="none" {LINES[name]}/>'
        across -= 30


def _text(across: float, down: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{across:g}" y="{down:g}" text-anchor="{anchor}" fill="currentColor">'
        f"{text}</text>"
    )
