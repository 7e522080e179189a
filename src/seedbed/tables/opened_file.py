"""Opens a file of rows by its kind: CSV, Parquet, .npz or .npy."""

from pathlib import Path

from seedbed.errors import DataError
from seedbed.tables.file_checks import must_be_file
from seedbed.tables.table_file import TableFile

SOURCES = {".npz": "npz", ".parquet": "parquet", ".pq": "parquet"}
"""By the ending of a file; those of a CSV are several."""


def opened(
    path: Path, key: str, source: str | None, delimiter: str | None = None, encoding: str = "utf-8"
) -> TableFile:
    """A file of rows.

    Args:
        path: of the file.
        key: the config key or argument that names it.
        source: csv (or tsv), parquet, npz or npy; None to go by the file's ending.
        delimiter: of a CSV; None for a tab in *.tsv and a comma elsewhere.
        encoding: of a CSV.

    Raises:
        DataError: if it is missing, damaged or of another kind.
    """
    if source == "npy" or path.suffix.lower() == ".npy" or (source is None and path.is_dir()):
        from seedbed.tables.npy_folder import npy_folder

        return npy_folder(path, key)
    must_be_file(path, key)
    match source or _source_of(path):
        case "csv":
            from seedbed.tables.csv_file import CsvFile

            return CsvFile(path, key, delimiter, encoding)
        case "parquet":
            from seedbed.tables.parquet_file import ParquetFile

            return ParquetFile(path, key)
        case "npz":
            from seedbed.tables.npz_file import NpzFile

            return NpzFile(path, key)
    raise DataError(f"{key}: '{path}' is no .csv, .tsv, .parquet, .npz or .npy file")


def _source_of(path: Path) -> str | None:
    """The option of `data` for a file by its ending, behind which a packed CSV has another."""
    endings = [ending.lower() for ending in path.suffixes]
    csv = "csv" if {".csv", ".tsv", ".tab", ".txt"} & {*endings[-2:]} else None
    return SOURCES.get(endings[-1], csv) if endings else None
