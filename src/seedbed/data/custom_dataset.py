"""A user's own `Dataset` classes: every row of every part is looked at before training."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch.utils.data import IterableDataset, TensorDataset

from seedbed.components import AllowList
from seedbed.config.schema import DatasetConfig, LoaderConfig
from seedbed.config.task_names import AUTO, MULTILABEL
from seedbed.data.custom_fingerprint import digests
from seedbed.data.custom_form import form_of_rows, kept, row_lengths
from seedbed.data.custom_inspection import Inspected, inspect_rows
from seedbed.data.custom_labels import LabelError, Labels, label_text, labels_of
from seedbed.data.custom_rows import CustomRows
from seedbed.data.custom_split import CustomSplit
from seedbed.data.generators import generators_seeded
from seedbed.data.like_spellings import notes_on_spellings
from seedbed.data.packing import packing_of
from seedbed.data.prepared import PreparedData
from seedbed.data.preprocessing import Preprocessing
from seedbed.data.row_form import RowForm
from seedbed.data.seeds import stream_seed
from seedbed.data.splits import Told, parts_of, rest_of
from seedbed.errors import DataError
from seedbed.raised import reason

HELD_OUT = ("validation", "test")


def prepare_custom(
    config: DatasetConfig, allow: AllowList, seed: int, loader: LoaderConfig
) -> PreparedData:
    """Builds the datasets of `data.train`, `data.validation` and `data.test`, and looks at them.

    Args:
        config: each part names a class and its arguments.
        allow: what may be built.
        loader: says whether rows may differ in length.
        seed: seeds the generators while they are built and looked at, should they draw.

    Raises:
        DataError: if a class is no map-style Dataset, or a row cannot be trained on or measured.
        NotAllowedError: if a class may not be built.
    """
    draws = 0 if config.in_memory else seed  # rows that are kept are those of every run
    with generators_seeded(draws):
        parts = {
            name: _built(spec, allow, f"data.{name}", config.target)
            for name in ("train", *HELD_OUT)
            if (spec := getattr(config, name)) is not None
        }
    inspected = {
        name: inspect_rows(
            part,
            config.check_rows,
            stream_seed(draws, "look", number),
            pads=loader.pads,
            keeps=config.in_memory,
        )
        for number, (name, part) in enumerate(parts.items())
    }
    train = inspected["train"]
    labels = _labels(config, parts["train"], train)
    sizes = [size for one in inspected.values() for size in one.sizes]
    form = form_of_rows(parts["train"], train, loader, sizes)
    rows = {name: CustomRows(part, labels, form) for name, part in parts.items()}
    for name, one in inspected.items():
        rows[name].refuse_other(one)
        rows[name] = replace(rows[name], lengths=row_lengths(form, one))
    rows |= _split(config, seed, rows["train"], train)
    ready: dict[str, Any] = {name: one.in_memory() or one for name, one in rows.items()}
    if config.in_memory:
        read = {name: one for name, one in rows.items() if ready[name] is one}
        ready |= _kept(read, inspected, form, sizes)
    counts = _class_counts(train, rows["train"])
    preprocessing = _preprocessing(labels, form, counts, config)
    return PreparedData(
        train=ready["train"],
        validation=ready.get("validation"),
        test=ready.get("test"),
        preprocessing=preprocessing,
        fingerprint={
            "rows": {name: len(one) for name, one in rows.items()},
            "sample": digests(parts, inspected, stream_seed(draws, "look")),
        },
        notes=[*_notes(config, train, labels), *notes_on_spellings(preprocessing, "data.train")],
    )


def _kept(
    rows: Mapping[str, CustomRows],
    inspected: Mapping[str, Inspected],
    form: RowForm,
    sizes: Sequence[Mapping[str, int]],
) -> dict[str, TensorDataset]:
    """Rows that were read, in memory.

    Args:
        rows: of each split that is none yet.
        inspected: what was read of each part that has a Dataset.
        form: of the rows.
        sizes: of the rows of all parts, as `Inspected` has them.
    """
    packing = None
    if rows and not form.is_single:
        packing = packing_of(form, sizes, sum(len(one.labels) for one in inspected.values()))
    looked = {f"data.{name}": one for name, one in inspected.items()}
    return {name: kept(one, looked[one.part.key], packing) for name, one in rows.items()}


def _built(spec: dict[str, Any], allow: AllowList, where: str, target: str) -> CustomSplit:
    if "_target_" not in spec:
        raise DataError(f"{where}._target_ is missing; it names your Dataset class")
    dataset = allow.build(spec, where)
    if isinstance(dataset, IterableDataset):
        raise DataError(
            f"{where}: {type(dataset).__name__} is an IterableDataset, and rows are asked for by "
            "number, to shuffle and split them and to go on after a stop; give it __len__ and "
            "__getitem__ as a Dataset, or write its rows to Parquet for data.stream=true"
        )
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise DataError(f"{where}: {type(dataset).__name__} needs __len__ and __getitem__")
    try:
        rows = len(dataset)
    except (Exception, SystemExit) as err:  # of any kind: the class is the user's
        raise DataError(f"{where}: {type(dataset).__name__}: len raises {reason(err)}") from err
    if rows == 0:
        raise DataError(f"{where}: {type(dataset).__name__} has no rows")
    return CustomSplit(where, dataset, target)


def _labels(config: DatasetConfig, part: CustomSplit, train: Inspected) -> Labels:
    """Names of the Dataset's own are taken where they fit its labels."""
    own = getattr(part.dataset, "classes", None)
    if config.classes is None and isinstance(own, Sequence) and not isinstance(own, str):
        try:
            return labels_of(config.task, train.labels, [str(name) for name in own])
        except LabelError:
            pass  # the labels' own names, then
    try:
        return labels_of(config.task, train.labels, config.classes)
    except LabelError as err:
        raise part.error(train.indices[err.index], str(err)) from err


def _split(
    config: DatasetConfig, seed: int, train: CustomRows, inspected: Inspected
) -> dict[str, CustomRows]:
    """The parts that `data.split` takes from `data.train`, where they have no Dataset."""
    own = [name for name in HELD_OUT if getattr(config, name) is not None]
    split = rest_of(config.split, own)
    if split.validation == split.test == 0 and config.folds is None:
        return {}
    labels = train.labels
    strata = None
    if labels.classes and split.stratify:
        if len(inspected.indices) < len(train):
            raise DataError(
                "data.split.stratify needs the label of every row; type "
                "data.split.stratify=false or data.check_rows=null"
            )
        strata = [labels.numbers[label] for label in inspected.labels]  # type: ignore[index]
    drawn = parts_of(config, split, seed, len(train), Told(strata))
    if labels.classes and len(inspected.indices) == len(train):
        _refuse_absent(inspected, set(drawn["train"].tolist()))
    return {name: replace(train, rows=rows.tolist()) for name, rows in drawn.items() if len(rows)}


def _refuse_absent(inspected: Inspected, trained: set[int]) -> None:
    """Refuses a split that leaves a class without a training row."""
    pairs = list(zip(inspected.indices, inspected.labels, strict=True))
    there = {label for index, label in pairs if index in trained}
    absent = [label for _, label in pairs if label not in there]
    if absent:
        raise DataError(
            f"data.train: the class {label_text(absent[0])} is in no training row; type "
            "data.split.stratify=true, or give it more rows"
        )


def _class_counts(inspected: Inspected, train: CustomRows) -> list[int]:
    """Training rows of each class; empty where there is none, or not every row was looked at."""
    labels, of_labels = train.labels, train.labels.task == MULTILABEL
    if not (labels.classes or of_labels) or len(inspected.indices) < len(train.part):
        return []
    trained: list[Any] = [inspected.labels[row] for row in train.numbers]
    if of_labels:
        values = np.stack([np.ravel(label) for label in trained])
        return [*(int(one) for one in values.sum(axis=0)), len(values)]
    numbers = [labels.numbers[label] for label in trained]
    counts: list[int] = np.bincount(numbers, minlength=len(labels.classes)).tolist()
    return counts


def _preprocessing(
    labels: Labels, form: RowForm, class_counts: list[int], config: DatasetConfig
) -> Preprocessing:
    return Preprocessing(
        features=[],
        task=labels.task,
        target=[config.target],
        classes=labels.classes,
        target_mean=None,
        target_scale=None,
        input_shape=form.shape if form.is_single else [],
        outputs=max(int(np.prod(labels.shape)), 1),
        class_counts=class_counts,
        threshold=config.threshold,
        form=None if form.is_default else form.to_plain(),
    )


def _notes(config: DatasetConfig, train: Inspected, labels: Labels) -> list[str]:
    plain = config.task == AUTO and not labels.classes and not labels.shape
    if plain and set(train.labels) == {0.0, 1.0}:
        return [
            "y of data.train is 0.0 or 1.0 in every row and taken for a quantity, as it is real; "
            "data.task=binary takes it for a class"
        ]
    return []
