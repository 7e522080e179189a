"""Modules and losses as people write them: a stack gives what single runs give, or says why not."""

import importlib
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from support.stacked_runs import alone, assert_alike, planned, stacked, variants

from seedbed.fused.rows import NotAlikeError
from seedbed.fused.stackable import tried_pair, vmap_blocker

IRIS = ["data=sklearn", "data.split.validation=0.2", "loader.batch_size=16", "trainer.epochs=3"]
DIABETES = ["data=sklearn", "data.dataset=diabetes", "data.split.validation=0.2"]
DIABETES += ["loader.batch_size=64", "trainer.epochs=3"]
SGD = ["optimizer=sgd", "optimizer.momentum=0.9", "optimizer.weight_decay=0.01"]

OUTSIDE = "is neither parameter nor buffer"
SEEDS, CHANGES = f"differs between seeds and {OUTSIDE}", f"changes in training and {OUTSIDE}"
DICE = "it draws from the generators of Python or NumPy"

REFUSED = {
    "sharing.RunningMean": "buffer 'mean' is assigned anew in forward",
    "sharing.RandomFeatures": f"'projection' {SEEDS}",
    "sharing.Permuted": SEEDS,
    "sharing.ListOfLayers": SEEDS,
    "sharing.NumpyArray": SEEDS,
    "sharing.NumpysGenerator": SEEDS,
    "sharing.PythonNumber": f"'scale' {SEEDS}",
    "sharing.DrawnFunction": f"'feature.phase' {SEEDS}",
    "sharing.Counter": f"'step' {CHANGES}",
    "sharing.Iterator": f"'steps' {CHANGES}",
    "sharing.GlobalCounter": "",
    "sharing.GlobalIterator": f"'support.own_parts.sharing.STEPS' {CHANGES}",
    "sharing.ClassCounter": f"'ClassCounter.calls' {CHANGES}",
    "sharing.LongText": f"'LongText.text' {CHANGES}",
    "sharing.ClosureCounter": "",
    "sharing.DefaultCounter": f"'DefaultCounter.forward.defaults[0][0]' {CHANGES}",
    "sharing.FunctionCounter": f"'support.own_parts.sharing.scale.calls' {CHANGES}",
    "sharing.ElsewhereCounter": "'support.own_parts.elsewhere.CALLS",
    "sharing.MovingAttribute": "",
    "sharing.MovingInPlace": "",
    "sharing.Memory": "",
    "sharing.Grown": "",
    "sharing.PythonsDice": DICE,
    "sharing.NumpysDice": DICE,
    "sharing.OwnDice": f"'dice' {CHANGES}",
    "sharing.OwnGenerator": "",
    "sharing.CountedEpochs": f"'epochs' {CHANGES}",
    "sharing.FallingDropout": "it draws at random",
    "sharing.Locked": "'rows' ",
    "learning.MaskedByHook": "the gradient of 'a.weight' has a hook",
    "learning.ClippedAfterwards": "the gradient of 'a.weight' has a hook",
    "learning.ForwardHook": "'a' has a forward hook",
    "learning.BackwardHook": "'a' has a backward hook",
    "learning.LateHook": "",
    "learning.ExtraState": "its state_dict holds '_extra_state'",
    "learning.StopsByCount": "",
    "learning.StopsWhenFull": "the loss no longer depends on gate",
    "learning.Freezing": "",
    "learning.HeadAlone": "",
    "learning.OneMemory": "",
    "learning.Shadow": "",
    "learning.NewParameter": "parameter 'a.bias' is assigned anew in forward",
    "learning.ReadsGradient": "",
    "learning.OtherSelf": "",
    "learning.Reversed": "vmap does not take it",
    "learning.OwnParameters": "'scale' is no plain parameter but a OwnParameter",
    "learning.Unsaved": "buffer 'mean' changes in training and is not saved",
    "learning.OldWeightNorm": "'a' has a forward pre hook",
    "learning.OldSpectralNorm": "",
    "learning.Pruned": "'a' has a forward pre hook",
    "learning.Scripted": "'net' is a scripted module",
    "learning.Dropped": "it draws at random, as dropout does",
}
"""With a part of the reason."""

FUSED = [
    "sharing.Harmless",
    "learning.TrainingAlone",
    "learning.MovingBuffer",
    "learning.Averaged",
    "learning.Tied",
    "learning.Derived",
    "learning.Attending",
    "learning.WeightNorm",
    "learning.Recurrent",
    "learning.Cell",
    "learning.Normalised",
]
EITHER = ["learning.Clamped", "learning.SpectralNorm", "learning.Lazy"]
"""Whichever torch allows: where they are stacked, they give what they give alone."""


def jobs(target: str, *words: str) -> list[Any]:
    words = (
        *SGD,
        "allow=[support.own_parts]",
        f"model._target_=support.own_parts.{target}",
        *words,
    )
    return variants([*IRIS, *words], [{"optimizer.lr": 0.02 * (n + 1)} for n in range(3)])


def reason_for(configs: list[Any]) -> str | None:
    try:
        return vmap_blocker(planned(configs))
    except NotAlikeError as err:
        return str(err)


def test_every_module_here_has_its_line() -> None:
    told = [*REFUSED, *FUSED, *EITHER]
    there = []
    for home in ("sharing", "learning"):
        found = importlib.import_module(f"support.own_parts.{home}")
        there += [
            f"{home}.{name}"
            for name, one in vars(found).items()
            if isinstance(one, type)
            and issubclass(one, torch.nn.Module)
            and one.__module__ == found.__name__
            and name not in ("Net", "OwnLinear", "Rarely", "Forgotten")
        ]
    assert sorted(told) == sorted(there)


@pytest.mark.filterwarnings("ignore:.*(weight_norm|jit).*deprecated")
# From Python 3.12 on iterators say that they will not be pickled for ever.
@pytest.mark.filterwarnings("ignore:Pickle, copy.*itertools:DeprecationWarning")
@pytest.mark.parametrize("target", [*REFUSED, *FUSED, *EITHER])
def test_a_module_is_stacked_only_where_it_gives_what_it_gives_alone(target: str) -> None:
    configs = jobs(target)
    reason = reason_for(configs)
    if target in REFUSED:
        assert reason is not None
        assert REFUSED[target] in reason
    if target in FUSED:
        assert reason is None
    if reason is None:
        assert_alike(stacked(configs), [alone(config) for config in configs])


ADAPTIVE = {
    "adam": "torch.optim.Adam",
    "adamw": "torch.optim.AdamW",
    "rmsprop": "torch.optim.RMSprop",
    "adagrad": "torch.optim.Adagrad",
}


@pytest.mark.parametrize("optimizer", ADAPTIVE)
def test_rounding_of_which_an_optimizer_makes_steps_is_not_stacked(optimizer: str) -> None:
    words = [*IRIS, f"optimizer={optimizer}", "allow=[support.own_parts]"]
    words += ["model._target_=support.own_parts.learning.Normalised"]
    kind = ADAPTIVE[optimizer].rpartition(".")[2]
    assert reason_for(variants(words, [{}, {}, {}])) == (
        f"the gradient of 'a.bias' is zero but for rounding, of which {kind} makes whole steps"
    )
    configs = variants([*words, "model.bias=false"], [{}, {}, {}])
    assert reason_for(configs) is None
    assert_alike(stacked(configs), [alone(config) for config in configs])


def test_every_layer_of_torch_that_drops_is_seen_to_draw() -> None:
    for kind in ("Dropout", "AlphaDropout", "FeatureAlphaDropout"):
        reason = reason_for(jobs("learning.Dropped", f"+model.kind={kind}"))
        assert reason == "it draws at random, as dropout does; sweep.allow_random=true fuses it"


RANDOM = {
    "sharing.FallingDropout": f"'rate' {CHANGES}",
    "sharing.OwnGenerator": "",
    "sharing.RunningMean": "buffer 'mean' is assigned anew in forward",
    "sharing.PythonsDice": DICE,
}


@pytest.mark.parametrize("target", RANDOM)
def test_what_may_draw_at_random_is_looked_at_as_closely(target: str) -> None:
    plan = planned(jobs(target, "sweep.allow_random=true"))
    assert RANDOM[target] in str(vmap_blocker(plan))


@pytest.mark.parametrize(
    "target", ["RandomFeatures", "Permuted", "NumpysGenerator", "PythonNumber"]
)
def test_what_one_seed_draws_is_shared_by_runs_of_one_seed(target: str) -> None:
    words = (
        *IRIS,
        *SGD,
        "allow=[support.own_parts]",
        f"model._target_=support.own_parts.sharing.{target}",
    )
    rates = [{"optimizer.lr": 0.02 * (n + 1), "seed": 7} for n in range(3)]
    configs = variants(words, rates)
    assert reason_for(configs) is None
    assert_alike(stacked(configs), [alone(config) for config in configs])


def test_every_seed_of_a_group_is_looked_at() -> None:
    """The first two may draw the same by chance."""
    words = (*IRIS, "allow=[support.own_parts]", "model._target_=support.own_parts.sharing.Rarely")
    configs = variants(words, [{} for _ in range(12)])
    reasons = {reason_for(configs[:count]) for count in range(2, 13)}
    assert reasons == {None, f"'side' {SEEDS}"}


def test_two_seeds_are_tried_where_there_are_two() -> None:
    configs = variants(IRIS, [{"seed": seed} for seed in (3, 3, 3, 5)])
    assert [config.seed for config in tried_pair(configs)] == [3, 5]
    assert [config.seed for config in tried_pair(configs[:3])] == [3, 3]


@pytest.mark.parametrize(
    "target", ["sharing.OwnGenerator", "sharing.NumpysDice", "sharing.Harmless"]
)
def test_a_trial_leaves_every_generator_as_it_was(target: str) -> None:
    plan = planned(jobs(target))
    before = torch.get_rng_state(), random.getstate(), str(np.random.get_state())
    vmap_blocker(plan)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), str(np.random.get_state()))


LOSSES = {
    "Plain": None,
    "Uncertain": "the loss has a parameter of its own, 'log_scale'",
    "Counting": "",
    "Rarely": f"the loss's 'calls' {CHANGES}",
    "Moving": "",
    "MovingInPlace": "",
    "Noisy": "it draws at random",
}


@pytest.mark.parametrize("target", LOSSES)
def test_a_loss_is_stacked_only_where_it_gives_what_it_gives_alone(target: str) -> None:
    words = [
        *DIABETES,
        *SGD,
        "allow=[support.own_parts]",
        f"loss._target_=support.own_parts.losses.{target}",
    ]
    configs = variants(words, [{"optimizer.lr": 0.01 * (n + 1)} for n in range(3)])
    reason, wanted = reason_for(configs), LOSSES[target]
    assert (reason is None) == (wanted is None)
    assert wanted is None or wanted in str(reason)
    if reason is None:
        assert_alike(stacked(configs), [alone(config) for config in configs])


def test_the_reason_is_told_by_validate_and_train(seedbed: Callable) -> None:
    words = [*IRIS, "seed=1,2,3", "allow=[support.own_parts]"]
    words += ["model._target_=support.own_parts.sharing.RandomFeatures"]
    told = f"note: 3 jobs run singly: 'projection' {SEEDS} (model RandomFeatures)"
    for command in (["validate", "-m"], ["train", "-m"]):
        result = seedbed(*command, *words)
        assert result.code == 0
        assert told in result.out
    always = seedbed("train", "-m", *words, "sweep.fuse=always")
    assert always.code == 2
    assert f"3 jobs cannot fuse: 'projection' {SEEDS}" in always.err


def test_validate_says_nothing_of_jobs_that_fuse(seedbed: Callable) -> None:
    result = seedbed("validate", "-m", *IRIS, "seed=1,2")
    assert (result.code, "singly" in result.out) == (0, False)
