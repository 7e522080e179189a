"""`trainer.compile`: torch's compiler for whole batches, and the run as it would be without it."""

import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.command_line import Command
from support.composing import composed_quickly
from support.ranked_runs import assert_alike, fork_always, on_ranks
from support.resumed_runs import assert_run_goes_on
from support.single_runs import Trained, train

from seedbed.errors import ConfigError
from seedbed.process import torch_compiler
from seedbed.training.compiling import refuse_uncompilable

WINE = ["data=sklearn", "data.dataset=wine", "loader.batch_size=50", "trainer.epochs=3"]
WINE += ["data.split={validation:0.2,test:0.0}", "optimizer=adam", "optimizer.lr=0.01"]
ON = "trainer.compile=recording"

NETS = """
import torch
from torch import nn
class Branch(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.layer, self.seen = nn.Linear(in_features, out_features), []
    def forward(self, x):
        if x.sum().item() > 1e9:
            return x
        return self.layer(x)
class Other(Branch):
    def forward(self, x):
        self.seen.append("s")
        return self.layer(x) * len("".join(self.seen))
class Raising(Branch):
    def forward(self, x):
        if self.training:
            self.seen.append(1)
        if len(self.seen) == 3:
            raise ValueError("no more")
        return self.layer(x)
"""


class Backend:
    """Keeps the operations as torch has them, and how many rows each graph is of."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.fails = ""

    def __call__(self, graph: Any, inputs: list[torch.Tensor]) -> Callable[..., Any]:
        if self.fails:
            raise RuntimeError(self.fails)
        self.rows += [len(one) for one in inputs if one.shape[1:] == (13,) and len(one) != 8]
        made: Callable[..., Any] = graph.forward
        return made


@pytest.fixture
def backend() -> Iterator[Backend]:
    """One that torch finds by the name of `ON`."""
    registry = importlib.import_module("torch._dynamo.backends.registry")
    made = Backend()
    registry.register_backend(made, "recording")
    yield made
    del registry._BACKENDS["recording"], registry._COMPILER_FNS["recording"]


def nets(folder: Path) -> None:
    (folder / "mine.py").write_text(NETS)


def assert_same(one: Trained, other: Trained) -> None:
    assert one.history == other.history
    assert list(one.weights) == list(other.weights)
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())


@pytest.mark.parametrize(
    "words",
    [
        [
            *("model.batch_norm=true", "model.dropout=0.2", "trainer.gradient_clip=0.1"),
            *("trainer.log_graph=true", "trainer.profile='2 steps'"),
        ],
        [
            *("trainer.accumulate=2", "trainer.select=ema", "trainer.log_gradients=true"),
            "trainer.precision=bfloat16",
        ],
    ],
    ids=["drawing at random", "accumulated"],
)
def test_a_run_is_what_it_would_be_and_whole_batches_alone_are_compiled(
    tmp_path: Path, backend: Backend, words: list[str]
) -> None:
    """142 rows: two batches of 50, and one of 42 that goes through the model as it is."""
    run = train(tmp_path / "on", *WINE, *words, ON)
    assert backend.rows == [50]
    assert_same(run, train(tmp_path / "off", *WINE, *words))
    assert "forward" not in vars(run.plan.model)
    checkpoint = torch.load(run.directory.last, weights_only=True)
    assert not [name for name in checkpoint["model"] if "_orig_mod" in name]


def try_no_instructions_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch compiles a program for each set the processor has, and takes the first that works."""
    sets = importlib.import_module("torch._inductor.cpu_vec_isa")
    has = sets.x86_isa_checker()
    there = [one for one in sets.supported_vec_isa_list if set(str(one).split()) <= set(has)]
    monkeypatch.setattr(sets, "supported_vec_isa_list", there[:1])


def test_cpp_is_written_and_comes_to_the_same_bits_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From what the first one left, and after a stop; to torch's numbers, within rounding."""
    try_no_instructions_in_vain(monkeypatch)
    words = ["loader.batch_size=2", "trainer.epochs=2"]
    one, other = (train(tmp_path / name, *words, "trainer.compile=true") for name in "ab")
    assert_same(one, other)
    assert list(Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]).rglob("*.cpp"))
    assert_alike(one, train(tmp_path / "c", *words))
    assert_run_goes_on(composed_quickly([*words, "trainer.compile=true"]).config, 3)


def test_times_leave_out_what_compiling_took(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(self: Any, _: object) -> None:
        self.seconds += 5000.0

    monkeypatch.setattr(torch_compiler.Compiler, "_end", end)
    run = train(tmp_path / "r", *WINE, ON, "trainer.epochs=1")
    assert run.result["seconds"] < -4000


def test_a_run_that_was_stopped_goes_on_to_the_bit(backend: Backend) -> None:
    """Before the last batch of an epoch, which comes first then."""
    words = [*WINE, ON, "model.dropout=0.3", "model.batch_norm=true"]
    assert_run_goes_on(composed_quickly(words).config, 5)


def test_ranks_compile_their_shares(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork_always(monkeypatch)
    ranked = on_ranks(tmp_path / "r", 2, *WINE, ON)
    assert backend.rows == [25]
    assert_alike(ranked, train(tmp_path / "one", *WINE))


def test_a_model_that_torch_takes_apart_says_so(
    seedbed: Command, tmp_path: Path, backend: Backend
) -> None:
    nets(tmp_path)
    done = seedbed("train", *WINE, ON, "model._target_=mine.Branch", "allow=[mine]")
    assert done.code == 0, done.err
    assert "note: trainer.compile: the first step waits for torch's compiler" in done.out
    assert "note: trainer.compile: compiling took " in done.out
    assert "changed in training" not in done.out
    assert "the model is compiled in 2 parts, as torch says: Unsupported Tensor.item()" in done.out
    assert done.err == ""


def test_what_the_model_raises_is_told_as_ever(
    seedbed: Command, tmp_path: Path, backend: Backend
) -> None:
    nets(tmp_path)
    done = seedbed("train", *WINE, ON, "model._target_=mine.Raising", "allow=[mine]")
    assert done.code == 1
    assert done.errors[0].startswith("error: ValueError: no more (mine.py, line 21, in forward);")


def test_a_model_that_is_another_at_each_step_is_refused_by_its_line(
    seedbed: Command, tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torch would leave it alone after a while, without a word."""
    nets(tmp_path)
    monkeypatch.setattr(torch_compiler, "MOST_TIMES", 3)
    words = ["model._target_=mine.Other", "allow=[mine]", "trainer.epochs=4"]
    done = seedbed("train", *WINE, ON, *words, "hydra.run.dir=r")
    assert done.code == 1
    (error,) = done.errors
    told = "torch cannot compile the model (mine.py, line 13, in forward): it changes in each step"
    assert told in error
    assert error.endswith("type trainer.compile=false")


def test_what_the_compiler_raises_is_one_line(
    seedbed: Command, tmp_path: Path, backend: Backend
) -> None:
    backend.fails = "no such operation"
    done = seedbed("train", *WINE, ON, "hydra.run.dir=r")
    assert done.code == 1
    (error,) = done.errors
    assert error.startswith("error: trainer.compile=true: torch cannot compile the model")
    assert "no such operation" in error


REFUSED = [
    ([*WINE, "trainer.detect_anomaly=true"], "of which a compiled model has none"),
    (
        [*WINE, "trainer.strategy=ddp", "trainer.devices=2", "model.batch_norm=true"],
        "batch normalisation over the rows of all ranks is not compiled",
    ),
    ([*WINE, "trainer.strategy=fsdp", "trainer.devices=2"], "weights lie on many ranks"),
    (["-m", "seed=1,2", "sweep.fuse=always"], "sweep.compile compiles stacks"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=["anomaly", "ranks", "shards", "sweep"])
def test_what_cannot_be_compiled_is_refused(seedbed: Command, words: list[str], told: str) -> None:
    done = seedbed("validate" if "-m" not in words else "train", *words, "trainer.compile=true")
    assert done.code == 2
    assert any(told in error for error in done.errors)


def test_a_model_that_is_compiled_already_is_left_alone() -> None:
    config, cpu = composed_quickly([ON]).config, torch.device("cpu")
    layer = torch.nn.Linear(1, 1)
    compiled = torch.compile(layer, backend="eager")
    with pytest.raises(ConfigError, match="torch compiled the model already"):
        refuse_uncompilable(config, cpu, compiled, 1)


def test_rows_of_unequal_length_are_not_compiled() -> None:
    config = composed_quickly([ON]).config
    padded = replace(config, loader=replace(config.loader, collate="pad"))
    with pytest.raises(ConfigError, match=r"each length of loader\.collate=pad anew"):
        refuse_uncompilable(padded, torch.device("cpu"), None, 1)


def test_a_backend_that_torch_has_not_is_named(seedbed: Command) -> None:
    done = seedbed("validate", "trainer.compile=aot_eage")
    assert done.code == 2
    (error,) = done.errors
    assert "trainer.compile: torch has no backend 'aot_eage' here; type true, or one of" in error
    assert error.endswith("did you mean 'aot_eager'?")


def test_jobs_of_a_sweep_run_one_by_one(seedbed: Command, backend: Backend) -> None:
    done = seedbed("train", "-m", *WINE, ON, "seed=1,2", "trainer.epochs=1", "sweep.workers=0")
    assert done.code == 0, done.err
    told = "trainer.compile is for a run on its own; sweep.compile compiles stacks"
    assert told in done.out
    assert backend.rows == [50, 50]


def test_a_machine_without_a_compiler_is_told_before_anything(
    seedbed: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> str:
        done = seedbed("train", "trainer.compile=true", "hydra.run.dir=r")
        assert (done.code, (tmp_path / "r").exists()) == (2, False)
        (error,) = done.errors
        assert error.endswith("; or type trainer.compile=false")
        return error

    with monkeypatch.context() as patch:
        patch.setattr("sysconfig.get_path", lambda name: str(tmp_path / name))
        assert f"the headers of Python are not in {tmp_path / 'include'}" in told()
        patch.setenv("CXX", "false")
        assert "the C++ compiler false fails; name another by CXX" in told()
        patch.setenv("CXX", "nothing-like-it -O2")
        assert "CXX=nothing-like-it -O2 is no program" in told()
        patch.delenv("CXX")
        patch.setenv("PATH", str(tmp_path))
        assert "there is no C++ compiler: no 'g++' on PATH; install g++" in told()


def test_settings_of_the_compiler_are_put_back(tmp_path: Path, backend: Backend) -> None:
    importlib.import_module("torch._dynamo")
    config = importlib.import_module("torch._dynamo.config")
    before = config.recompile_limit, config.fail_on_recompile_limit_hit
    train(tmp_path / "r", *WINE, ON, "trainer.epochs=1")
    assert (config.recompile_limit, config.fail_on_recompile_limit_hit) == before
