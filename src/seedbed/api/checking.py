"""Checks the config of one run: everything is built, and one batch let through; nothing trains."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seedbed.api.building import built
from seedbed.compose.composed import ComposedConfig
from seedbed.config.hints import counted
from seedbed.config.schema import DataConfig, NamedConfig, SklearnConfig

if TYPE_CHECKING:
    from seedbed.data.prepared import PreparedData
    from seedbed.tables.table import Table
    from seedbed.views.columns import ColumnReport


@dataclass(frozen=True)
class Report:
    """What a valid config describes.

    Args:
        rows: to train on.
        task: regression, binary or multiclass.
        parameters: that are trained.
        batches: in an epoch.
        device: that the run would train on.
        notes: what a person should know.
        columns: how each column of a table was read.
    """

    rows: int
    task: str
    parameters: int
    batches: int
    device: str
    notes: list[str] = field(default_factory=list)
    columns: "list[ColumnReport]" = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"valid: {counted(self.rows, 'row')} to train on, {self.task}, "
            f"{counted(self.parameters, 'parameter')}, "
            f"{self.batches} {'batch' if self.batches == 1 else 'batches'} an epoch on "
            f"{self.device}"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain containers."""
        columns = [one.to_json() for one in self.columns]
        more: dict[str, Sequence[Any]] = {"notes": self.notes, "columns": columns}
        fields = {"valid": True, "parameters": self.parameters, "rows": self.rows}
        return {**fields, **{key: value for key, value in more.items() if value}}


@dataclass(frozen=True)
class SweepReport:
    """What a valid sweep describes.

    Args:
        jobs: without those that repeat another's settings.
        notes: what a person should know.
        columns: none, as jobs may have data of their own.
    """

    jobs: int
    notes: list[str] = field(default_factory=list)
    columns: "tuple[ColumnReport, ...]" = ()

    def __str__(self) -> str:
        return f"valid: {counted(self.jobs, 'job')}"

    def to_json(self) -> dict[str, Any]:
        """Plain containers."""
        return {"valid": True, "jobs": self.jobs, "notes": self.notes}


def check_run(request: ComposedConfig) -> Report:
    """Builds the data and the model, and lets one batch through.

    Raises:
        SeedbedError: with everything that is wrong.
    """
    from seedbed.tables.sources import read_source  # with NumPy

    tables: list[Table] = []

    def read(data: DataConfig) -> "Table":
        tables.append(read_source(data))
        return tables[-1]

    plan = built(request.config, read)
    return Report(
        plan.train.rows,
        plan.head.task.name,
        plan.parameters,
        len(plan.train),
        str(plan.device),
        [*request.notes, *plan.notes],
        _columns(request.config.data, tables, plan.data),
    )


def _columns(
    data: DataConfig, tables: "Sequence[Table]", prepared: "PreparedData"
) -> "list[ColumnReport]":
    """How each column of a table was read; none of the rows of a YAML or a Dataset."""
    from seedbed.views.columns import column_reports, streamed_reports

    if not isinstance(data, NamedConfig | SklearnConfig):
        return []
    if prepared.columns is not None:
        return streamed_reports(prepared.columns, prepared.preprocessing)
    return column_reports(tables[0], prepared.preprocessing)
