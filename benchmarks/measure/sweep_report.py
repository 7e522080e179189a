"""What is printed of sweeps, and the picture of their cost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from measure.report import table
from measure.sweep_curve import Point, line
from measure.sweeps import Cost

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, THEIRS, ARITHMETIC, DISK, LINE = "#1f6f6b", "#b5542b", "#555555", "#999999", "#c9a227"

MOST_MB = 1000
"""That a sweep may take."""


def costs_text(parts: Mapping[str, Sequence[Cost]]) -> str:
    """A row for each way of each sweep."""
    first = ["sweep", "jobs", "way", "seconds", "to the first", "ms a job", "start-up", "jobs run"]
    lines = [first]
    for name, costs in parts.items():
        for cost in costs:
            lines.append(
                [
                    name if cost is costs[0] else "",
                    f"{cost.jobs:,}",
                    cost.name,
                    f"{median(cost.seconds):.1f}",
                    "" if cost is costs[0] else _spread(cost.to(costs[0])),
                    f"{median(cost.a_job) * 1e3:.2f}",
                    f"{median(cost.start_up):.1f} s",
                    f"{cost.few} and {cost.many}, scaled" if cost.scaled else "all",
                ]
            )
    return table(lines)


def curve_text(points: Sequence[Point]) -> str:
    """A row for each number of jobs."""
    first = ["jobs", "seconds", "ms a job", "peak MB", "arithmetic alone", "disk alone", "files"]
    return table(
        [
            first,
            *(
                [
                    f"{point.jobs:,}",
                    f"{point.seconds:.2f}",
                    f"{point.seconds / point.jobs * 1e3:.2f}",
                    f"{point.peak:.0f}",
                    f"{point.arithmetic:.2f} s, {median(point.trained):.3f} without the import",
                    f"{point.disk:.3f} s",
                    f"{point.files:,}",
                ]
                for point in points
            ),
        ]
    )


def draw(
    points: Sequence[Point],
    one: Sequence[Point],
    basic: Cost | None,
    arithmetic: str,
    caption: str,
    path: Path,
) -> None:
    """Draws seconds and memory by the number of jobs; the seconds on plain axes as well.

    Args:
        points: of Seedbed, a stack a core.
        one: of the same in one process.
        basic: of Hydra's basic launcher, if it was measured.
        arithmetic: whose it is that the floor has.
        caption: of the machine, above the legend.
        path: of the PNG.
    """
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter, LogLocator

    jobs = [point.jobs for point in points]
    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(14, 5.5), width_ratios=(3, 3, 2), layout="constrained"
    )
    figure.suptitle("Cost of a sweep: the article's network trained from K seeds")
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", xlabel="jobs K", xticks=jobs)
        axes.set_xticklabels([f"{number:,}" if number != jobs[-2] else "" for number in jobs])
    _draw_basic(left, jobs, basic)
    _draw_seconds(left, points, one, arithmetic)
    left.set(title="Time", ylim=(0.01, None))
    legend = figure.legend(fontsize=9, ncol=2, frameon=False, loc="outside lower center")
    legend.set_title(caption, prop={"size": 8})
    _draw_seconds(middle, points, one, arithmetic)  # the legend has them already
    middle.set(title="The same, on plain axes", ylim=(0, None), xlabel="jobs K")
    middle.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    middle.grid(alpha=0.3)
    right.plot(jobs, [point.peak for point in points], color=OURS, marker="o", linewidth=2)
    right.axhline(MOST_MB, color=ARITHMETIC, linewidth=1, linestyle=":")
    right.annotate("1 GB", (jobs[0], MOST_MB), (0, 4), textcoords="offset points", fontsize=9)
    right.set(ylabel="MB", title="Peak memory of its largest process")
    right.set_ylim(100, 2 * max(MOST_MB, *(point.peak for point in points)))
    right.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for axes in (left, right):
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_basic(axes: "Axes", jobs: Sequence[int], basic: Cost | None) -> None:
    if basic is not None:
        start, each = median(basic.start_up), median(basic.a_job)
        label = f"Hydra's basic launcher, by its cost a job over {basic.many} jobs"
        axes.plot(jobs, [start + each * n for n in jobs], "--", color=THEIRS, label=label)


def _draw_seconds(
    axes: "Axes", points: Sequence[Point], one: Sequence[Point], arithmetic: str
) -> None:
    jobs = [point.jobs for point in points]
    seconds = [point.seconds for point in points]
    label = "seedbed train -m, a stack a core"
    axes.plot(jobs, seconds, color=OURS, marker="o", linewidth=2, label=label)
    alone = [point.seconds for point in one]
    axes.plot(jobs, alone, "--", color=OURS, marker=".", label="the same with sweep.workers=1")
    through = line(points)
    axes.plot(
        jobs,
        [through.start + through.each * n for n in jobs],
        color=LINE,
        linewidth=1,
        label=f"{through.start:.1f} s + {through.each * 1e3:.2f} ms a job, from 256 jobs on",
    )
    floors = (
        (f"floor: importing torch, and {arithmetic}", ARITHMETIC, [p.arithmetic for p in points]),
        ("floor: the same files by plain Python", DISK, [p.disk for p in points]),
    )
    for label, color, seconds in floors:
        axes.plot(jobs, seconds, ".:", color=color, label=label)
    axes.set(ylabel="seconds from start to exit")


def _spread(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
