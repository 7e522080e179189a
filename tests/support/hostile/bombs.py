"""Attacks that are small on the disk and huge in memory, or that crash a parser written in C."""

import io
import struct
import zipfile
from functools import cache
from typing import Any

import numpy as np
import torch
from support.hostile.corpus import (
    MODEL_READERS,
    RERUNS,
    VIEWS,
    Attack,
    Place,
    data_of_file,
)

DEEP = 100_000
HUGE = 10**9


def deep_yaml(place: Place) -> None:
    with (place.run / "config.yaml").open("a") as file:
        file.write("deep: " + "[" * DEEP + "]" * DEEP)


def deep_json(place: Place) -> None:
    for name in ("preprocessing", "status", "environment"):
        (place.run / f"{name}.json").write_text('{"a":' * DEEP + "1" + "}" * DEEP)


LAUGHS = "\n".join(
    ["lol0: &lol0 [1, 2]"]
    + [f"lol{n}: &lol{n} [{', '.join([f'*lol{n - 1}'] * 10)}]" for n in range(1, 12)]
)


def billion_laughs(place: Place) -> None:
    with (place.run / "config.yaml").open("a") as file:
        file.write(LAUGHS)


def alias_of_itself(place: Place) -> None:
    with (place.run / "config.yaml").open("a") as file:
        file.write("self: &self [*self]\n")


def digits_without_end(place: Place) -> None:
    place_text = (place.run / "config.yaml").read_text()
    (place.run / "config.yaml").write_text(place_text + "digits: " + "9" * 10**6)


def npz_bomb(place: Place) -> None:
    path = place.run / "rows.npz"
    path.write_bytes(_packed_rows())
    data_of_file(place, "npz", path)


@cache
def _packed_rows() -> bytes:
    """A gibibyte of zeros in a mebibyte; half a second to pack."""
    file, header = io.BytesIO(), io.BytesIO()
    shape = {"descr": "|u1", "fortran_order": False, "shape": (2**20, 2**10)}
    np.lib.format.write_array_header_1_0(header, shape)
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x.npy", "w") as member,
    ):
        member.write(header.getvalue())
        for _ in range(2**8):
            member.write(bytes(2**22))
    return file.getvalue()


def npz_of_a_huge_shape(place: Place) -> None:
    header = io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (HUGE, HUGE)}
    np.lib.format.write_array_header_2_0(header, shape)
    with zipfile.ZipFile(place.run / "rows.npz", "w") as archive:
        archive.writestr("y.npy", header.getvalue() + bytes(64))
    data_of_file(place, "npz", place.run / "rows.npz")


def weights_bomb(place: Place) -> None:
    (place.run / "model.pth").write_bytes(_packed_weights())


@cache
def _packed_weights() -> bytes:
    """A storage that is packed, which torch never does: 512 MiB in two."""
    file, numbers = io.BytesIO(), 2**27
    torch.save({"input_to_hidden_layer.weight": torch.zeros(16)}, file)
    with zipfile.ZipFile(file) as archive:
        members = {item.filename: archive.read(item) for item in archive.infolist()}
    whole = b"J" + struct.pack("<i", numbers)
    for member, content in members.items():
        if member.endswith("data.pkl"):
            members[member] = content.replace(b"K\x10", whole)
        if member.endswith("data/0"):
            members[member] = bytes(4 * numbers)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return file.getvalue()


def weights_without_room(place: Place) -> None:
    """One number that says to be two billion, and a config that agrees."""
    model = torch.load(place.run / "model.pth", weights_only=True)
    for name, tensor in model.items():
        shape = [HUGE if size == 8 else size for size in tensor.shape]
        model[name] = torch.zeros(1).expand(shape)
    torch.save(model, place.run / "model.pth")
    place.config(lambda config: config["model"].update(hidden=[HUGE]))


def laughs_in_a_pickle(place: Place) -> None:
    shared: list[Any] = [1]
    for _ in range(40):
        shared = [shared] * 10
    place.checkpoint(lambda last: last["optimizer"]["param_groups"][0].update(foreach=shared))


def _model(**keys: Any) -> Attack:
    def make(place: Place) -> None:
        named = {"_target_"} if "torch.nn." in str(keys.get("_target_")) else set()
        place.config(
            lambda config: config.update(model=keys if named else {**config["model"], **keys})
        )

    return Attack(make, MODEL_READERS)


def _layers_without_end(place: Place) -> None:
    """Its list is made here: what looks through all that tests import would look at each."""
    _model(hidden=[1] * 20_000).make(place)


def _manual(place: Place) -> None:
    keys = {"_target_": "seedbed.models.ManualMLP", "hidden": [HUGE], "start": "uniform"}
    kept = ("in_features", "out_features", "activation", "bias", "return_hidden")
    place.config(
        lambda config: config.update(model={**keys, **{key: config["model"][key] for key in kept}})
    )


SEQUENTIAL = "seedbed.models.SequentialMLP"


def _layers(*layers: Any) -> Attack:
    def make(place: Place) -> None:
        def change(config: dict[str, Any]) -> None:
            kept = ("in_features", "out_features", "hidden", "activation", "bias", "return_hidden")
            model = {key: config["model"][key] for key in kept}
            config["model"] = {**model, "_target_": SEQUENTIAL, "layers": list(layers)}

        place.config(change)

    return Attack(make, MODEL_READERS)


def table_of_zeros(place: Place) -> None:
    """A file with a hole, of a tebibyte."""
    with (place.run / "rows.csv").open("wb") as file:
        file.write(b"x,y\n1,2\n")
        file.truncate(2**40)
    data_of_file(place, "csv", place.run / "rows.csv")


def huge_text(place: Place) -> None:
    for name in ("config.yaml", "preprocessing.json", "history.csv", "status.json"):
        with (place.run / name).open("r+b") as file:
            file.truncate(2**36)


BOMBS = {
    "yaml: deep": Attack(deep_yaml, MODEL_READERS),
    "yaml: a billion laughs": Attack(billion_laughs, MODEL_READERS),
    "yaml: holds itself": Attack(alias_of_itself, MODEL_READERS),
    "yaml: digits without end": Attack(digits_without_end, MODEL_READERS),
    "json: deep": Attack(deep_json, (*VIEWS, *RERUNS)),
    "npz: packed zeros": Attack(npz_bomb, RERUNS),
    "npz: a huge shape": Attack(npz_of_a_huge_shape, RERUNS),
    "weights: packed zeros": Attack(weights_bomb, (*VIEWS, "reproduce")),
    "weights: without room": Attack(weights_without_room, (*VIEWS, *RERUNS)),
    "checkpoint: laughs": Attack(laughs_in_a_pickle, ("resume",)),
    "model: a billion wide": _model(hidden=[HUGE]),
    "model: three wide layers": _model(hidden=[60_000, 60_000, 60_000]),
    "model: layers without end": Attack(_layers_without_end, MODEL_READERS),
    "model: manual, a billion wide": Attack(_manual, MODEL_READERS),
    "model: repeats": _model(
        _target_="torch.nn.Transformer", d_model=2, nhead=1, num_encoder_layers=HUGE
    ),
    "model: recurrent repeats": _model(
        _target_="torch.nn.LSTM", input_size=2, hidden_size=8, num_layers=HUGE
    ),
    "layers: padding": _layers({"ZeroPad1d": HUGE}, "Linear"),
    "layers: lazy": _layers({"LazyLinear": HUGE}, "Linear"),
    "data: a table with a hole": Attack(table_of_zeros, RERUNS),
    "text: with a hole": Attack(huge_text, (*VIEWS, "plot", *RERUNS)),
}


def unfolded() -> int:
    """How many values the aliases of `LAUGHS` stand for."""
    sizes = [2]
    for _ in range(11):
        sizes.append(10 * sizes[-1])
    return sizes[-1]
