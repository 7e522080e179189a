"""Where the data of a run lies: relative paths belong to the folder that it was started in."""

from pathlib import Path
from typing import Any

from seedbed.config.schema import DataConfig, ImagesConfig, MemoryConfig
from seedbed.errors import DataError
from seedbed.handed_in import handed_in
from seedbed.remote.urls import is_url
from seedbed.runs.data_paths import FILE_KEYS, files_named, named
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_json


def refuse_absent_data(config: DataConfig, paths: RunPaths) -> None:
    """Refuses to go on with a run whose files are not where this command looks for them.

    Args:
        config: of the run, with what the command says of where its data lies now.
        paths: of the run.

    Raises:
        DataError: naming the file, and the folder to type the command in.
    """
    if isinstance(config, MemoryConfig) and handed_in(config.fingerprint) is None:
        raise DataError(
            f"'{paths.root}' was trained on rows in memory, which are not kept; in Python, type "
            f"seedbed.resume({str(paths.root)!r}, data=rows), or seedbed.reproduce likewise"
        )
    for key in FILE_KEYS:
        path = getattr(config, key, None)
        for file in _absent(path, config):
            where = elsewhere(file, paths)
            raise DataError(
                f"data.{key}: no file '{file}' in '{Path.cwd()}'{where}; if it lies elsewhere now, "
                f"type data.{key}=FILE after the run"
            )


def _absent(spec: Any, config: DataConfig) -> list[Path]:
    """The first of what a key names that is not there, if there is one."""
    if isinstance(config, ImagesConfig) and isinstance(spec, str) and Path(spec).is_dir():
        return []  # what is in it is compared with what was
    texts = [text for text in named(spec) if not is_url(text)]
    found = {text: [one.path for one in files_named(text)] for text in texts}
    files = [file for text, some in found.items() for file in some or [Path(text)]]
    return [file for file in files if not file.is_file()][:1]


def elsewhere(path: Path, paths: RunPaths) -> str:
    """What a relative path means, if the run was started in another folder; or nothing."""
    folder = read_json(paths.environment).get("folder")
    if path.is_absolute() or folder == str(Path.cwd()):
        return ""
    there = f"'{printable(folder)}'" if isinstance(folder, str) else "another folder"
    return f"; a relative path, and the run was started in {there}: type the command there"
