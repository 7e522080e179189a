"""`seedbed lr-find`: many learning rates in one pass, their curve, and the one to begin with."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.cli.arguments import Parser, output_file, print_notes
from seedbed.cli.models import composed_one
from seedbed.errors import ArgumentError
from seedbed.process.exit_codes import DONE, RUN_FAILED
from seedbed.runs.files import json_text

if TYPE_CHECKING:
    from seedbed.sweep.rate_curve import RateCurve

SHOWN = 16
"""Rates of the table; of more, some evenly spread."""

MOST_SEEDS = 1000


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "lr-find",
        "Tries many learning rates in one pass: a short run of each with several seeds, trained "
        "together, of which nothing is kept. The rate of the lowest train/loss is suggested.",
        "seedbed lr-find data=sklearn data.dataset=digits optimizer=adam --output rates.png",
    )
    made.add_argument("overrides", metavar="OVERRIDE", nargs="*", help="as of seedbed train")
    made.add_argument("--from", dest="least", metavar="RATE", type=float, default=1e-5,
                      help="default: 1e-5")  # fmt: skip
    made.add_argument("--to", dest="greatest", metavar="RATE", type=float, default=1.0,
                      help="default: 1")  # fmt: skip
    made.add_argument("--rates", metavar="N", type=int, default=32,
                      help="at equal ratios; default: 32")  # fmt: skip
    made.add_argument("--seeds", metavar="N", type=int, default=3, help="default: 3")
    made.add_argument("--steps", metavar="N", type=int, default=100,
                      help="updates of each run, up to whole epochs; default: 100")  # fmt: skip
    made.add_argument("--output", metavar="FILE", help="a picture: .png, .svg, .pdf")
    made.add_argument("--config-dir", metavar="DIR", help="your own config folder")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(argv: Sequence[str]) -> int:
    """Tries the rates, and prints; the exit code."""
    args = parser().parse_intermixed_args(argv)
    for name, value, most in (("seeds", args.seeds, MOST_SEEDS), ("steps", args.steps, math.inf)):
        if not 1 <= value <= most:
            limit = "" if most == math.inf else f" and <= {most}"
            raise ArgumentError(f"--{name} must be a whole number >= 1{limit}, got {value}")
    output = None
    if args.output is not None:
        from seedbed.views.drawing import refuse_ending

        output = output_file(args.output, "--output")
        refuse_ending(output)
    config = composed_one(args.overrides, args.config_dir, MODULES)
    from seedbed.sweep.rate_trial import spread_rates, try_rates

    rates = spread_rates(args.least, args.greatest, args.rates)
    notes = _rates_of_groups(config.optimizer.get("groups") or {})
    curve = try_rates(config, rates, args.seeds, args.steps, notes.append)
    print_notes(notes)
    picture = None
    try:
        if output is not None:
            from seedbed.views.drawing import save
            from seedbed.views.rates_drawn import rates_drawn

            save(rates_drawn(curve), output)
            picture = output
    finally:  # what was tried is told also where no picture can be written, as on a full disk
        print(json_text(curve.to_json()) if args.json else curve_text(curve, picture))
    return DONE if curve.suggested is not None else RUN_FAILED


MODULES = ("torch", "seedbed.sweep.rate_trial")


def _rates_of_groups(groups: Mapping[str, Any]) -> list[str]:
    return [
        f"optimizer.groups.{name}.lr={group['lr']:g} stays: the rates are those of the other "
        "parameters"
        for name, group in groups.items()
        if group.get("lr") is not None
    ]


def curve_text(curve: "RateCurve", output: Path | None) -> str:
    """The table of rates, and what to type."""
    from seedbed.views.text_table import lines

    count, best = len(curve.rates), curve.suggested
    apart = max(1.0, (count - 1) / (SHOWN - 1))
    shown = {round(number * apart) for number in range(min(SHOWN, count))}
    if best is not None:
        shown.add(curve.rates.index(best))
    rows = [(curve.rates[at], curve.means[at]) for at in sorted(shown)]
    told = [f"{mean:.5g}" if math.isfinite(mean) else "diverged" for _, mean in rows]
    marks = ["<" if rate == best else "" for rate, _ in rows]
    runs = "together" if curve.together else "one by one"
    text = [
        f"{count} rates, {len(curve.seeds)} seeds each, {curve.epochs} epochs of "
        f"{curve.steps // curve.epochs} steps, trained {runs}:",
        *lines([
            ("optimizer.lr", [f"{rate:g}" for rate, _ in rows]),
            ("train/loss", told),
            ("", marks),
        ]),
    ]  # fmt: skip
    if best is None:
        return "\n".join([*text, "no rate is suggested: all diverged; type a smaller --from"])
    if curve.as_good is not None:
        low, high = curve.as_good
        text.append(f"as good within a standard error: {low:g} to {high:g}")
    if curve.at_an_end:
        flag = "--from" if best == curve.rates[0] else "--to"
        text.append(f"the best is at the end of the rates: a better one may lie beyond; see {flag}")
    if output is not None:
        text.append(f"picture: {output}")
    return "\n".join([*text, f"suggested: optimizer.lr={best:g}"])
