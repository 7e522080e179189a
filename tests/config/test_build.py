"""Objects are built from an allow-list; whatever is not on it is refused before it is imported."""

from pathlib import Path

import pytest
import torch
from torch import nn

from seedbed.components import ALLOW_VARIABLE, AllowList
from seedbed.errors import NotAllowedError
from seedbed.models import CustomMLP
from seedbed.signatures import accepts, called

PACKAGE = """
from pathlib import Path
from subprocess import Popen
from torch import nn

Path("imported").touch()

class Net(nn.Module):
    def __init__(self, width: int, inner: nn.Module | None = None, layers: list = ()):
        super().__init__()
        self.width, self.inner, self.layers = width, inner, layers

class Fussy:
    def __init__(self, width: int):
        raise ValueError(f"{width} is too wide\\nby far")

def build(width): ...
"""


@pytest.fixture
def own_nets(tmp_path: Path, seedbed) -> None:
    """A package `own_nets` in the working directory; `seedbed` forgets it afterwards."""
    (tmp_path / "own_nets").mkdir()
    (tmp_path / "own_nets/__init__.py").write_text("from own_nets.nets import Net\n")
    (tmp_path / "own_nets/nets.py").write_text(PACKAGE)


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("torch.nn.Linear", nn.Linear),
        ("torch.nn.CrossEntropyLoss", nn.CrossEntropyLoss),
        ("torch.optim.AdamW", torch.optim.AdamW),
        ("torch.optim.lr_scheduler.ExponentialLR", torch.optim.lr_scheduler.ExponentialLR),
        ("seedbed.models.CustomMLP", CustomMLP),
    ],
)
def test_shipped_classes_are_found(target: str, found: type) -> None:
    assert AllowList().find(target, "here") is found


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "subprocess.Popen",
        "builtins.eval",
        "torch.load",
        "torch.hub.load",
        "torch.nn.functional.relu",
        "torch.nn.modules.linear.Linear",
        "torch.nn.Parameter",
        "torch.nn.parallel.DistributedDataParallel",
        "torch.nn.Module.__subclasses__",
        "torch.nn.init",
        "torch.optim.lr_scheduler.Counter",
        "seedbed.models.build.build_model",
        "seedbed.components.AllowList",
        "own_nets.Net",
        "Net",
        ".Net",
        "own_nets.",
        "",
    ],
)
def test_everything_else_is_refused_and_not_imported(
    tmp_path: Path, own_nets: None, target: str
) -> None:
    with pytest.raises(NotAllowedError, match=r"^here: ('.*' is not allowed|no class '.*' in)"):
        AllowList().find(target, "here")
    assert not (tmp_path / "imported").exists()


def test_a_refusal_says_how_to_allow_ones_own() -> None:
    with pytest.raises(NotAllowedError, match=r"type 'allow=\[own\]' .* set SEEDBED_ALLOW=own$"):
        AllowList().find("own.nets.Net", "here")


@pytest.mark.parametrize("target", ["os.system", "torch.load"])
def test_a_refusal_does_not_invite_to_allow_what_is_nobodys_own(target: str) -> None:
    with pytest.raises(NotAllowedError) as caught:
        AllowList().find(target, "here")
    assert ALLOW_VARIABLE not in str(caught.value)


@pytest.mark.parametrize("allowed", ["own_nets", "own_nets.nets"])
def test_a_class_of_an_allowed_package_is_found(own_nets: None, allowed: str) -> None:
    assert AllowList([allowed]).find("own_nets.nets.Net", "here").__name__ == "Net"


def test_packages_are_allowed_by_the_environment_too(
    own_nets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ALLOW_VARIABLE, " other , own_nets,")
    assert AllowList(["mine"]).packages == ["mine", "other", "own_nets"]
    assert AllowList().find("own_nets.Net", "here").__name__ == "Net"


@pytest.mark.parametrize("allowed", ["own", "own_net", "own_nets.net", "nets", ""])
def test_a_name_that_only_begins_alike_is_not_allowed(own_nets: None, allowed: str) -> None:
    with pytest.raises(NotAllowedError, match="is not allowed"):
        AllowList([allowed]).find("own_nets.nets.Net", "here")


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("own_nets.nets.Popen", "'own_nets.nets.Popen' comes from subprocess, which is not allow"),
        ("own_nets.nets.Nett", r"no class 'Nett' in own_nets\.nets; did you mean 'Net'\?"),
        ("own_nets.nets.build", r"no class 'build' in own_nets\.nets"),
        ("own_nets.missing.Net", r"cannot import 'own_nets\.missing'"),
    ],
)
def test_allowing_a_package_allows_its_own_classes_only(
    own_nets: None, target: str, problem: str
) -> None:
    with pytest.raises(NotAllowedError, match=problem):
        AllowList(["own_nets"]).find(target, "here")


def test_objects_inside_objects_are_built(own_nets: None) -> None:
    spec = {
        "_target_": "own_nets.Net",
        "width": 3,
        "inner": {"_target_": "torch.nn.Linear", "in_features": 2, "out_features": 1},
        "layers": [{"_target_": "torch.nn.ReLU"}, {"plain": 1}],
    }
    net = AllowList(["own_nets"]).build(spec, "model")
    assert (net.width, net.inner.in_features) == (3, 2)
    assert isinstance(net.layers[0], nn.ReLU)
    assert net.layers[1] == {"plain": 1}


def test_objects_inside_objects_are_held_to_the_list(own_nets: None) -> None:
    spec = {"_target_": "own_nets.Net", "width": 1, "layers": [{"_target_": "os.system"}]}
    with pytest.raises(NotAllowedError, match=r"^model\.layers\[0\]: 'os\.system' is not allowed"):
        AllowList(["own_nets"]).build(spec, "model")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"out_feature": 1}, r"no key 'model\.out_feature': Linear takes .*'out_features'\?"),
        ({"in_features": 1}, r"missing a required argument: 'out_features'; type \+model\.out_fea"),
        ({"in_features": 1, "out_features": "x"}, "model: Linear cannot be built: TypeError"),
    ],
    ids=["unknown", "missing", "wrong"],
)
def test_wrong_arguments_are_reported_by_their_keys(
    arguments: dict[str, object], problem: str
) -> None:
    with pytest.raises(NotAllowedError, match=problem):
        called(nn.Linear, arguments, "model")


def test_what_a_constructor_raises_is_reported_in_one_line(own_nets: None) -> None:
    spec = {"_target_": "own_nets.nets.Fussy", "width": 9}
    with pytest.raises(NotAllowedError) as caught:
        AllowList(["own_nets"]).build(spec, "model")
    assert str(caught.value) == (
        "model: Fussy cannot be built: ValueError: 9 is too wide by far "
        f"({Path('own_nets') / 'nets.py'}, line 15, in __init__)"
    )


@pytest.mark.parametrize("hidden", [[8], [9]])
def test_keys_left_over_by_an_option_of_ours_are_dropped(hidden: list[int]) -> None:
    leftovers = {"hidden": hidden, "activation": "relu", "bias": True}
    layer = called(nn.Linear, {"in_features": 2, "out_features": 1, **leftovers}, "model")
    assert layer.bias is not None
    with pytest.raises(NotAllowedError, match=r"no key 'model\.hiden'"):
        called(nn.Linear, {"in_features": 2, "out_features": 1, "hiden": [9]}, "model")


def test_a_class_with_open_keywords_accepts_every_name() -> None:
    class Open:
        def __init__(self, **rest: object) -> None: ...

    assert accepts(Open, "anything")
    assert accepts(nn.Linear, "bias")
    assert not accepts(nn.Linear, "anything")
