"""Runs or settings compared, as Python sees them: rows, a verdict, what mattered, what to know."""

from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seedbed.analysis.basis import measured
from seedbed.analysis.importance import Importance, importance
from seedbed.analysis.runs_compared import RunsCompared
from seedbed.analysis.sentences import importance_sentence, remarks, verdict_sentence
from seedbed.analysis.settings import SEED, Against, OneSetting
from seedbed.analysis.unbegun import jobs_not_begun
from seedbed.analysis.verdict import Verdict
from seedbed.api.frames import frame_of
from seedbed.api.html import MOST_ROWS, html_lines, html_table
from seedbed.catalog.record import RunRecord
from seedbed.catalog.values import setting_of
from seedbed.config.hints import counted
from seedbed.errors import ArgumentError
from seedbed.views.run_text import columns_of

if TYPE_CHECKING:
    import pandas


class RunComparison:
    """Settings over their seeds, or runs side by side; the best first.

    Args:
        compared: the runs.
    """

    def __init__(self, compared: RunsCompared) -> None:
        self._compared = compared
        self._settings = compared.settings

    @property
    def metric(self) -> str:
        """What is compared."""
        return self._compared.metric.name

    @property
    def higher_is_better(self) -> bool:
        """Of the metric."""
        return self._compared.metric.higher

    @property
    def over(self) -> list[str]:
        """Keys whose values are repetitions of one setting; empty for runs side by side."""
        return list(self._compared.over)

    @property
    def keys(self) -> list[str]:
        """The keys that differ, without those of `over`; those that were swept come first."""
        return list(self._compared.keys)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each setting, or each run: its keys, then its numbers.

        Over seeds these are `n`, `mean`, `std`, `low` and `high` (the ends of the 95 % interval),
        `without_value` (runs, by how they stand), and of the best against it `p` and `p_holm`.
        Side by side these are `run`, `status` and the metrics.
        """
        return self.head(len(self))

    def head(self, limit: int) -> list[dict[str, Any]]:
        """The first of the rows.

        Args:
            limit: how many.
        """
        if not self.over:
            return [self._run_row(run) for run in self.records[:limit]]
        return [self._setting_row(one, against) for one, against in self._against()[:limit]]

    def __len__(self) -> int:
        settings = self._settings
        return len(settings.settings) if settings and self.over else len(self._compared.table)

    @property
    def records(self) -> list[RunRecord]:
        """The runs, the best first; as they were found where they cannot be ranked."""
        by_setting = self._compared.records
        if self._settings is None:
            return list(self._compared.table.records)
        return [run for one in self._settings.settings for run in by_setting[one.setting]]

    @property
    def is_ranked(self) -> bool:
        """Whether the runs can be ranked: all are measured on the same rows."""
        return self._settings is not None

    @property
    def verdict(self) -> Verdict | None:
        """The best setting against the next; None for one setting, or runs side by side."""
        return self._settings.verdict if self._settings is not None and self.over else None

    @property
    def importance(self) -> Importance | None:
        """What mattered; None where that cannot be told, as `sentences` say."""
        return None if isinstance(self._importance, str) else self._importance

    @cached_property
    def _importance(self) -> Importance | str:
        """What mattered, or why it is not known."""
        if self._settings is None or not self.over or not self.keys:
            return ""
        try:
            return importance(self._settings, self.over)
        except ArgumentError as err:
            return str(err)

    @property
    def sentences(self) -> list[str]:
        """The verdict and what mattered, in words."""
        compared = self._settings
        if compared is None or not self.over or not self.keys:
            return []
        verdict = verdict_sentence(compared, self._compared.labels, self.metric)
        return [verdict, importance_sentence(compared, self._importance)]

    @property
    def notes(self) -> list[str]:
        """What must be known to read the rows."""
        compared, left_out = self._compared, self._compared.table.left_out
        told = list(compared.table.notes)
        told += [f"{self.metric}: {compared.metric.why}"] if compared.metric.why else []
        if compared.settings is None:
            told.append("the runs are measured on rows of their own, and are not ranked")
        else:
            told += remarks(compared.settings, compared.labels, self.metric, self.over)
        if not self.over and len(self.records) > 1 and SEED not in self.keys:
            told.append(
                f"every setting has one run, and nothing tells how far the seed alone moves "
                f"{self.metric or 'a value'}; type seed=range(0,10) in the sweep"
            )
        for sweep, count in jobs_not_begun([*compared.table.records, *left_out]).items():
            have = "has" if count == 1 else "have"
            told.append(
                f"{counted(count, 'job')} of '{sweep}' {have} not begun; seedbed resume goes on"
            )
        if left_out:
            told.append(
                f"left out: {counted(len(left_out), 'folder')} without a run that can be read"
            )
        return told

    def to_json(self, limit: int | None = None) -> dict[str, Any]:
        """All of it in plain containers.

        Args:
            limit: of the rows; None for all.
        """
        said = self.verdict
        return {
            "metric": self.metric,
            "higher_is_better": self.higher_is_better,
            "over": self.over,
            "keys": self.keys,
            "ranked": self.is_ranked,
            "settings" if self.over else "runs": self._json_rows(limit),
            "verdict": None if said is None else {**asdict(said), "better": said.is_better},
            "importance": None if self.importance is None else asdict(self.importance),
            "sentences": self.sentences,
            "notes": self.notes,
            "left_out": [
                {"path": str(one.path), "status": str(one.status), "problem": one.problem}
                for one in self._compared.table.left_out
            ],
        }

    def to_pandas(self) -> "pandas.DataFrame":
        """The rows as a DataFrame; needs pandas.

        Raises:
            SeedbedError: if pandas is not installed.
        """
        return frame_of(self.rows)

    def _json_rows(self, limit: int | None) -> list[dict[str, Any]]:
        if not self.over:
            return [self._run_json(run) for run in self.records[:limit]]
        return [self._setting_json(one, against) for one, against in self._against()[:limit]]

    def _against(self) -> list[tuple[OneSetting, Against | None]]:
        """The settings, each but the first with the first against it."""
        assert self._settings is not None
        return list(zip(self._settings.settings, [None, *self._settings.against_best], strict=True))

    def _setting_row(self, one: OneSetting, against: Against | None) -> dict[str, Any]:
        low, high = one.interval or (None, None)
        return {
            **self._compared.labels[one.setting],
            "n": one.n,
            "mean": one.mean,
            "std": one.std,
            "low": low,
            "high": high,
            "without_value": sum(one.without_value.values()),
            "p": against.p if against else None,
            "p_holm": against.p_corrected if against else None,
        }

    def _setting_json(self, one: OneSetting, against: Against | None) -> dict[str, Any]:
        return {
            "settings": dict(self._compared.labels[one.setting]),
            "n": one.n,
            "mean": one.mean,
            "std": one.std,
            "interval": one.interval,
            "without_value": one.without_value,
            "against_best": against and {**asdict(against.verdict), "p_holm": against.p_corrected},
            "runs": [self._run_json(run) for run in self._compared.records[one.setting]],
        }

    def _run_row(self, run: RunRecord) -> dict[str, Any]:
        label = self._label(run)
        names = dict.fromkeys([self.metric, *run.metrics] if self.metric else run.metrics)
        metrics = {name: measured(run, name) for name in names}
        return {**label, "run": run.name, "status": str(run.status), **metrics}

    def _run_json(self, run: RunRecord) -> dict[str, Any]:
        return {
            "run": str(run.path),
            "status": str(run.status),
            "settings": {**self._label(run), **{key: run.settings.get(key) for key in self.over}},
            "value": measured(run, self.metric),
            "metrics": dict(run.metrics),
        }

    def _label(self, run: RunRecord) -> dict[str, Any]:
        return {key: setting_of(run, key) for key in self.keys}

    def __repr__(self) -> str:
        return "\n".join([f"RunComparison of {len(self)} by {self.metric}", *self.sentences])

    def _repr_html_(self) -> str:
        more = len(self) - MOST_ROWS
        rest = [f"and {counted(more, 'more row')}"] if more > 0 else []
        lines = [*self.sentences, *self.notes, *rest]
        return html_table(columns_of(self.head(MOST_ROWS))) + html_lines(lines)
