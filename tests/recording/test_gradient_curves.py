"""Curves of gradients and updates: torch's own norms, at the steps that are logged."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from support.command_line import Command
from support.compiled_stacks import by
from support.composing import composed_quickly
from support.ranked_runs import fork_always
from support.single_runs import prepared, train
from support.stacked_runs import Kept, planned, variants
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.nn.utils import clip_grad_norm_, get_total_norm

from seedbed.recording import gradient_points
from seedbed.recording.event_files import EventFiles
from seedbed.recording.gradient_points import ALL, GRADIENT, RATIO, GradientPoints
from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.accumulation import shares
from seedbed.training.interval import Interval
from seedbed.training.recorder import NullRecorder
from seedbed.training.single import single_training
from seedbed.training.step_norms import StepNorms, gradients_of, norms_of
from seedbed.training.training import Training

WINE = ["data=sklearn", "data.dataset=wine", "data.split={validation:0.2,test:0.0,seed:0}"]
WINE += ["loader.batch_size=32", "optimizer=adam", "optimizer.lr=0.01", "trainer.epochs=3"]
ON = "trainer.log_gradients=true"
Points = dict[int, float]


def curves(run: Path) -> dict[str, Points]:
    """What TensorBoard reads of a run: each curve, by step."""
    events = EventAccumulator(str(run), size_guidance={"scalars": 0}).Reload()
    tags = events.Tags()["scalars"]
    return {tag: {one.step: one.value for one in events.Scalars(tag)} for tag in tags}


def of_gradients(run: Path) -> dict[str, Points]:
    found = curves(run)
    return {tag: found[tag] for tag in found if tag.startswith((GRADIENT, RATIO))}


def by_hand(*words: str) -> Iterator[dict[str, float]]:
    """The same curves of each step, by a plain loop and torch's own norm."""
    _, plan = prepared(*words)
    trainer, model = plan.config.trainer, plan.model
    named = {name: one for name, one in model.named_parameters() if one.requires_grad}
    for epoch in range(trainer.epochs):
        batches = list(plan.train.epoch(epoch))
        for first in range(0, len(batches), trainer.accumulate):
            some = batches[first : first + trainer.accumulate]
            plan.optimizer.zero_grad()
            for (x, y), share in zip(some, shares(plan.head, [y for _, y in some]), strict=True):
                with torch.autocast("cpu", torch.bfloat16, trainer.precision == "bfloat16"):
                    loss = plan.head.loss(model(x), y) * share
                loss.backward()
            gradients = {name: one.grad for name, one in named.items() if one.grad is not None}
            before = {name: one.detach().clone() for name, one in named.items()}
            point = {f"{GRADIENT}/{name}": one.norm().item() for name, one in gradients.items()}
            point[f"{GRADIENT}/{ALL}"] = get_total_norm(gradients.values()).item()
            if trainer.gradient_clip is not None:
                clip_grad_norm_(model.parameters(), trainer.gradient_clip)
            plan.optimizer.step()
            for name, one in named.items():
                moved = (one.detach() - before[name]).norm() / before[name].norm()
                point[f"{RATIO}/{name}"] = moved.item()
            moved = get_total_norm([one.detach() - before[name] for name, one in named.items()])
            point[f"{RATIO}/{ALL}"] = (moved / get_total_norm(before.values())).item()
            yield point


def assert_alike(
    found: dict[str, Points], steps: list[int], wanted: list[dict[str, float]]
) -> None:
    assert found.keys() == wanted[0].keys()
    for tag, points in found.items():
        assert list(points) == steps, tag
        told = [wanted[step - 1][tag] for step in steps]
        assert list(points.values()) == pytest.approx(told, rel=1e-4), tag


KINDS = {
    "every third step": ["trainer.log_every='3 steps'"],
    "the last step of each epoch": [],
    "of every second epoch, and of the last": ["trainer.log_every=2"],
    "before clipping": ["trainer.gradient_clip=0.01"],
    "of all batches of an update": ["trainer.accumulate=2", "trainer.log_every='1 steps'"],
    "in bfloat16": ["trainer.precision=bfloat16"],
    "of what is trained": ["init.freeze=['^input_to']"],
    "up to the last step": ["trainer.max_steps=8", "trainer.log_every=2"],
}
STEPS = [[3, 6, 9, 12, 15], [5, 10, 15], [10, 15], [5, 10, 15], [*range(1, 10)]]
STEPS += [[5, 10, 15], [5, 10, 15], [8]]


@pytest.mark.parametrize(
    ("words", "steps"), list(zip(KINDS.values(), STEPS, strict=True)), ids=KINDS
)
def test_a_run_has_torch_s_norms(tmp_path: Path, words: list[str], steps: list[int]) -> None:
    run = train(tmp_path / "on", *WINE, *words, ON)
    found = of_gradients(run.directory.root)
    assert_alike(found, steps, list(by_hand(*WINE, *words)))
    plain = train(tmp_path / "off", *WINE, *words)
    assert all(torch.equal(one, plain.weights[name]) for name, one in run.weights.items())
    both = {tag: points for tag, points in curves(run.directory.root).items() if tag not in found}
    assert both == curves(plain.directory.root)


class AfterSeven(Interval):
    """Its time has come after the seventh step."""

    def after_step(self, step: int) -> bool:
        return step == 7


def test_by_the_clock_the_step_after_it_is_measured_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured, original = [0], StepNorms.before_update

    def before_update(self: StepNorms, *named: dict[str, torch.Tensor]) -> None:
        measured[0] += 1
        original(self, *named)

    monkeypatch.setattr(StepNorms, "before_update", before_update)
    monkeypatch.setattr(gradient_points, "parsed_interval", lambda _: AfterSeven(1, "seconds"))
    run = train(tmp_path / "run", *WINE, ON, "trainer.log_every=1 s")
    assert_alike(of_gradients(run.directory.root), [8], list(by_hand(*WINE)))
    assert measured == [1]


def test_each_run_of_a_stack_has_its_own(seedbed: Command, tmp_path: Path) -> None:
    words = [*WINE, ON, "trainer.log_every=2"]
    free = ["optimizer.lr=0.001,0.1", "trainer.gradient_clip=null,0.01"]
    done = seedbed("train", "-m", *words, *free, "sweep.fuse=always", "hydra.sweep.dir=s")
    assert done.code == 0, done.err
    jobs = sorted(path.parent for path in (tmp_path / "s").glob("*/result.json"))
    settings = [(lr, clip) for lr in ("0.001", "0.1") for clip in ("null", "0.01")]
    for job, (lr, clip) in zip(jobs, settings, strict=True):
        own = [f"optimizer.lr={lr}", f"trainer.gradient_clip={clip}"]
        assert_alike(of_gradients(job), [10, 15], list(by_hand(*words, *own)))


class Looked(Kept):
    """Has the last step of each epoch measured, and counts what was."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.points = GradientPoints(NullRecorder(), EventFiles({}), names, 1)
        self.measured = 0

    def begin(self, training: Training, resumed: Sequence[Checkpoint] | None) -> None:
        self.points.begin(training, resumed)

    def steps_left(self, step: int) -> int:
        return self.points.steps_left(step)

    def step(self, training: Training) -> None:
        assert training.engine.norms is not None
        self.measured += training.engine.norms.found is not None
        self.points.step(training)


def test_steps_that_are_not_logged_are_compiled_as_before() -> None:
    """In C, many in a call, to the same bits."""
    words = [*WINE, "trainer.epochs=4"]
    plain, looked = (variants([*words, *more], [{}, {}]) for more in ((), (ON,)))
    recorder = Looked(planned(looked).layout.trainable)
    one, other = by("always", plain), by("always", looked, recorder=recorder)
    assert (recorder.measured, other.steps) == (
        4,
        one.steps - 1,
    )  # three of them are looked at anyway
    for number, weights in one.kept.weights.items():
        assert all(torch.equal(w, other.kept.weights[number][name]) for name, w in weights.items())


def test_a_resumed_run_has_each_point_once(seedbed: Command, tmp_path: Path) -> None:
    words = [*WINE, ON, "trainer.log_every='2 steps'"]
    whole = train(tmp_path / "whole", *words)
    assert seedbed("train", *words, "trainer.epochs=2", "hydra.run.dir=r").code == 0
    assert seedbed("resume", "r", "trainer.epochs=3").code == 0
    assert of_gradients(tmp_path / "r") == of_gradients(whole.directory.root)


def test_ranks_tell_what_one_process_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fork_always(monkeypatch)
    words = [*WINE, ON, "trainer.gradient_clip=0.1"]
    ranked = train(tmp_path / "r", *words, "trainer.strategy=ddp", "trainer.devices=2")
    assert_alike(of_gradients(ranked.directory.root), [5, 10, 15], list(by_hand(*words)))


def test_ranks_that_have_parts_of_a_gradient_are_refused(seedbed: Command) -> None:
    done = seedbed("validate", *WINE, ON, "trainer.strategy=fsdp", "trainer.devices=2")
    assert done.code == 2
    (error,) = done.errors
    assert "trainer.log_gradients=true does not go with trainer.strategy=fsdp" in error


def test_weights_of_zeros_and_parameters_without_a_gradient() -> None:
    norms = StepNorms()
    still, new = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])
    norms.before_update({"a": still, "b": new}, {"a": still, "b": still})
    norms.after_update({"a": still, "b": new})
    assert norms.found is not None
    assert norms.found.tolist() == [[0, 5, 5, 0, torch.inf, torch.inf]]
    layer = nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    layer.bias.grad = None
    assert gradients_of(layer)["bias"].tolist() == [[0]]


def test_numbers_of_any_type_have_a_norm() -> None:
    """Float16 has no square of 300; an embedding may have a gradient of a few rows."""
    large = {"a": torch.full((1, 2), 300.0, dtype=torch.float16), "b": torch.ones(1, 1).double()}
    assert norms_of(large).tolist() == [[pytest.approx(180000**0.5), 1, pytest.approx(180001**0.5)]]
    assert norms_of({"c": torch.tensor([[3 + 4j]])}).tolist() == [[5, 5]]
    alone, none = torch.tensor([[-2.0]])[0], torch.empty(1, 0)  # a single number, and no number
    assert norms_of({"d": alone, "e": none}).tolist() == [[2, 0, 2]]
    rows = nn.Embedding(9, 2, sparse=True)
    rows(torch.tensor([3, 3])).sum().backward()
    assert norms_of(gradients_of(rows)).tolist() == [[pytest.approx(8**0.5)] * 2]


def test_it_is_off_where_nobody_asks() -> None:
    assert composed_quickly([]).config.trainer.log_gradients is False
    _, plan = prepared()
    assert single_training(plan).engine.norms is None
