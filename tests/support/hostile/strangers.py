"""Attacks on the memory and the time of whoever opens a run, each small on the disk."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import torch
from support.hostile.bombs import _layers, _model
from support.hostile.corpus import MODEL_READERS, RERUNS, VIEWS, Attack, Place, data_of_file

GIGABYTE = 2**30
WEIGHTS = ("model.pth", "checkpoints/last.pt", "checkpoints/best.pt")


# Pickles that ask for much


def _pickled(body: bytes) -> Attack:
    """All weights are archives of torch's, with another pickle in them."""

    def make(place: Place) -> None:
        for name in WEIGHTS:
            path = place.run / name
            torch.save({"w": torch.zeros(2)}, path)
            with zipfile.ZipFile(path) as archive:
                members = {item.filename: archive.read(item) for item in archive.infolist()}
            with zipfile.ZipFile(path, "w") as archive:
                for member, content in members.items():
                    pickled = b"\x80\x02" + body + b"."
                    archive.writestr(member, pickled if member.endswith("data.pkl") else content)

    return Attack(make, (*VIEWS, *RERUNS))


def _long(number: int) -> bytes:
    packed = number.to_bytes(12, "little", signed=True)
    return b"\x8a" + bytes([len(packed)]) + packed


def _text(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


HUGE = _long(20 * 10**9)
BYTEARRAY = b"c__builtin__\nbytearray\n" + HUGE + b"\x85R"
TENSOR = b"ctorch\nTensor\n" + HUGE + b"\x85R"
STORAGE = b"ctorch\nFloatStorage\n" + HUGE + b"\x85R"
DOUBLING = _text("x" * 10**6)
for _ in range(12):
    DOUBLING = b"c_codecs\nencode\n" + DOUBLING + _text("unicode_escape") + b"\x86R"
"""Each turn asks for another form of the text, as Python's codecs make them."""
EXPONENTIAL = b"}" + b")" + b"q\x00h\x00\x86" * 60 + b"K\x01s"
DEEP_KEY = b"})" + b"\x85" * 10**6 + b"K\x01s"
EQUAL_HASHES = b"}(" + b"".join(_long(n * (2**61 - 1)) + b"N" for n in range(50_000)) + b"u"
KEYS_OF_TUPLES = b"}(" + b"".join(_long(n) + b"\x85N" for n in range(1000)) + b"u"


def holes_for_weights(place: Place) -> None:
    """An archive of torch's with a storage of 2 GB that is one hole."""
    path = place.run / "model.pth"
    torch.save({"w": torch.zeros(2**20)}, path)
    with zipfile.ZipFile(path) as archive:
        members = {item.filename: archive.read(item) for item in archive.infolist()}
    size = 2 * GIGABYTE
    with _Holes(path) as file, zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        for member, content in members.items():
            if member.endswith("data.pkl"):
                content = content.replace(struct.pack("<i", 2**20), struct.pack("<i", size // 4))
            if not member.endswith("data/0"):
                archive.writestr(member, content)
                continue
            with archive.open(member, "w", force_zip64=True) as storage:
                for _ in range(size // 2**24):
                    storage.write(bytes(2**24))


class _Holes(io.FileIO):
    """A file that leaves out zeros."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w")

    def write(self, content: Any) -> int:
        if len(content) == 2**24:
            self.seek(2**24, io.SEEK_CUR)
            return 2**24
        return super().write(content)


def hole_that_justifies_a_model(place: Place) -> None:
    place.config(lambda config: config["model"].update(hidden=[40_000, 40_000]))
    for name in WEIGHTS:
        with (place.run / name).open("r+b") as file:
            file.truncate(12 * GIGABYTE)


# Models


def _loss(**keys: Any) -> Attack:
    return Attack(lambda place: place.config(lambda config: config.update(loss=keys)), VIEWS)


def _rows_in_order(length: int) -> list[Any]:
    """Layers that make a sequence of a row."""
    return [{"ZeroPad1d": {"padding": [0, length - 2]}}, {"Unflatten": [1, [1, length]]}]


ENCODER = "torch.nn.TransformerEncoder"
PART = {"_target_": "torch.nn.TransformerEncoderLayer", "d_model": 2, "nhead": 1}
WIDE_PART = {**PART, "d_model": 60_000}
INNER = {"_target_": ENCODER, "encoder_layer": PART, "num_layers": 900}


def no_preprocessing(place: Place) -> None:
    (place.run / "preprocessing.json").unlink()
    place.config(lambda config: config["model"].update(hidden=[40_000, 40_000]))


def wide_layer(place: Place, width: int = 2**17) -> None:
    """The weights are as the config says: 2 MiB, which 4096 rows make to 2 GiB twice."""
    place.config(lambda config: config["model"].update(hidden=[width]))
    weights = torch.load(place.run / "model.pth", weights_only=True)
    for name, tensor in weights.items():
        weights[name] = torch.zeros([width if size == 8 else size for size in tensor.shape])
    torch.save(weights, place.run / "model.pth")


MANY_ROWS = "[" + ",".join(["[1,2]"] * 4096) + "]"


# Text


def _config(text: str, refused_by: tuple[str, ...] = MODEL_READERS) -> Attack:
    def make(place: Place) -> None:
        with (place.run / "config.yaml").open("a") as file:
            file.write(text)

    return Attack(make, refused_by)


def line_ends_for_a_history(place: Place) -> None:
    (place.run / "history.csv").write_text("epoch,train/loss\n" + "\n" * (31 * 2**20))


def numbers_that_no_figure_has_room_for(place: Place) -> None:
    rows = "\n".join(f"{n},{'-' * (n % 2)}1e308,{n}e300" for n in range(20))
    (place.run / "history.csv").write_text(f"epoch,train/loss,val/loss\n{rows}\n")


# Data


def _parquet(table: Callable[[], pa.Table]) -> Attack:
    def make(place: Place) -> None:
        pa.parquet.write_table(table(), place.run / "rows.parquet")
        data_of_file(place, "parquet", place.run / "rows.parquet")

    return Attack(make, RERUNS)


def _rows_of_nothing() -> pa.Table:
    return pa.table({name: pa.nulls(6 * 10**7, pa.float64()) for name in ("x1", "y")})


def _one_long_text() -> pa.Table:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), ["x" * 10**6])
    return pa.table({"x1": texts, "y": [1.0] * 20_000})


STRANGERS = {
    "pickle: a bytearray": _pickled(BYTEARRAY),
    "pickle: a tensor": _pickled(TENSOR),
    "pickle: a storage": _pickled(STORAGE),
    "pickle: codecs": _pickled(DOUBLING),
    "pickle: a key of exponential hash": _pickled(EXPONENTIAL),
    "pickle: a deep key": _pickled(DEEP_KEY),
    "pickle: keys of equal hash": _pickled(EQUAL_HASHES),
    "pickle: tuples for keys": _pickled(KEYS_OF_TUPLES),
    "weights: holes": Attack(holes_for_weights, VIEWS),
    "weights: a hole that justifies a model": Attack(hole_that_justifies_a_model, MODEL_READERS),
    "model: buffers": _model(_target_="torch.nn.BatchNorm1d", num_features=4 * 10**9, affine=False),
    "model: a layer's argument": _layers(
        {"TransformerEncoder": {"encoder_layer": WIDE_PART, "num_layers": 1}}, "Linear"
    ),
    "model: clones of clones": _layers(
        {"TransformerEncoder": {"encoder_layer": INNER, "num_layers": 900}}, "Linear"
    ),
    "model: a device": _layers({"Linear": {"out_features": 10**9, "device": "cpu"}}, "Linear"),
    "model: a device in order": _layers({"Linear": [2, 10**9, True, "cpu"]}, "Linear"),
    "model: a type": _layers({"Linear": {"out_features": 8, "dtype": "float64"}}, "Linear"),
    "model: a class with a device": _model(
        _target_="torch.nn.Linear", in_features=2, out_features=10**9, device="cpu"
    ),
    "model: padding": _layers({"ConstantPad1d": [10**9, 0.0]}, "Linear"),
    "model: upsampling": _layers(
        {"Unflatten": [1, [1, 2]]}, {"Upsample": [10**9]}, "Flatten", "Linear"
    ),
    "endless: pooling": _layers(
        *_rows_in_order(2**21),
        {"MaxPool1d": {"kernel_size": 2**20, "stride": 1, "padding": 2**19}},
        "Flatten",
        {"AdaptiveAvgPool1d": 8},
        "Linear",
    ),
    "model: a million steps": _layers(
        {"ZeroPad1d": {"padding": [0, 10**6 - 2]}},
        {"Unflatten": [1, [10**6, 1]]},
        {"GRU": {"input_size": 1, "hidden_size": 1, "batch_first": True}},
    ),
    "model: no preprocessing": Attack(no_preprocessing, MODEL_READERS),
    "loss: weights": _loss(
        _target_="torch.nn.AdaptiveLogSoftmaxWithLoss",
        in_features=60_000,
        n_classes=60_000,
        cutoffs=[59_999],
    ),
    "yaml: ones": _config("more: [" + "1," * (15 * 2**20) + "]\n"),
    "yaml: rows": _config("more:\n" + "- [1, 2]\n" * 10**6),
    "yaml: base 60": _config("more: 1" + ":1" * 10**6 + "\n"),
    "yaml: a long text again and again": _config(
        "one: &one " + "x" * 3 * 10**6 + "\nmore: [" + "*one," * 9000 + "]\n"
    ),
    "yaml: unknown keys": _config("".join(f"key{n}: 1\n" for n in range(200_000)), RERUNS),
    "yaml: lists for keys": _config("? " + "[" * 50 + "a" + "]" * 50 + "\n: 1\n"),
    "history: line ends": Attack(line_ends_for_a_history, ("plot",)),
    "parquet: rows of nothing": _parquet(_rows_of_nothing),
    "parquet: one long text": _parquet(_one_long_text),
}
