"""Jobs of a sweep that have not begun: they have no directory, and no table of runs shows them."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import orjson

from seedbed.catalog.record import RunRecord
from seedbed.errors import RunDirectoryError
from seedbed.runs.layout import SWEEP_JOBS, RunPaths
from seedbed.runs.reader import LARGEST_LIST, read_text
from seedbed.runs.stored import is_stored


def jobs_not_begun(runs: Iterable[RunRecord]) -> dict[Path, int]:
    """How many jobs have not begun, of each sweep of which there are runs; only if there are any.

    Args:
        runs: all that were found, readable or not.
    """
    names: dict[Path, set[str]] = defaultdict(set)
    for run in runs:
        if run.sweep is not None:
            names[run.sweep].add(run.path.name)
    counts = {sweep: _not_begun(sweep, found) for sweep, found in names.items()}
    return {sweep: count for sweep, count in counts.items() if count}


def _not_begun(sweep: Path, found: set[str]) -> int:
    try:
        content = orjson.loads(read_text(sweep / SWEEP_JOBS, LARGEST_LIST))
    except (RunDirectoryError, orjson.JSONDecodeError):
        return 0
    jobs = content.get("jobs") if isinstance(content, dict) else None
    if not isinstance(jobs, list) or len(jobs) <= len(found):
        return 0
    listed = (job.get("directory") for job in jobs if isinstance(job, dict))
    others = {name for name in listed if isinstance(name, str) and Path(name).name == name} - found
    return sum(not is_stored(RunPaths(sweep / name).config) for name in others)
