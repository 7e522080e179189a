"""The images of a run, of training and beside it: a table or a folder, by the config."""

from dataclasses import replace
from pathlib import Path

from seedbed.config.hints import joined
from seedbed.config.schema import ImagesConfig
from seedbed.errors import DataError
from seedbed.remote.urls import is_url
from seedbed.tables.column_types import ColumnTypes
from seedbed.tables.configured_columns import beside_features
from seedbed.tables.images.decoding import ImageForm
from seedbed.tables.images.found import is_image
from seedbed.tables.images.image_file import (
    FILE,
    ImageTable,
    folder_of_images,
    table_of_images,
)
from seedbed.tables.table import Table
from seedbed.tables.table_file import names_of
from seedbed.tables.text_form import Kind, TextForm
from seedbed.tables.training_table import first_table


def opened_images(config: ImagesConfig, path: str, key: str) -> ImageTable:
    """The images of a part of the data.

    Args:
        config: `data`.
        path: of the folder or the table.
        key: the config key that names it.

    Raises:
        DataError: if it is neither, or its columns are not those of the config.
    """
    if is_url(path):
        raise DataError(f"{key}: '{path}' is a URL, and images are read from files here; copy them")
    place, form = Path(path), ImageForm(config.height_and_width, config.channel_count)
    if place.is_dir():
        return folder_of_images(place, key, form, (FILE, _class_column(config, key)), kept=True)
    if is_image(place) and place.is_file():
        raise DataError(
            f"{key}: '{path}' is one image; name the folder of all classes, or a table with a "
            "column of file names"
        )
    from seedbed.tables.opened_file import opened

    rows = opened(place, key, None)
    if config.file is None:
        raise DataError(
            f"{key}: '{path}' is a table, and data.file does not say which column names the "
            f"images; columns are {joined(rows.names)}"
        )
    return table_of_images(rows, place, config.file, form, kept=True)


def _class_column(config: ImagesConfig, key: str) -> str | None:
    """The column that the names of folders become; None where nobody asks for classes."""
    if config.file is not None:
        raise DataError(
            f"data.file={config.file} names a column of a table, and {key} is a folder; leave it "
            "out, or name the table"
        )
    names = names_of(config.target)
    if len(names) > 1:
        raise DataError(
            f"data.target: a folder of images has one target, the class; got {len(names)} names"
        )
    if names == [FILE]:
        raise DataError(f"data.target={FILE} is the column of the images; type data.target=class")
    return names[0] if names else None


def image_table(config: ImagesConfig, file: ImageTable) -> Table:
    """The training rows; the columns' kinds are those of the run.

    Args:
        config: `data`.
        file: as `opened_images` opened it.

    Raises:
        DataError: for a column that is not there, or an image that cannot be read.
    """
    targets = names_of(config.target)
    for name in targets:
        file.must_have(name, "data.target")
        if name == file.column:
            raise DataError(f"data.target={name} is data.file too; name another column to predict")
    for name, key in config.beside.items():
        if name == file.column:
            raise DataError(f"{key}={name} is the column of the images; name another column")
    beside = beside_features(config, file, [file.column, *targets])
    kinds: dict[str, Kind] = {file.column: "image"}
    if config.file is None:
        kinds |= dict.fromkeys(targets, "category")
    kinds |= {name: kind for name, kind in beside.items() if kind is not None}
    types = ColumnTypes(kinds, TextForm())
    table = first_table(file, [file.column, *beside], targets, types)
    used = {file.column, *targets, *beside}
    left_out = dict.fromkeys([n for n in file.names if n not in used], "neither image nor target")
    notes = [*file.notes, *table.pixels.notes, *table.notes]
    return replace(table, notes=notes, left_out=left_out)


def like_training(config: ImagesConfig, table: Table) -> ImagesConfig:
    """The config for the files beside the training file: grey or with colours as that is."""
    return replace(config, channels=1 if table.pixels.shape[0] == 1 else 3)
