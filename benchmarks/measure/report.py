"""What is printed and written: a header, a table of contenders, a table of targets."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from measure.pairs import Pairs
from measure.processes import StartUp

PACKAGES = (
    "torch",
    "numpy",
    "hydra-core",
    "tensorboard",
    "lightning",
    "hydra-joblib-launcher",
    "skorch",
    "keras",
)


@dataclass(frozen=True)
class Contender:
    """A row of the first table.

    Args:
        name: as printed.
        article: seconds a step on the article's task; None where it is not installed.
        rows: seconds an epoch of many rows, likewise.
    """

    name: str
    article: Pairs | None = None
    rows: Pairs | None = None

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return {
            "article_step": self.article and self.article.plain(),
            "many_rows_epoch": self.rows and self.rows.plain(),
        }


@dataclass(frozen=True)
class Gate:
    """A row of the second table.

    Args:
        name: what was measured.
        pairs: against the hand-written way, in seconds.
        target: the largest ratio that is wanted, or None for a figure without one.
    """

    name: str
    pairs: Pairs
    target: float | None

    @property
    def met(self) -> bool | None:
        """Whether the median is within the target."""
        return None if self.target is None else median(self.pairs.ratios) <= self.target


def header() -> dict[str, object]:
    """When, where and with what."""
    found = {name: _version(name) for name in PACKAGES}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
        "seedbed": f"{_version('seedbed')}{_commit()}",
        "packages": {name: text for name, text in found.items() if text},
    }


def header_text(head: dict[str, object], threads: str = "1 thread") -> str:
    """The header, for people."""
    packages = head["packages"]
    assert isinstance(packages, dict)
    versions = ", ".join(f"{name} {text}" for name, text in packages.items())
    return "\n".join(
        [
            f"Seedbed {head['seedbed']}, {head['date']}",
            f"{head['cpu']}, {head['cores']} cores, load {head['load']}; {head['system']}",
            f"Python {head['python']}, {versions}; {threads}",
        ]
    )


def contenders_text(contenders: Sequence[Contender]) -> str:
    """The first table."""
    lines = [["", "article's task, µs/step", "ratio", "100,000 x 20 rows, ms/epoch", "ratio"]]
    for contender in contenders:
        article, rows = contender.article, contender.rows
        if article is None or rows is None:
            lines.append([contender.name, "not installed", "", "", ""])
            continue
        step, epoch = median(article.ours), median(rows.ours)
        lines.append(
            [
                contender.name,
                f"{step * 1e6:.0f}",
                _ratio(article),
                f"{epoch * 1e3:.0f}",
                _ratio(rows),
            ]
        )
    return table(lines)


def gates_text(gates: Sequence[Gate]) -> str:
    """The second table."""
    lines = [["measured", "hand-written", "Seedbed", "ratio", "target", "met"]]
    for gate in gates:
        lines.append(
            [
                gate.name,
                _seconds(median(gate.pairs.theirs)),
                _seconds(median(gate.pairs.ours)),
                _ratio(gate.pairs),
                "" if gate.target is None else f"<= {gate.target:.2f}",
                {None: "", True: "yes", False: "NO"}[gate.met],
            ]
        )
    return table(lines)


def start_up_text(rows: Sequence[StartUp], target: float) -> str:
    """The third table."""
    lines = [["seedbed", "seconds", "imports torch", "target", "met"]]
    for row in rows:
        seconds = median(row.seconds)
        lines.append(
            [
                row.words,
                f"{seconds:.2f} ({min(row.seconds):.2f}-{max(row.seconds):.2f})",
                "yes" if row.torch else "no",
                f"< {target:.1f}",
                "yes" if seconds < target else "NO",
            ]
        )
    return table(lines)


def _ratio(pairs: Pairs) -> str:
    ratios = pairs.ratios
    return f"{median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"


def _seconds(value: float) -> str:
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if value < limit:
            return f"{value * factor:.0f} {unit}"
    return f"{value:.2f} s"


def table(lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    first, *rest = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    return "\n".join([first, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *rest])


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        said = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return f" ({said.stdout.strip()})"
