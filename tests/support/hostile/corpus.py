"""Attacks by the content of a run directory: each takes a good copy and makes it hostile."""

import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

READERS = ("predict", "evaluate", "inspect", "summary", "plot", "reproduce", "resume")
MODEL_READERS = ("predict", "evaluate", "inspect", "summary", "reproduce", "resume")
RERUNS = ("reproduce", "resume")
VIEWS = ("predict", "evaluate", "inspect", "summary")


@dataclass(frozen=True)
class Place:
    """Where an attack happens.

    Args:
        run: the copy that becomes hostile.
        outside: a folder beside it, with `precious` in it, that has to stay as it is.
        canary: a file that payloads make if they are executed.
    """

    run: Path
    outside: Path
    canary: Path

    @property
    def precious(self) -> Path:
        return self.outside / "precious"

    def config(self, change: Callable[[dict[str, Any]], Any]) -> None:
        path = self.run / "config.yaml"
        config = yaml.safe_load(path.read_text())
        change(config)
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    def json(self, name: str, change: Callable[[dict[str, Any]], Any]) -> None:
        path = self.run / name
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    def checkpoint(self, change: Callable[[dict[str, Any]], Any]) -> None:
        path = self.run / "checkpoints/last.pt"
        content = torch.load(path, weights_only=True)
        change(content)
        torch.save(content, path)

    def touch(self) -> list[str]:
        return ["touch", str(self.canary)]


@dataclass(frozen=True)
class Attack:
    """Something hostile, and who has to refuse it (the others may)."""

    make: Callable[[Place], None]
    refused_by: tuple[str, ...] = ()


ATTACKS: dict[str, Attack] = {}


def attack(refused_by: tuple[str, ...] = ()) -> Callable[[Callable[[Place], None]], Any]:
    def registered(make: Callable[[Place], None]) -> Callable[[Place], None]:
        ATTACKS[make.__name__.replace("_", "-")] = Attack(make, refused_by)
        return make

    return registered


class Payload:
    """Makes the canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.canary,)


def write_package(folder: Path, name: str, canary: Path) -> None:
    """A package that makes the canary when it is imported."""
    (folder / name).mkdir()
    code = f"from pathlib import Path\nPath({str(canary)!r}).touch()\n"
    net = "from torch import nn\nclass Net(nn.Linear):\n    pass\n"
    (folder / name / "__init__.py").write_text(code + (net if name == "evil" else ""))


# Names of what is to be built


def popen(place: Place) -> dict[str, Any]:
    return {"_target_": "subprocess.Popen", "args": place.touch()}


@attack(MODEL_READERS)
def target_of_the_model(place: Place) -> None:
    place.config(lambda config: config.update(model=popen(place)))


@attack(MODEL_READERS)
def target_of_the_loss(place: Place) -> None:
    place.config(lambda config: config.update(loss=popen(place)))


@attack(RERUNS)
def target_of_the_optimizer(place: Place) -> None:
    place.config(lambda config: config.update(optimizer=popen(place)))


@attack(RERUNS)
def target_of_the_scheduler(place: Place) -> None:
    place.config(lambda config: config.update(scheduler=popen(place)))


@attack(RERUNS)
def target_of_a_dataset(place: Place) -> None:
    data = {"name": "x", "source": "dataset", "task": "auto", "validation": None, "test": None}
    data |= {"split": {"validation": 0, "test": 0, "stratify": False}, "classes": None}
    place.config(lambda config: config.update(data={**data, "train": popen(place)}))


@attack(MODEL_READERS)
def target_of_a_layer(place: Place) -> None:
    model = {"_target_": "seedbed.models.SequentialMLP", "layers": [popen(place), "Linear"]}
    place.config(lambda config: config["model"].update(model))


@attack(MODEL_READERS)
def target_below_an_allowed_class(place: Place) -> None:
    model = {"_target_": "torch.nn.Identity", "deep": [{"er": popen(place)}]}
    place.config(lambda config: config.update(model=model))


@attack(MODEL_READERS)
def target_by_an_anchor(place: Place) -> None:
    path = place.run / "config.yaml"
    config = yaml.safe_load(path.read_text())
    evil = f"evil: &evil {json.dumps(popen(place))}\n"
    del config["model"], config["loss"]
    path.write_text(f"{evil}model: *evil\nloss:\n  <<: *evil\n{yaml.safe_dump(config)}")


@attack(MODEL_READERS)
def target_made_partial(place: Place) -> None:
    place.config(lambda config: config["model"].update(_partial_=True, _args_=[popen(place)]))


@attack(MODEL_READERS)
def target_through_a_module_of_torch(place: Place) -> None:
    model = {"_target_": "torch.nn.modules.module.warnings.sys.modules", "f": str(place.canary)}
    place.config(lambda config: config.update(model=model))


@attack(MODEL_READERS)
def target_that_loads_a_pickle(place: Place) -> None:
    (place.run / "evil.pkl").write_bytes(pickle.dumps(Payload(place.canary)))
    model = {"_target_": "torch.load", "f": str(place.run / "evil.pkl"), "weights_only": False}
    place.config(lambda config: config.update(model=model))


@attack(RERUNS)
def interpolation_of_a_secret(place: Place) -> None:
    place.config(lambda config: config.update(name="${oc.env:SEEDBED_SECRET}"))


@attack(MODEL_READERS)
def interpolation_in_a_target(place: Place) -> None:
    place.config(lambda config: config["model"].update(activation="${oc.env:SEEDBED_SECRET}"))


@attack(MODEL_READERS)
def allow_in_the_config(place: Place) -> None:
    write_package(place.run, "evil", place.canary)
    write_package(place.outside.parent, "evil", place.canary)
    place.config(lambda config: config.update(allow=["evil"], model={"_target_": "evil.Net"}))


@attack(MODEL_READERS)
def allow_in_hydras_files(place: Place) -> None:
    allow_in_the_config(place)
    (place.run / ".hydra").mkdir(exist_ok=True)
    (place.run / ".hydra/config.yaml").write_text("allow: [evil]\n")
    (place.run / ".hydra/overrides.yaml").write_text("- allow=[evil]\n")
    (place.run / ".hydra/config.pickle").write_bytes(pickle.dumps(Payload(place.canary)))


@attack(MODEL_READERS)
def allow_in_a_conf_of_the_run(place: Place) -> None:
    allow_in_the_config(place)
    (place.run / "conf").mkdir()
    (place.run / "conf/config.yaml").write_text("allow: [evil]\n")


@attack()
def packages_that_shadow(place: Place) -> None:
    for name in ("seedbed", "torch", "numpy", "yaml", "sitecustomize", "hydra_plugins"):
        write_package(place.run, name, place.canary)


@attack(RERUNS)
def hydras_own_keys(place: Place) -> None:
    hydra = {"run": {"dir": str(place.outside)}, "launcher": popen(place)}
    place.config(lambda config: config.update(hydra=hydra))


@attack(MODEL_READERS)
def yaml_tag_that_calls(place: Place) -> None:
    with (place.run / "config.yaml").open("a") as file:
        file.write(f"evil: !!python/object/apply:subprocess.call [{place.touch()}]\n")


@attack(MODEL_READERS)
def yaml_tags_that_do_not_fit(place: Place) -> None:
    with (place.run / "config.yaml").open("a") as file:
        file.write("evil: [!!int x, !!timestamp y, !!bool z]\n")


# Pickles


@attack(VIEWS + RERUNS)
def pickle_for_weights(place: Place) -> None:
    for name in ("model.pth", "checkpoints/last.pt", "checkpoints/best.pt"):
        (place.run / name).write_bytes(pickle.dumps(Payload(place.canary)))


@attack(VIEWS + RERUNS)
def pickle_in_torchs_archive(place: Place) -> None:
    for name in ("model.pth", "checkpoints/last.pt", "checkpoints/best.pt"):
        torch.save({"model": Payload(place.canary)}, place.run / name)


@attack(RERUNS)
def pickle_in_an_npz(place: Place) -> None:
    array = np.array([Payload(place.canary)], dtype=object)
    np.savez(place.run / "rows.npz", x=array, y=np.zeros(1))
    data_of_file(place, "npz", place.run / "rows.npz")


CONF = Path(__file__).parents[3] / "conf"


def data_of_file(place: Place, source: str, path: Path) -> None:
    """Nothing but the file itself is to be refused: the other keys are those of a good config."""
    shipped = yaml.safe_load((CONF / "data" / f"{source}.yaml").read_text())
    shipped.pop("defaults", None)
    named = {"path": str(path), "target": "y"}
    split = {"split": {**shipped["split"], "validation": 0.0, "test": 0.0}}
    place.config(lambda config: config.update(data={**shipped, **named, **split}))


@attack(RERUNS)
def data_from_a_device(place: Place) -> None:
    data_of_file(place, "csv", Path("/dev/zero"))


@attack(RERUNS)
def data_that_climbs_out(place: Place) -> None:
    data_of_file(place, "csv", place.run / "../outside/precious")


@attack(RERUNS)
def data_whose_names_are_escapes(place: Place) -> None:
    (place.run / "rows.csv").write_text("\x1b]0;owned\x07,y\n1,2\n3,4\n")
    data_of_file(place, "csv", place.run / "rows.csv")


# Escapes for the terminal

ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m"


@attack(())
def escapes_in_names_of_columns(place: Place) -> None:
    place.json("preprocessing.json", lambda plain: plain["features"][0].update(name=ESCAPE))


@attack(())
def escapes_in_names_of_classes(place: Place) -> None:
    named = {"task": "binary", "classes": [ESCAPE, f"{ESCAPE}2"]}
    place.json("preprocessing.json", lambda plain: plain.update(named))
    place.config(lambda config: config.update(loss={"_target_": "torch.nn.BCEWithLogitsLoss"}))


@attack(MODEL_READERS)
def escapes_in_the_config(place: Place) -> None:
    place.config(lambda config: config["model"].update({ESCAPE: 1}))


@attack(VIEWS)
def escapes_in_names_of_weights(place: Place) -> None:
    torch.save({ESCAPE: torch.zeros(2)}, place.run / "model.pth")


@attack(RERUNS)
def escapes_in_the_status(place: Place) -> None:
    place.json("status.json", lambda status: status.update(status=ESCAPE, error=ESCAPE))


@attack(())
def escapes_in_the_environment(place: Place) -> None:
    place.json("environment.json", lambda told: told.update(python=ESCAPE, machine={ESCAPE: 1}))


@attack(("plot",))
def escapes_in_the_history(place: Place) -> None:
    (place.run / "history.csv").write_text(f"epoch,train/loss\n{ESCAPE},{ESCAPE}\n")


@attack(READERS)
def escapes_in_the_name_of_the_run(place: Place) -> None:
    # The run is looked for under this name by the test.
    place.run.rename(place.run.with_name(f"run{ESCAPE}"))


# Wrong types

WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "features a number": ("preprocessing.json", {"features": 5}),
    "features of numbers": ("preprocessing.json", {"features": [1, 2]}),
    "shape a text": ("preprocessing.json", {"input_shape": "ab"}),
    "shape huge": ("preprocessing.json", {"features": [], "input_shape": [10**12]}),
    "shape below nothing": ("preprocessing.json", {"features": [], "input_shape": [-1, -2]}),
    "outputs a list": ("preprocessing.json", {"outputs": [[]]}),
    "outputs huge": ("preprocessing.json", {"outputs": 10**15}),
    "task a list": ("preprocessing.json", {"task": ["regression"]}),
    "target empty": ("preprocessing.json", {"target": []}),
    "classes a mapping": ("preprocessing.json", {"classes": {"a": 1}}),
    "scale of texts": ("preprocessing.json", {"target_mean": ["x"], "target_scale": ["y"]}),
    "further keys": ("preprocessing.json", {"__class__": "os"}),
}


def _wrong(file: str, change: dict[str, Any]) -> Callable[[Place], None]:
    return lambda place: place.json(file, lambda plain: plain.update(change))


for name, (file, change) in WRONG.items():
    ATTACKS[f"preprocessing: {name}"] = Attack(_wrong(file, change), VIEWS)
for name, change in {
    "status a list": {"status": []},
    "status unknown": {"status": "sleeping"},
}.items():
    ATTACKS[name] = Attack(_wrong("status.json", change), RERUNS)
for name, change in {
    "data a number": {"data": 5},
    "files a list": {"data": {"files": [1]}},
}.items():
    ATTACKS[f"environment: {name}"] = Attack(_wrong("environment.json", change), RERUNS)
ATTACKS["environment: threads a billion"] = Attack(
    _wrong("environment.json", {"threads": 10**9}), ()
)
ATTACKS["result: metrics a list"] = Attack(_wrong("result.json", {"metrics": []}), ("reproduce",))


@attack(VIEWS)
def json_that_is_a_list(place: Place) -> None:
    for name in ("preprocessing", "status", "environment", "result"):
        (place.run / f"{name}.json").write_text("[NaN, Infinity]")


@attack(())
def json_of_nan_and_infinity(place: Place) -> None:
    mean = {"mean": float("nan"), "scale": float("inf")}
    place.json("preprocessing.json", lambda plain: plain["features"][0].update(mean))
    place.json("result.json", lambda result: result["metrics"].update({"train/loss": float("inf")}))


@attack(())
def history_of_nan_and_infinity(place: Place) -> None:
    (place.run / "history.csv").write_text("epoch,step,train/loss\ninf,nan,1e999\nnan,-inf,nan\n")


@attack(("plot",))
def history_of_one_cell(place: Place) -> None:
    (place.run / "history.csv").write_text("epoch\n" + "9" * 200_000 + ",1,2\n")


STATES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "epoch a text": lambda last: last["state"].update(epoch="x"),
    "epoch below nothing": lambda last: last["state"].update(epoch=-1, history=[]),
    "history of texts": lambda last: last["state"].update(history=["x", "y"]),
    "best a list": lambda last: last["state"].update(best=[1]),
    "state a list": lambda last: last.update(state=[1, 2]),
    "no state": lambda last: last.pop("state"),
    "further attributes": lambda last: last["state"].update(close_epoch=1),
    "optimizer a number": lambda last: last.update(optimizer=3),
    "optimizer of nothing": lambda last: last["optimizer"].update(param_groups=[]),
    "random numbers a text": lambda last: last.update(random={"cpu": "x"}),
    "random numbers short": lambda last: last.update(random={"cpu": torch.zeros(3).byte()}),
    "events a text": lambda last: last.update(events="x"),
    "events below nothing": lambda last: last.update(events=-(10**9)),
    "model a list": lambda last: last.update(model=[1]),
    "weights that are texts": lambda last: last["model"].update(dict.fromkeys(last["model"], "x")),
    "a class for a value": lambda last: last.update(scaler=torch.nn.Parameter),
}


def _state(change: Callable[[dict[str, Any]], Any]) -> Callable[[Place], None]:
    return lambda place: place.checkpoint(change)


for name, state in STATES.items():
    ATTACKS[f"checkpoint: {name}"] = Attack(_state(state), ("resume",))


@attack(())
def events_of_a_terabyte(place: Place) -> None:
    place.checkpoint(lambda last: last.update(events=10**12))


@attack(("resume",))
def scheduler_with_attributes(place: Place) -> None:
    place.config(lambda config: config.update(scheduler=step_schedule()))
    place.checkpoint(lambda last: last.update(scheduler={"step": 1, "optimizer": None}))


def step_schedule() -> dict[str, Any]:
    return {"_target_": "torch.optim.lr_scheduler.StepLR", "step_size": 2, "gamma": 0.5}


@attack(RERUNS)
def threads_by_the_billion(place: Place) -> None:
    place.config(lambda config: config["trainer"].update(threads=10**9))


@attack(RERUNS)
def workers_by_the_million(place: Place) -> None:
    place.config(lambda config: config["loader"].update(num_workers=10**6))


@attack(RERUNS)
def devices_by_the_billion(place: Place) -> None:
    place.config(lambda config: config["trainer"].update(device=f"cuda:{10**9}"))


def is_zip_bomb(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return sum(member.file_size for member in archive.infolist()) > 100 * path.stat().st_size
