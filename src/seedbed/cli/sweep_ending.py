"""What a sweep says at its end: the best jobs, the settings over their seeds, and what failed."""

from collections.abc import Sequence

from seedbed.cli.main import DONE, INTERRUPTED, RUN_FAILED
from seedbed.sweep.best import OverSeeds, Ranked, Ranking, over_seeds, ranked
from seedbed.sweep.outcome import JobRecord, Sweep

ROWS = 10
"""Of a table; all jobs are in `results.csv`."""

WIDTH = 100
"""Columns of text."""

LONGEST_SETTING = 24
"""Characters of one value in a table."""

NARROWEST_FOLDER = 12
"""Characters; the number in front tells the folder."""

MOST_UNSUCCESSFUL = 20
"""Jobs that are listed when they did not complete; of more, their number is told."""

Column = list[str]
"""A title and a text for each row."""


def say_ending(sweep: Sweep, monitor: str) -> int:
    """Prints how the sweep went; the exit code.

    Args:
        sweep: with the metrics of its jobs.
        monitor: `trainer.monitor`.
    """
    compared = tables(sweep.jobs, monitor)
    if compared:
        print(compared)
    unsuccessful = sweep.unsuccessful
    if unsuccessful:
        print(f"{len(unsuccessful)} of {len(sweep.jobs)} jobs did not complete:")
        for job in unsuccessful[:MOST_UNSUCCESSFUL]:
            print(f"  {job.directory}: {job.status} {job.error or ''}".rstrip())
        if len(unsuccessful) > MOST_UNSUCCESSFUL:
            print(f"  and {len(unsuccessful) - MOST_UNSUCCESSFUL} more")
        print(f"to run these again: seedbed resume {sweep.directory}")
    print(f"sweep: {sweep.directory}")
    if any(job.status == "interrupted" for job in unsuccessful):
        return INTERRUPTED
    return RUN_FAILED if unsuccessful else DONE


def tables(jobs: Sequence[JobRecord], monitor: str) -> str:
    """The tables of a sweep; empty if fewer than two jobs can be compared.

    Args:
        jobs: all of them, with their metrics.
        monitor: `trainer.monitor`.
    """
    ranking = ranked(jobs, monitor)
    if len(ranking.jobs) < 2:
        return ""
    parts = [f"{_introduction(ranking)}\n{_best_jobs(ranking)}"]
    seeds = over_seeds(ranking)
    if seeds:
        shown = f"the best {ROWS} of {len(seeds)} settings; " if len(seeds) > ROWS else ""
        said = f"{shown}{ranking.metric} over seeds, with the standard deviation of the sample:"
        parts.append(f"{said}\n{_over_seeds(seeds[:ROWS], ranking.metric)}")
    return "\n".join(parts)


def _introduction(ranking: Ranking) -> str:
    number = len(ranking.jobs)
    which = f"the best {ROWS} of {number} jobs" if number > ROWS else f"{number} jobs"
    told = ", ".join(f"{count} {why}" for why, count in ranking.left_out.items())
    return f"{which} by {ranking.metric}{f' (left out: {told})' if told else ''}:"


def _best_jobs(ranking: Ranking) -> str:
    shown = ranking.jobs[:ROWS]
    ranks = ["rank", *map(str, range(1, len(shown) + 1))]
    values = [ranking.metric, *(f"{one.value:.5g}" for one in shown)]
    folders = ["folder", *(one.job.directory for one in shown)]
    settings = _setting_columns(ranking.keys, shown)
    room = WIDTH - _width([ranks, values])
    if _width([folders, *settings]) + 2 > room:
        settings = _with_short_titles(settings)
    while settings and NARROWEST_FOLDER + 2 + _width(settings) + 2 > room:
        settings.pop()  # its value is in the folder's name
    left = room - 2 - (_width(settings) + 2 if settings else 0)
    folders = [_cut(folder, max(NARROWEST_FOLDER, left)) for folder in folders]
    columns = [ranks, folders, *settings, values]
    for name in ranking.others:
        more = [name, *(_number((one.job.metrics or {}).get(name)) for one in shown)]
        if _width([*columns, more]) > WIDTH:
            break
        columns.append(more)
    return _aligned(columns)


def _over_seeds(seeds: Sequence[OverSeeds], metric: str) -> str:
    ranks = ["rank", *map(str, range(1, len(seeds) + 1))]
    settings = _setting_columns(list(seeds[0].settings), seeds)
    means = ["mean", *(f"{one.mean:.5g}" for one in seeds)]
    stds = ["± std", *("" if one.std is None else f"± {one.std:.3g}" for one in seeds)]
    numbers = ["n", *(str(one.n) for one in seeds)]
    if _width([ranks, *settings, means, stds, numbers]) > WIDTH:
        settings = _with_short_titles(settings)
    while settings and _width([ranks, *settings, means, stds, numbers]) > WIDTH:
        settings.pop()
    return _aligned([ranks, *settings, means, stds, numbers])


def _setting_columns(keys: Sequence[str], rows: Sequence[Ranked | OverSeeds]) -> list[Column]:
    return [[key, *(_cut(row.settings[key], LONGEST_SETTING) for row in rows)] for key in keys]


def _with_short_titles(columns: list[Column]) -> list[Column]:
    """`lr` for `optimizer.lr`, where no other key ends so."""
    tails = [title.rpartition(".")[2] for title, *_ in columns]
    return [
        [tail if tails.count(tail) == 1 else title, *texts]
        for tail, (title, *texts) in zip(tails, columns, strict=True)
    ]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _width(columns: Sequence[Column]) -> int:
    return sum(max(map(len, column)) for column in columns) + 2 * (len(columns) - 1)


def _aligned(columns: Sequence[Column]) -> str:
    """Numbers to the right, texts to the left, two spaces between."""
    padded = []
    for column in columns:
        width = max(map(len, column))
        to_right = all(_is_number(text) for text in column[1:])
        padded.append([text.rjust(width) if to_right else text.ljust(width) for text in column])
    return "\n".join("  ".join(line).rstrip() for line in zip(*padded, strict=True))


def _is_number(text: str) -> bool:
    try:
        float(text.removeprefix("± ") or 0)
    except ValueError:
        return False
    return True
