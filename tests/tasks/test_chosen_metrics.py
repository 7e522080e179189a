"""Metrics that a config names: torchmetrics's by name, and functions and classes of one's own."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle
from support.composing import composed_quickly
from support.ranked_runs import fork_always, on_ranks
from support.single_runs import Trained, prepared, train
from support.stacked_runs import fused

import seedbed
from seedbed.errors import ConfigError, MetricError, NotAllowedError
from seedbed.tasks.metric_values import metric_inputs, metrics_of
from seedbed.tasks.metrics import Metric
from seedbed.tasks.registry import register_metric

IRIS = ["data=sklearn", "data.dataset=iris", "optimizer=adam", "optimizer.lr=0.05"]
CANCER = ["data=sklearn", "data.dataset=breast_cancer", "loader.batch_size=64"]
DIABETES = ["data=sklearn", "data.dataset=diabetes", "loader.batch_size=64"]
OWN = "support.own_parts.metrics"
ALLOW = "allow=[support.own_parts]"
SHORT = ["trainer.epochs=2", "loader.batch_size=32"]


def asked(*entries: str) -> str:
    return f"metrics=[{','.join(entries)}]"


def own(name: str, more: str = "") -> str:
    return f"{{_target_: {OWN}.{name}{more}}}"


def of_test_rows(run: Trained) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and targets, from the model and the rows alone."""
    x, y = run.plan.data.test.tensors
    with torch.no_grad():
        predictions, targets = metric_inputs(run.plan.head, run.plan.model.eval()(x), y)
    return predictions.numpy(), targets.numpy()


OF_CLASSES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": lambda p, t: oracle.accuracy_score(t, p.argmax(1)),
    "Accuracy": lambda p, t: oracle.accuracy_score(t, p.argmax(1)),
    "{Accuracy: {average: macro, name: balanced}}": lambda p, t: oracle.balanced_accuracy_score(
        t, p.argmax(1)
    ),
    "Recall": lambda p, t: oracle.recall_score(t, p.argmax(1), average="macro"),
    "{FBetaScore: {beta: 2.0}}": lambda p, t: oracle.fbeta_score(
        t, p.argmax(1), beta=2, average="macro"
    ),
    "MatthewsCorrCoef": lambda p, t: oracle.matthews_corrcoef(t, p.argmax(1)),
    "CohenKappa": lambda p, t: oracle.cohen_kappa_score(t, p.argmax(1)),
    "AUROC": lambda p, t: oracle.roc_auc_score(t, p, multi_class="ovr"),
    own("hits"): lambda p, t: oracle.accuracy_score(t, p.argmax(1)),
    own("Called"): lambda p, t: oracle.accuracy_score(t, p.argmax(1)),
    own("Share", ", least: 0.4"): lambda p, t: float((p.max(1) > 0.4).mean()),
}
OF_TWO: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "Recall": lambda p, t: oracle.recall_score(t, p.argmax(1)),
    "{Precision: {threshold: 0.3}}": lambda p, t: oracle.precision_score(t, p[:, 1] > 0.3),
    "AveragePrecision": lambda p, t: oracle.average_precision_score(t, p[:, 1]),
    "MatthewsCorrCoef": lambda p, t: oracle.matthews_corrcoef(t, p.argmax(1)),
}
OF_VALUES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mae": oracle.mean_absolute_error,
    "R2Score": lambda p, t: oracle.r2_score(t, p),
    "MeanAbsolutePercentageError": lambda p, t: oracle.mean_absolute_percentage_error(t, p),
    "ExplainedVariance": lambda p, t: oracle.explained_variance_score(t, p),
    "PearsonCorrCoef": lambda p, t: np.corrcoef(p[:, 0], t[:, 0])[0, 1],
    own("worst"): lambda p, t: oracle.max_error(t, p),
    own("worst", ", power: 2, name: worst2"): lambda p, t: oracle.max_error(t, p) ** 2,
}
TASKS = {
    "classes": ([*IRIS, ALLOW], OF_CLASSES, 1e-6),
    "two classes": (CANCER, OF_TWO, 1e-6),
    "real values": ([*DIABETES, ALLOW], OF_VALUES, 1e-9),
}


@pytest.mark.parametrize("task", TASKS)
def test_metrics_are_somebody_elses_alone_and_in_a_stack(task: str, tmp_path: Path) -> None:
    words, entries, exact = TASKS[task]
    words = [*words, *SHORT, asked(*entries)]
    run = train(tmp_path / "run", *words)
    told = [one for one in run.result["metrics"] if one.startswith("test/")][1:]
    assert len(told) == len(entries)
    rows = of_test_rows(run)
    for name, expected in zip(told, entries.values(), strict=True):
        assert run.result["metrics"][name] == pytest.approx(expected(*rows), rel=exact), name
    stack = fused([words, [*words, "seed=1"]])
    assert stack.metrics[0] == pytest.approx(run.result["metrics"], rel=1e-4, abs=1e-5)
    assert list(stack.history[0][0])[2:-2] == list(run.history)[2:-1]
    assert stack.metrics[1] != pytest.approx(stack.metrics[0])


def test_several_outputs_give_their_mean(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).normal(size=(60, 4))
    lines = ["a,b,c,d", *(",".join(map(str, row)) for row in drawn)]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    words = ["data=csv", f"data.path={tmp_path / 'rows.csv'}", "data.target=[a,b]", *SHORT]
    run = train(tmp_path / "run", *words, asked("SpearmanCorrCoef", "R2Score"))
    p, t = of_test_rows(run)
    found = run.result["metrics"]
    assert found["test/R2Score"] == pytest.approx(oracle.r2_score(t, p), rel=1e-9)
    from scipy.stats import spearmanr

    ranks = np.mean([spearmanr(p[:, at], t[:, at]).statistic for at in (0, 1)])
    assert found["test/SpearmanCorrCoef"] == pytest.approx(ranks, rel=1e-6)


def test_labels_are_predicted_from_the_threshold_on(tmp_path: Path) -> None:
    rows = [f"{n % 7},{n % 2},{n % 3 == 0:d}" for n in range(60)]
    (tmp_path / "rows.csv").write_text("\n".join(["x,p,q", *rows]))
    words = ["data=csv", f"data.path={tmp_path / 'rows.csv'}", "data.features=[x]", *SHORT]
    words += ["data.target=[p,q]", "data.task=multilabel", "data.threshold=0.25"]
    _, plan = prepared(*words, asked("f1", "Precision", "F1Score", "ExactMatch"))
    assert plan.metric_names[2:] == [
        *("val/f1", "val/Precision", "val/F1Score", "val/ExactMatch", "val/p/f1", "val/q/f1"),
    ]
    # A quarter, exactly, is from the threshold on, as `predict` has it.
    outputs = torch.tensor([[0.25, 0.1], [0.25, 0.9], [0.1, 0.25], [0.9, 0.1]]).logit()
    outputs[torch.isclose(outputs.sigmoid(), torch.tensor(0.25))] = -math.log(3)
    y = torch.tensor([[1.0, 0], [0, 1], [1, 1], [1, 0]])
    assert bool((outputs.sigmoid() == 0.25).any())
    predicted = plan.head.predictions(outputs).numpy() >= 0.25
    found = metrics_of(plan.head, outputs, y)
    assert found["Precision"] == pytest.approx(
        oracle.precision_score(y, predicted, average="macro")
    )
    assert found["F1Score"] == pytest.approx(found["f1"])
    assert found["ExactMatch"] == pytest.approx(np.mean((predicted == y.numpy()).all(1)))


@pytest.mark.parametrize(
    ("entry", "column", "better"),
    [
        ("MatthewsCorrCoef", "val/MatthewsCorrCoef", max),
        ("CalibrationError", "val/CalibrationError", min),
        (own("Share"), "val/Share", max),
        (own("hits", ", higher_is_better: false, name: turned"), "val/turned", min),
    ],
)
def test_any_that_tells_its_direction_is_monitored(
    entry: str, column: str, better: Callable, tmp_path: Path
) -> None:
    words = [*IRIS, ALLOW, "trainer.epochs=4", "loader.batch_size=32", f"trainer.monitor={column}"]
    run = train(tmp_path / "run", *words, asked(entry), "scheduler=plateau", "scheduler.patience=0")
    values = run.history[column]
    assert run.result["best"] == {
        "epoch": values.index(better(values)) + 1,
        column: better(values),
    }
    name = column.removeprefix("val/")
    assert run.result["higher_is_better"] == {name: better is max}


def test_one_without_a_direction_is_measured_and_decides_nothing(tmp_path: Path) -> None:
    words = [*IRIS, ALLOW, *SHORT, asked(own("hits"))]
    assert train(tmp_path / "run", *words).result["higher_is_better"] == {"hits": None}
    told = r"val/hits does not say whether .* higher_is_better: true or false; .* val/loss, train"
    with pytest.raises(ConfigError, match=told):
        prepared(*words, "trainer.monitor=val/hits")


def test_runs_of_the_tasks_own_metrics_tell_no_direction(tmp_path: Path) -> None:
    run = train(tmp_path / "run", *IRIS, *SHORT)
    assert "higher_is_better" not in run.result
    empty = train(tmp_path / "empty", *IRIS, *SHORT, "metrics=[]")
    assert empty.history == run.history
    assert composed_quickly(IRIS).config.metrics is None


def test_a_metric_draws_and_writes_for_itself_alone(tmp_path: Path) -> None:
    words = [*IRIS, ALLOW, *SHORT, "model.dropout=0.5"]
    plain = train(tmp_path / "plain", *words)
    drawing = train(tmp_path / "drawing", *words, asked(own("drawn"), own("hits"), "accuracy"))
    assert drawing.history["train/loss"] == plain.history["train/loss"]
    assert drawing.history["val/accuracy"] == plain.history["val/accuracy"]
    assert drawing.history["val/hits"] == pytest.approx(plain.history["val/accuracy"])
    assert len(set(drawing.history["val/drawn"])) == 1


REFUSED = {
    "of real values": (
        IRIS,
        "R2Score",
        "R2Score is of real values, and the target 'target' is one",
    ),
    "of classes": (DIABETES, "Recall", "Recall is of classes, and .* real-valued .*type mse, mae"),
    "ours": (DIABETES, "accuracy", "accuracy does not fit the task regression; there are mse, mae"),
    "of one value": (
        [*DIABETES, "loss=quantile"],
        "R2Score",
        "R2Score is of real values, and .* is predicted by its quantiles; type pinball, coverage$",
    ),
    "of ensembles": (
        DIABETES,
        "ContinuousRankedProbabilityScore",
        "is of several predictions of each value, and the target 'target' is real-valued",
    ),
    "of rows of several values": (
        DIABETES,
        "CosineSimilarity",
        "CosineSimilarity looks at all values of a row together, and 'target' is one; type mse",
    ),
    "misspelt": (IRIS, "MathewsCorrCoef", "did you mean 'MatthewsCorrCoef'"),
    "of another number": (IRIS, "BinaryRecall", "BinaryRecall is of two classes, and the target"),
    "told by the data": (IRIS, "{Recall: {num_classes: 4}}", "num_classes is told by the data"),
    "no such argument": (IRIS, "{Recall: {averag: macro}}", "Recall takes .* 'average'"),
    "a wrong argument": (IRIS, "{Recall: {average: x}}", "refuses its arguments: .*got x"),
    "an argument that lacks": (IRIS, "FBetaScore", r"needs beta; type '\{FBetaScore: \{beta: VAL"),
    "a matrix": (IRIS, "ConfusionMatrix", r"ConfusionMatrix gives numbers of shape \(3, 3\)"),
    "a tuple": (IRIS, "ROC", "ROC gives a tuple, and a metric is one number"),
    "turned round": (
        IRIS,
        "{Recall: {higher_is_better: false}}",
        "better when it is higher; leave",
    ),
    "not allowed": (IRIS, "{_target_: other.worst}", r"metrics\[0\]: 'other.worst' is not allowed"),
    "not there": (IRIS, own("hit"), "no class and no function 'hit' .* did you mean 'hits'"),
    "our name": (IRIS, own("hits", ", name: f1"), "'f1' is a metric of Seedbed's; give this one"),
    "its argument": (
        DIABETES,
        own("worst", ", powr: 2"),
        "worst takes power; did you mean 'power'",
    ),
    "targets first": (DIABETES, own("turned"), r"turned takes \(y_true, y_pred\), and is called"),
    "targets first, in update": (DIABETES, own("TurnedUpdate"), r"TurnedUpdate takes \(y_t"),
    "its line": (DIABETES, own("raising"), r"raising raises KeyError: 'x' \(.*py, line 51, in rai"),
    "its shape": (DIABETES, own("hits"), r"IndexError.* given predictions \(44\,\) float64 and t"),
    "no number": (DIABETES, own("nothing"), r"nothing gives nothing, .*metrics.py, line 54, in n"),
    "many numbers": (DIABETES, own("each"), r"each gives numbers of shape \(44,\), .* line 58, in"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_before_training(what: str) -> None:
    words, entry, told = REFUSED[what]
    with pytest.raises((ConfigError, NotAllowedError, MetricError), match=told) as caught:
        prepared(*words, ALLOW, asked(entry))
    assert len(caught.value.problems) == 1


def test_a_programs_own_function_is_measured_by_that_program_alone() -> None:
    words = [*IRIS, "allow=[__main__]", asked("{_target_: __main__.only_here}")]
    with pytest.raises(
        NotAllowedError, match=r"program of this process alone; .*as my_module.only_here"
    ):
        prepared(*words)
    here = sys.modules["__main__"]
    with pytest.MonkeyPatch.context() as patch:

        def only_here(predictions: torch.Tensor, targets: torch.Tensor) -> float:
            return 7.0

        only_here.__module__ = "__main__"
        patch.setattr(here, "only_here", only_here, raising=False)
        _, plan = prepared(*words)
        assert metrics_of(plan.head, torch.zeros(2, 3), torch.zeros(2))["only_here"] == 7


MISREAD = {
    "metrics=R2Score": r"type 'metrics=\[R2Score\]'",
    "metrics=[mse,mse]": r"metrics\[1\] is called 'mse', as metrics\[0\] is; leave one out",
    "metrics=[Recall,{Recall: {average: micro}}]": r"name: '\{Recall: \{name: Recall_2\}\}'",
    "metrics=[my.worst]": r"typed '\{_target_: my.worst\}'",
    "metrics=[5]": r"metrics\[0\] must be a name, such as accuracy .* got 5",
    "metrics=[{Recall: {}, F1Score: {}}]": "must hold one name",
    "metrics=[{Recall: 3}]": "must hold the arguments of Recall by name, got 3",
    "metrics=[{_target_: worst}]": "must be the dotted name .* by its name alone, worst",
    "metrics=[{_target_: FBetaScore, beta: 2.0}]": r"alone, '\{FBetaScore: \{beta: 2.0\}\}'",
    "metrics=[{_target_: F, a: 'x}', b: [1], c: \"it's\"}]": r"'\{F: \{a: \"x\}\", b: …, c: …\}\}'",
    "metrics=[{R2Score: {name: 'a,b'}}]": r"metrics\[0\].name must be a text of letters",
    "metrics=[{R2Score: {name: loss}}]": "'loss' is another column",
    "metrics=[{R2Score: {higher_is_better: 1}}]": "must be true, false or null, got 1",
}


@pytest.mark.parametrize("word", MISREAD)
def test_entries_of_another_form_are_told_with_the_rest(word: str) -> None:
    with pytest.raises(ConfigError, match=MISREAD[word]) as caught:
        composed_quickly([word, "trainer.epochs=0"])
    assert len(caught.value.problems) == 2


def test_without_torchmetrics_its_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(ConfigError, match=r"pip install 'seedbed\[torchmetrics\]'"):
        prepared(*IRIS, asked("Recall"))
    prepared(*IRIS, asked("accuracy"))


def test_where_torchmetrics_warns_there_is_no_value() -> None:
    _, plan = prepared(*CANCER, asked("AUROC", "Recall"))
    outputs, y = torch.randn(8, plan.head.outputs), torch.zeros(8, dtype=torch.long)
    found = metrics_of(plan.head, outputs, y)  # of one class
    assert math.isnan(found["AUROC"])
    assert found["Recall"] == 0
    _, plan = prepared(*DIABETES, asked("R2Score"))
    assert math.isnan(metrics_of(plan.head, torch.zeros(1, 1), torch.ones(1, 1))["R2Score"])


@pytest.mark.parametrize("data", ["sklearn", "parquet"])
def test_ranks_and_streams_measure_as_one_process_does(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork_always(monkeypatch)
    import pandas as pd
    from sklearn.datasets import load_iris

    loaded = load_iris(as_frame=True).frame.rename(columns={"target": "kind"})
    loaded["kind"] = loaded["kind"].map({0: "x", 1: "y", 2: "z"})
    pd.DataFrame(loaded).to_parquet(tmp_path / "rows.parquet")
    words = ["data=parquet", f"data.path={tmp_path / 'rows.parquet'}", "data.target=kind", *SHORT]
    entries = ["CohenKappa", "AUROC", own("Share"), own("hits")]
    words += [ALLOW, asked(*entries), "data.split.test=0.2"]
    held = train(tmp_path / "held", *words)
    if data == "parquet":
        other = train(tmp_path / "streamed", *words, "data.stream=true")
    else:
        other = on_ranks(tmp_path / "ranks", 2, *words)
    assert list(other.history) == list(held.history)
    x, y = (torch.stack(parts) for parts in zip(*held.plan.data.test, strict=True))
    outputs = other.plan.model.eval()(x).detach()
    whole = metrics_of(held.plan.head, outputs, y)
    if data == "sklearn":
        assert other.result["metrics"] == pytest.approx(held.result["metrics"], rel=1e-5, abs=1e-5)
        return
    for name in ("CohenKappa", "AUROC", "Share", "hits"):
        assert other.result["metrics"][f"test/{name}"] == pytest.approx(whole[name], abs=1e-6), name


def test_what_keeps_all_outputs_is_refused_where_a_stream_has_too_many(tmp_path: Path) -> None:
    from seedbed.tasks.metrics_in_pieces import kept_metrics

    _, plan = prepared(*IRIS, ALLOW, asked("CohenKappa", "AUROC", own("Share"), own("hits")))
    assert kept_metrics(plan.head) == ["AUROC", "hits"]


def test_runs_are_compared_by_what_they_tell(tmp_path: Path, seedbed: Callable) -> None:
    words = [*IRIS, ALLOW, *SHORT, asked("CalibrationError", own("hits")), "data.split.seed=0"]
    for number in (0, 1):
        train(tmp_path / str(number), *words, f"optimizer.lr={0.05 / (1 + 9 * number)}")
    folders = [tmp_path / str(number) for number in (0, 1)]
    told = seedbed("compare", *folders, "--metric", "test/CalibrationError", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["higher_is_better"] is False
    unknown = seedbed("compare", *folders, "--metric", "test/hits")
    assert (unknown.code, "type --better higher" in unknown.err) == (2, True)
    turned = seedbed("compare", *folders, "--metric", "test/CalibrationError", "--better", "higher")
    assert "is better when it is lower, as its runs tell" in turned.err


def test_a_run_is_evaluated_by_its_own_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*IRIS, *SHORT, ALLOW, asked("accuracy", "CohenKappa", own("hits"), own("Share"))]
    run = seedbed.train(*words, directory=tmp_path / "run")
    assert {"val/CohenKappa", "test/hits"} <= set(run.metrics)
    x, y = (np.asarray(one) for one in _iris_rows())
    with pytest.raises(NotAllowedError, match=r"metrics\[2\]: .* is not allowed"):
        run.evaluate(x, y)
    assert len(run.predict(x[:2]).values) == 2  # which measures nothing
    monkeypatch.setenv("SEEDBED_ALLOW", "support.own_parts")
    found = seedbed.load_run(tmp_path / "run").evaluate(x, y)
    assert found.metrics["hits"] == pytest.approx(found.metrics["accuracy"])
    low, high = found.intervals["CohenKappa"]
    assert low < found.metrics["CohenKappa"] < high


def test_what_raises_where_a_run_is_evaluated_is_told_with_its_line() -> None:
    from seedbed.tasks.chosen_metrics import measuring

    _, plan = prepared(*DIABETES, ALLOW, asked(own("worst")))
    metric = plan.head.named("worst").compute
    for part, told in (("raising", "to measure the rows raises KeyError: 'x' .*line 51, in r"),
                       ("nothing", "metrics: worst gives nothing, .*")):  # fmt: skip
        metric.function = getattr(__import__(OWN, fromlist=[part]), part)
        with pytest.raises(MetricError, match=told), measuring():
            metrics_of(plan.head, torch.zeros(3, 1), torch.ones(3, 1))


def _iris_rows() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_iris

    loaded = load_iris()
    return loaded.data[::3], loaded.target_names[loaded.target[::3]]


@pytest.mark.usefixtures("registries")
def test_a_registered_metric_is_named_by_a_config_and_tells_its_direction(tmp_path: Path) -> None:
    register_metric(Metric("sure", True, lambda p, t: p.amax(dim=2).mean(dim=1)))
    assert "val/sure" not in train(tmp_path / "plain", *IRIS, *SHORT).history
    run = train(tmp_path / "run", *IRIS, *SHORT, asked("sure"), "trainer.monitor=val/sure")
    assert run.result["higher_is_better"] == {"sure": True}
    assert list(run.history)[-3:] == ["val/loss", "val/sure", "lr"]


def test_jobs_that_measure_otherwise_are_stacks_of_their_own() -> None:
    from seedbed.fused.fusion_key import fusion_key

    keys = {fusion_key(composed_quickly([*IRIS, *more]).config) for more in ([], [asked("f1")])}
    assert len(keys) == 2


def test_what_raises_later_fails_the_run_with_its_line(tmp_path: Path, seedbed: Callable) -> None:
    Path("late.py").write_text(
        "seen = [0]\ndef late(predictions, targets):\n    seen[0] += 1\n"
        "    return 1.0 if seen[0] < 3 else {}['x']\n"
    )
    entry = asked("{_target_: late.late}")
    result = seedbed("train", *IRIS, *SHORT, "allow=[late]", entry, "hydra.run.dir=run")
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert "KeyError: 'x' (late.py, line 4, in late)" in result.err


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ("recall", "metrics must be a list of values, got 'recall'"),
        ([{"Recall": {"top_k": 2**70}}], "must be a number of 64 bits"),
        (["accuracy"] * 101, "of at most 100 elements"),
        ([3], r"metrics\[0\] must be a name"),
    ],
)
def test_a_stranger_s_entries_are_checked_before_anything_is_built(
    entries: object, told: str
) -> None:
    from seedbed.views.trained import untrained

    _, plan = prepared(*IRIS)
    trained = untrained(plan)
    trained.config["metrics"] = entries
    with pytest.raises(ConfigError, match=told):
        _ = trained.measuring_head


STEPS = "step._target_=support.own_parts.steps"


def test_a_step_of_ones_own_is_measured_by_them_where_its_model_gives_outputs(
    tmp_path: Path,
) -> None:
    words = [*DIABETES, *SHORT, ALLOW, asked("mae", "R2Score", own("worst"))]
    run = train(tmp_path / "run", *words, f"{STEPS}.penalized", "trainer.monitor=val/R2Score")
    assert {"val/fit", "val/R2Score", "val/worst"} < set(run.history)
    told = run.result["higher_is_better"]
    assert (told["fit"], told["R2Score"], told["worst"]) == (None, True, False)
    Path("small.py").write_text(
        "def step(model, batch):\n    return {'loss': model(batch[0]).square().mean()}\n"
    )
    layer = ["model._target_=torch.nn.LayerNorm", "+model.normalized_shape=[10]", "allow=[small]"]
    told = r"metrics are of what model\(x\) gives, and model\(x\) gives .*; leave them out"
    with pytest.raises(ConfigError, match=told):
        prepared(*DIABETES, *layer, "step._target_=small.step", asked("mae"))
