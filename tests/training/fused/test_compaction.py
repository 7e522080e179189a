"""The bits of a run in a stack do not depend on the others, nor on when they leave."""

from typing import Any

import pytest
from support.single_runs import same_weights
from support.stacked_runs import Kept, alone, assert_alike, stacked, variants

EPOCHS = [3, 7, 1, 7, 5, 2, 3, 6]
JOBS: list[dict[str, Any]] = [
    {"seed": number, "optimizer.lr": 0.0003 * (1 + number), "trainer.epochs": epochs}
    for number, epochs in enumerate(EPOCHS)
]

WORDS = {
    "sgd": [],
    "momentum": ["optimizer.momentum=0.5"],
    "adam onecycle": ["optimizer=adam", "scheduler=onecycle"],
    "rmsprop plateau": ["optimizer=rmsprop", "scheduler=plateau", "scheduler.patience=1"],
    "manual": ["model=manual"],
    "iris": ["data=sklearn", "loader.batch_size=32", "model.hidden=[16, 8]"],
}


@pytest.fixture(scope="module")
def whole() -> dict[str, Kept]:
    """All eight, trained once for each choice of words."""
    return {name: stacked(variants(words, JOBS)) for name, words in WORDS.items()}


@pytest.mark.parametrize(
    "numbers", [[0, 5], [1, 3, 6], [2, 7, 4, 0, 1], [1, 2, 3, 4, 5, 6, 7]], ids=str
)
@pytest.mark.parametrize("name", WORDS)
def test_a_run_has_the_same_bits_whoever_is_with_it(
    name: str, numbers: list[int], whole: dict[str, Kept]
) -> None:
    some = stacked(variants(WORDS[name], [JOBS[number] for number in numbers]))
    for place, number in enumerate(numbers):
        assert same_weights(some.weights[place], whole[name].weights[number])
        assert [{**row, "seconds": 0} for row in some.history[place]] == [
            {**row, "seconds": 0} for row in whole[name].history[number]
        ]


@pytest.mark.parametrize("name", WORDS)
def test_each_leaves_with_what_it_would_have_alone(name: str, whole: dict[str, Kept]) -> None:
    assert_alike(whole[name], [alone(config) for config in variants(WORDS[name], JOBS)])
    assert [len(whole[name].history[run]) for run in range(8)] == EPOCHS


def test_the_last_run_goes_on_alone_after_all_others_stopped_early() -> None:
    words = ["data=sklearn", "loader.batch_size=32", "trainer.epochs=8", "optimizer=adam"]
    jobs = [
        {"trainer.early_stopping.patience": patience, "trainer.early_stopping.min_delta": 10.0}
        for patience in (1, 2, 3, None, 1)
    ]
    configs = variants(words, jobs)
    kept = stacked(configs)
    assert [len(kept.history[run]) for run in range(5)] == [2, 3, 4, 8, 2]
    assert_alike(kept, [alone(config) for config in configs])
