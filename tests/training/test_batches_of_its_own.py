"""A model or a loss that writes into its batch changes no stored row, and no later batch.

The oracle is a twin that computes the same without writing: all that a run leaves has to be equal,
to the bit.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pytest
import torch
from support.command_line import Command
from support.loaders import loader_config
from support.single_runs import Trained, prepared, same_weights, train
from support.stacked_runs import planned, variants, write_module
from torch.utils.data import TensorDataset
from training.test_resume import resumed, stopped

from seedbed.config.locations import own_conf
from seedbed.data.batches import (
    Batches,
    LoaderBatches,
    TensorBatches,
    evaluation_batches,
    training_batches,
)
from seedbed.data.gathered import BatchSpec
from seedbed.fused.stackable import WRITES_INTO_BATCH, vmap_blocker
from seedbed.fused.tracing import recorded
from seedbed.training.run_components import RunComponents
from seedbed.views.layers import layer_values, output, returned_hidden
from seedbed.views.predict import model_outputs
from seedbed.views.trained import load_trained

CPU = torch.device("cpu")

WRITERS = '''
import torch
from torch import nn
from torch.utils.data import Dataset


class Twin(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.head = nn.Linear(in_features, out_features)

    def forward(self, x):
        return self.head(x * 2)


class Changer(Twin):
    def forward(self, x):
        x *= 2
        return self.head(x)


class Learner(nn.Module):
    """Puts a learnt number into its input, so that the input gets a history."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.head = nn.Linear(in_features, out_features)
        self.first = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        x[:, 0] = self.first
        return self.head(x)


class LearningTwin(Learner):
    def forward(self, x):
        return super().forward(x.clone())


class Reuser(Twin):
    """Answers in evaluation in the same memory each time."""

    def forward(self, x):
        answer = super().forward(x)
        if self.training:
            return answer
        if not hasattr(self, "memory"):
            self.memory = torch.empty(5000, answer.shape[1])
        self.memory[: len(x)] = answer
        return self.memory[: len(x)]


class WritingLoss(nn.Module):
    def forward(self, output, y):
        y -= output.detach()
        loss = (output - output.detach() - y).square().mean()
        if not output.requires_grad:
            output.zero_()
        return loss


class PlainLoss(nn.Module):
    def forward(self, output, y):
        return (output - y).square().mean()


class Rows(Dataset):
    """Hands out views of its own memory."""

    def __init__(self, rows=20):
        generator = torch.Generator().manual_seed(rows)
        self.x = torch.randn(rows, 3, generator=generator)
        self.y = self.x.sum(dim=1)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]
'''

DIABETES = ["data=sklearn", "data.dataset=diabetes", "loader.batch_size=100", "trainer.epochs=3"]
LOADERS = {
    "shuffled": [],
    "full batch": ["loader=full_batch"],
    "full batch, shuffled": ["loader=full_batch", "loader.shuffle=true"],
    "in order": ["loader.shuffle=false"],
    "drop_last": ["loader.drop_last=true"],
    "batch of all rows": ["loader.batch_size=100000"],
    "workers": ["loader.num_workers=1"],
}


@pytest.fixture(autouse=True)
def _writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_module(tmp_path, "writers", WRITERS, monkeypatch)


def mine(model: str, loss: str | None = None) -> list[str]:
    words = [f"model._target_=writers.{model}", "allow=[writers]"]
    return words + ([f"loss._target_=writers.{loss}"] if loss else [])


def tensors_of(plan: RunComponents) -> Iterator[torch.Tensor]:
    for part in (plan.data.train, plan.data.validation, plan.data.test):
        if isinstance(part, TensorDataset):
            yield from part.tensors
    for batches in (plan.train, *plan.splits.values()):
        if isinstance(batches, TensorBatches):
            yield from (batches.x, batches.y)


def checksum(plan: RunComponents) -> str:
    digest = sha256()
    for tensor in tensors_of(plan):
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def assert_same_runs(one: Trained, other: Trained) -> None:
    assert one.history == other.history
    assert one.result["metrics"] == other.result["metrics"]
    assert same_weights(one.weights, other.weights)


class TestBatches:
    ROWS = 11

    def rows(self) -> TensorDataset:
        return TensorDataset(
            torch.arange(self.ROWS * 3.0).reshape(self.ROWS, 3), torch.arange(self.ROWS)
        )

    def spoil(self, batches: Batches, epoch: int, start: int) -> list[tuple[list, list]]:
        seen = []
        for x, y in batches.epoch(epoch, start):
            seen.append((x.tolist(), y.tolist()))
            x.fill_(-1)
            y.fill_(-1)
        return seen

    @pytest.mark.parametrize("kind", [TensorBatches, LoaderBatches])
    @pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
    @pytest.mark.parametrize(
        ("size", "drop_last"),
        [*((size, False) for size in (None, 1, 4, 11, 100)), (None, True), (4, True)],
    )
    def test_what_is_written_into_one_is_in_no_other(
        self, kind: type, shuffle: bool, size: int | None, drop_last: bool
    ) -> None:
        loader = loader_config(size, shuffle=shuffle, drop_last=drop_last)
        data, asked = self.rows(), [(0, 0), (0, 0), (1, 0), (1, 1), (1, 0), (70, 0), (2, 0)]
        spec = BatchSpec(loader, 0, CPU)
        spoiled, fresh = kind(data, spec), kind(self.rows(), spec)
        for epoch, start in asked:
            expected = [(x.tolist(), y.tolist()) for x, y in fresh.epoch(epoch, start)]
            assert self.spoil(spoiled, epoch, start) == expected
        assert all(map(torch.equal, data.tensors, self.rows().tensors))

    @pytest.mark.parametrize("size", [None, 1, 4, 11])
    def test_evaluation_s_neither(self, size: int | None) -> None:
        data = self.rows()
        batches = evaluation_batches(data, loader_config(size), 0, CPU)
        assert self.spoil(batches, 0, 0) == self.spoil(batches, 0, 0)
        assert all(map(torch.equal, data.tensors, self.rows().tensors))

    @pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
    def test_batches_have_no_history_in_common(self, shuffle: bool) -> None:
        loader = loader_config(4, shuffle=shuffle)
        learnt = torch.zeros((), requires_grad=True)
        versions = []
        for x, _ in islice(training_batches(self.rows(), loader, 0, CPU).epoch(0), 2):
            assert not x.requires_grad
            versions.append(x._version)
            x[:, 0] = learnt  # refused by autograd where batches are parts of one split
            x.sum().backward()
        assert versions == [0, 0]


@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS)
def test_a_model_that_writes_into_its_input_trains_as_its_twin(
    tmp_path: Path, loader: list[str]
) -> None:
    runs = [
        train(tmp_path / name, *DIABETES, *loader, *mine(name, "PlainLoss"))
        for name in ("Changer", "Twin")
    ]
    assert_same_runs(*runs)
    assert checksum(runs[0].plan) == checksum(prepared(*DIABETES, *loader, *mine("Twin"))[1])


@pytest.mark.parametrize("loader", ["minibatch", "full_batch"])
@pytest.mark.parametrize(
    ("model", "twin", "loss"),
    [
        ("Learner", "LearningTwin", "PlainLoss"),
        ("Reuser", "Twin", "PlainLoss"),
        ("Changer", "Twin", "WritingLoss"),
    ],
    ids=["input with a history", "output in memory used again", "loss"],
)
def test_other_ways_of_writing_change_nothing_either(
    tmp_path: Path, model: str, twin: str, loss: str, loader: str
) -> None:
    words = [*DIABETES, f"loader={loader}"]
    one = train(tmp_path / "one", *words, *mine(model, loss))
    other = train(tmp_path / "other", *words, *mine(twin, "PlainLoss"))
    assert_same_runs(one, other)


def test_dropout_in_place_is_dropout(tmp_path: Path) -> None:
    def words(inplace: str) -> list[str]:
        layers = f"model.layers=[{{Dropout: [0.2, {inplace}]}}, {{Linear: 8}}, ReLU, Linear]"
        return [*DIABETES, "loader=full_batch", "model=sequential", layers]

    assert_same_runs(*(train(tmp_path / one, *words(one)) for one in ("true", "false")))


def test_a_dataset_s_own_memory_stays_as_it_is(tmp_path: Path) -> None:
    data = ["data=dataset", "data.train={_target_: writers.Rows}", "loader.batch_size=1"]
    data += ["data.validation={_target_: writers.Rows, rows: 7}", "trainer.epochs=3"]
    runs = [train(tmp_path / name, *data, *mine(name)) for name in ("Changer", "Twin")]
    assert_same_runs(*runs)


def test_a_run_goes_on_in_the_middle_of_an_epoch_as_its_twin(tmp_path: Path) -> None:
    words = [*DIABETES, *mine("Changer")]
    whole = train(tmp_path / "whole", *DIABETES, *mine("Twin"))
    first = stopped(tmp_path / "run", words, after=1)
    assert first.result["steps"] % 4, "it stopped between two epochs, not within one"
    assert_same_runs(resumed(first.directory, words), whole)


@pytest.mark.parametrize("loader", ["minibatch", "full_batch"])
def test_jobs_of_a_sweep_that_write_into_their_input_equal_their_twins(
    tmp_path: Path, seedbed: Command, loader: str
) -> None:
    jobs = [*DIABETES, f"loader={loader}", "loss._target_=writers.PlainLoss", "seed=0,1"]
    words = [*jobs, "allow=[writers]", "sweep.fuse=auto"]
    changed, twin = (
        seedbed("train", "-m", *words, f"model._target_=writers.{one}")
        for one in ("Changer", "Twin")
    )
    assert changed.code == twin.code == 0, changed.err + twin.err
    assert metrics_of(changed.sweep) == pytest.approx(metrics_of(twin.sweep), rel=1e-4)


def metrics_of(sweep: Path) -> dict[str, float]:
    results = [json.loads(path.read_text()) for path in sorted(sweep.glob("*/result.json"))]
    assert len(results) == 2
    return {f"{at} {k}": v for at, one in enumerate(results) for k, v in one["metrics"].items()}


@pytest.mark.parametrize("layer", ["{ELU: [1.0, true]}", "{Hardtanh: [-0.05, 0.05, true]}"])
def test_a_model_that_writes_into_its_input_is_not_stacked(layer: str) -> None:
    words = [*DIABETES, "model=sequential", f"model.layers=[{layer}, {{Linear: 8}}, Linear]"]
    plan = planned(variants(words, [{}, {}], seeds=True))
    assert vmap_blocker(plan) == WRITES_INTO_BATCH


def test_writing_a_step_out_leaves_its_arguments_as_they_are() -> None:
    x = torch.randn(3, 4).expand(2, 3, 4)
    rows = torch.randn(2, 5)[:, 1:]
    before = [x.clone(), rows.clone()]
    recorded(lambda a, b: [torch.relu_(b).sum() + a.sum()], [x, rows])
    assert torch.equal(x, before[0])
    assert torch.equal(rows, before[1])


def test_views_leave_the_rows_that_they_were_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_ALLOW", "writers")
    run = train(tmp_path / "run", *DIABETES, *mine("Changer"))
    trained = load_trained(run.directory.root)
    rows = run.plan.data.test.tensors[0].numpy().copy()
    before = rows.copy()
    first, again = model_outputs(trained, rows), model_outputs(trained, rows)
    assert torch.equal(first, again)
    inputs = torch.from_numpy(rows)
    assert torch.equal(layer_values(trained, inputs)["head"], first)
    returned_hidden(trained, inputs)
    assert torch.equal(output(trained, inputs), first)
    assert (rows == before).all()


@pytest.mark.parametrize(
    "experiment", sorted(path.stem for path in (own_conf() / "experiment").glob("*.yaml"))
)
def test_an_experiment_leaves_its_rows_as_they_were(tmp_path: Path, experiment: str) -> None:
    words = [f"experiment={experiment}", "trainer.epochs=2", "scheduler=none"]
    if experiment == "table":
        lines = [f"{n},{'ab'[n % 2]},{n}" for n in range(40)]
        (tmp_path / "table.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")
        words += ["data.path=table.csv", "data.target=y"]
    before = checksum(prepared(*words)[1])
    run = train(tmp_path / "run", *words)
    assert checksum(run.plan) == before
    train_x = next(tensors_of(run.plan))
    model_outputs(load_trained(run.directory.root), train_x.numpy())
    assert checksum(run.plan) == before
