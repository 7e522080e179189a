"""A step of one's own trains as the loop that it stands for, alone, in a stack, resumed."""

from pathlib import Path

import pytest
import torch
from support.composing import composed_quickly
from support.own_parts import steps
from support.ranked_runs import fork_always, on_ranks
from support.resumed_runs import assert_run_goes_on, assert_stack_goes_on
from support.single_runs import prepared, train
from support.stacked_runs import Alone, alone, assert_alike, planned, stacked, variants
from torch import nn

import seedbed
from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.errors import ConfigError, NotAllowedError, OwnCodeError, SeedbedError
from seedbed.fused.stackable import vmap_blocker
from seedbed.raised import defined_at
from seedbed.training.build_run import build_run

IRIS = ["data=sklearn", "trainer.epochs=2", "loader.batch_size=16", "optimizer.lr=0.05"]
IRIS += ["allow=[support.own_parts]"]
DIABETES = "data.dataset=diabetes"
SUM = ["loss._target_=torch.nn.SmoothL1Loss", "+loss.reduction=sum"]
OWN = "support.own_parts.steps"
PENALIZED = [*IRIS, f"step._target_={OWN}.penalized", "+step.weight=0.1"]


def config(*words: str) -> RunConfig:
    return composed_quickly([*IRIS, *words]).config


def step(name: str) -> str:
    return f"step._target_={OWN}.{name}"


def test_step_that_is_the_loss_gives_the_bits_of_a_run_without_one() -> None:
    own, without = alone(config(step("plain"))), alone(config())
    for name, weight in without.weights.items():
        assert torch.equal(own.weights[name], weight)
    assert own.metrics == pytest.approx(without.metrics, rel=1e-6)


def test_values_are_means_by_rows_of_a_loop_written_by_hand(tmp_path: Path) -> None:
    _, plan = prepared(*PENALIZED)
    model, optimizer, epochs = plan.model, plan.optimizer, []
    for epoch in range(2):
        sums = {"loss": 0.0, "fit": 0.0, "size": 0.0, "rows": 0.0}
        rows = 0
        model.train()
        for x, y in plan.train.epoch(epoch):
            optimizer.zero_grad()
            fit = nn.functional.cross_entropy(model(x), y)
            size = sum(one.square().sum() for one in model.parameters())
            loss = fit + 0.1 * size
            loss.backward()
            optimizer.step()
            values = {"loss": loss.item(), "fit": fit.item(), "size": size.item(), "rows": len(x)}
            sums = {name: sums[name] + value * len(x) for name, value in values.items()}
            rows += len(x)
        epochs.append({name: value / rows for name, value in sums.items()})
    found = train(tmp_path / "run", *PENALIZED)
    for name in ("loss", "fit", "size", "rows"):
        assert found.history[f"train/{name}"] == pytest.approx([one[name] for one in epochs])
        assert f"val/{name}" in found.history
        assert f"test/{name}" in found.result["metrics"]
    assert found.result["step"] == f"{OWN}.penalized"
    assert "val/accuracy" in found.history


def test_numbers_of_a_step_are_as_exact_as_python_has_them() -> None:
    configs = variants([*IRIS, step("exact"), "trainer.epochs=1"], [{}, {}])
    for metrics in (alone(configs[0]).metrics, stacked(configs).metrics[0]):
        for split in ("train", "val"):
            told = [metrics[f"{split}/{name}"] for name in ("large", "count", "counted")]
            assert told == pytest.approx([1e39, 2**24 + 1, 2**24 + 1], rel=1e-15)


def test_stack_gives_what_single_runs_give() -> None:
    settings = [{"optimizer.lr": lr} for lr in (0.05, 0.1, 0.2)]
    for more in ((), ("trainer.accumulate=3", "trainer.select=ema", "trainer.ema_decay=0.5")):
        configs = variants([*PENALIZED, *more], settings)
        assert vmap_blocker(planned(configs)) is None
        assert_alike(stacked(configs), [alone(one) for one in configs])


def test_what_is_drawn_in_evaluation_moves_nothing_in_training() -> None:
    words = ["model.dropout=0.5", "trainer.select=last", "trainer.epochs=3"]
    noisy, plain = (alone(config(step(name), *words)) for name in ("noisy", "plain"))
    for name, weight in plain.weights.items():
        assert torch.equal(noisy.weights[name], weight)
    pairs = zip(noisy.history, plain.history, strict=True)
    first, *others = [one["val/loss"] - two["val/loss"] for one, two in pairs]
    assert first > 0
    assert others == pytest.approx([first] * 2)


def test_accumulated_batches_are_one_batch() -> None:
    few = ["loader.batch_size=4", "trainer.accumulate=4", "trainer.epochs=1"]
    one = alone(config(step("penalized"), "trainer.epochs=1"))
    four = alone(config(step("penalized"), *few))
    for name, weight in one.weights.items():
        torch.testing.assert_close(four.weights[name], weight, rtol=1e-5, atol=1e-6)
    for name in ("loss", "fit", "size"):
        assert four.metrics[f"train/{name}"] == pytest.approx(one.metrics[f"train/{name}"])


def test_runs_and_stacks_resume_within_an_epoch() -> None:
    assert_run_goes_on(config(step("penalized"), "optimizer=adam"), 4)
    assert_run_goes_on(config(step("shrunk")), 4)
    assert_stack_goes_on(variants(PENALIZED, [{}, {}]), 4)


def test_step_sees_weights_of_rows(tmp_path: Path) -> None:
    lines = [f"{i % 7},{i % 3},{1 + i % 2}" for i in range(40)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,w", *lines, ""]))
    words = ["data=csv", f"data.path={tmp_path / 'rows.csv'}", "data.target=b", "data.weight=w"]
    words += ["trainer.epochs=2", "allow=[support.own_parts]", "data.task=regression"]
    own = alone(composed_quickly([*words, step("weighted")]).config)
    without = alone(composed_quickly(words).config)
    assert own.metrics["val/loss"] == pytest.approx(without.metrics["val/loss"])
    assert own.metrics["train/weight"] == pytest.approx(1.5, abs=0.1)


def test_ranks_give_what_one_process_gives(tmp_path: Path, monkeypatch) -> None:
    fork_always(monkeypatch)
    single = train(tmp_path / "one", *PENALIZED)
    ranked = on_ranks(tmp_path / "two", 2, *PENALIZED)
    for found in (single, ranked):  # each rank sees its own rows, so that their number is another
        found.history.pop("train/rows", None)
    del single.result["metrics"]["train/rows"], ranked.result["metrics"]["train/rows"]
    history = {name for name in single.history if name != "train/rows"}
    for name in history:
        assert ranked.history[name] == pytest.approx(single.history[name], rel=1e-5), name
    assert ranked.result["metrics"] == pytest.approx(single.result["metrics"], rel=1e-5)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["branching"], "the step or forward branches on data"),
        (["counting"], f"'COUNTED' of {OWN} changes in training"),
        (["shrunk"], "draws at random"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_reason_is_told_where_a_step_does_not_fuse(words: list[str], why: str) -> None:
    configs = variants([*IRIS, step(words[0])], [{}, {}])
    reason = vmap_blocker(planned(configs))
    assert reason is not None
    assert why in reason


def test_random_step_fuses_where_that_is_allowed() -> None:
    for name in ("shrunk", "noisy"):
        configs = variants([*IRIS, step(name), "sweep.allow_random=true"], [{}, {}])
        assert vmap_blocker(planned(configs)) is None


def test_metrics_are_left_out_where_the_output_is_no_prediction(tmp_path: Path) -> None:
    wide = [step("embedded"), "model=sequential", "model.layers=[{Linear: 5}]"]
    found = train(tmp_path / "run", *IRIS, *wide)
    assert set(found.history) == {"epoch", "step", "train/loss", "val/loss", "lr"}
    assert "model(x) gives (9, 5) for 9 rows, the task asks for (9, 3)" in found.plan.notes[-1]
    assert_alike(stacked(variants([*IRIS, *wide], [{}, {}])), _both(wide))
    run = seedbed.load_run(found.directory.root)
    with pytest.raises(SeedbedError, match=r"gives \(1, 5\) for 1 rows.*the run's own step"):
        run.predict([[5.0, 3.0, 1.0, 0.2]])


def _both(words: list[str]) -> list[Alone]:
    return [alone(one) for one in variants([*IRIS, *words], [{}, {}])]


@pytest.mark.parametrize(
    ("name", "error", "match"),
    [
        ("no_loss", OwnCodeError, "gives a mapping with los; it has to give {'loss'"),
        ("no_mapping", OwnCodeError, "gives a Tensor"),
        ("of_rows", OwnCodeError, r"shape \(\d+,\) as the loss"),
        ("cut_off", OwnCodeError, "no gradient for any weight"),
        ("backward", OwnCodeError, "computes gradients itself"),
        ("moving", OwnCodeError, "changes the weight 'input_to_hidden_layer.weight'"),
        ("adding", OwnCodeError, "adds 'seen', a parameter or a buffer of the model"),
        ("freezing", OwnCodeError, "changes requires_grad of 'input_to_hidden_layer.weight'"),
        ("left_in_evaluation", OwnCodeError, r"leaves it in evaluation mode.*model.train\(\)"),
        ("left_in_training", OwnCodeError, r"leaves it in training mode.*model.eval\(\)"),
        ("text", OwnCodeError, "gives a str as 'kind'"),
        ("taken", OwnCodeError, "gives 'lr', which is a column"),
        ("no_name", OwnCodeError, "gives 'my loss'; a name has letters"),
        ("raising", OwnCodeError, r"raises KeyError: 'loss' \(.*steps.py, line \d+, in raising\)"),
        ("AsClass", NotAllowedError, "is a class, a step is a function"),
        ("plan", NotAllowedError, "no class and no function 'plan'.*did you mean 'plain'"),
    ],
)
def test_bad_step_is_refused_before_training(name: str, error: type, match: str) -> None:
    with pytest.raises(error, match=match) as raised:
        build_run(config(step(name)), AllowList(["support.own_parts"]))
    if error is OwnCodeError and name != "raising":
        assert defined_at(getattr(steps, name)) in str(raised.value)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ([step("column"), DIABETES], "gives 'r2', which is a column"),
        ([step("penalized"), "+step.wieght=1"], "wieght.*did you mean 'weight'"),
        ([step("penalized"), "trainer.monitor=val/fit"], "higher val/fit is better.*fit: true"),
        ([step("plain"), "step.higher_is_better={fit: true}"], "gives no 'fit'"),
        ([step("penalized"), "step.higher_is_better={fit: 1}"], "must be true or false, got 1"),
        (
            [step("penalized"), "step.higher_is_better={mae: true}"],
            "'mae' is a metric of Seedbed's",
        ),
        (["step._target_=plain"], "must name a function with its module"),
        (["+step.weight=1"], "step._target_ is missing"),
        ([step("penalized"), "allow=[]"], "is not allowed.*; if 'support' is your own code"),
        (
            [step("plain"), *SUM, DIABETES],
            "as the mean",
        ),
    ],
    ids=range(10),
)
def test_bad_words_are_refused(words: list[str], match: str) -> None:
    with pytest.raises(SeedbedError, match=match):
        prepared(*IRIS, *words)


def test_monitored_name_chooses_the_epoch() -> None:
    words = [step("penalized"), "trainer.monitor=val/size", "step.higher_is_better={size: true}"]
    plan = build_run(config(*words), AllowList(["support.own_parts"]))
    assert (plan.monitor.name, plan.monitor.higher_is_better) == ("val/size", True)


def test_names_that_change_fail_the_run_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(OwnCodeError, match="gives full beside the loss, and gave nothing"):
        train(tmp_path / "run", *IRIS, step("changing"), "loader.batch_size=8")
    status = (tmp_path / "run" / "status.json").read_text()
    assert "failed" in status
    assert "steps.py, line" in status


def test_no_step_leaves_no_trace_in_a_checkpoint() -> None:
    plan = build_run(config(), AllowList())
    with pytest.raises(ConfigError, match="no column 'val/fit'"):
        build_run(config("trainer.monitor=val/fit"), AllowList())
    assert plan.step is None
