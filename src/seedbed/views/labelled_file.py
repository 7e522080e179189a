"""Rows with labels in a file, read by the form of a run's columns."""

from pathlib import Path

from seedbed.data.labelled_rows import LabelledRows, labelled_rows, must_be_measurable
from seedbed.data.new_rows import opened_rows, rows_from_file
from seedbed.data.row_groups import groups_of
from seedbed.views.trained import TrainedModel


def labelled_file(trained: TrainedModel, path: Path, by: str | None = None) -> LabelledRows:
    """The rows of a file with their labels.

    Args:
        trained: the model.
        path: of the file.
        by: a column to group the rows by, as `--by` names it.

    Raises:
        DataError: if it cannot be read, or has not the columns or the classes of the run.
    """
    preprocessing = trained.preprocessing
    file = opened_rows(path, trained.config["data"], preprocessing, labels=True)
    must_be_measurable(file, preprocessing)
    groups = groups_of(file.written, by, preprocessing, "--by") if by is not None else None
    return labelled_rows(rows_from_file(file, preprocessing), file, preprocessing, groups)
