"""What mattered: an analysis of variance of a full grid, or else PED-ANOVA, as Optuna computes it.

PED-ANOVA tells which keys set the best tenth of the runs apart, not which part of the variance they
explain. Of Optuna's methods it is the one that needs no forest: fANOVA takes 40 s for 1,000 runs,
and on a sum of known effects it came out farther from their shares.
"""

import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.analysis.settings import SettingsCompared
from seedbed.analysis.variance import Share
from seedbed.config.hints import counted, written
from seedbed.errors import ArgumentError

INSTALL = "pip install 'optuna>=5.0'"

ANOVA, PED_ANOVA = "analysis of variance", "PED-ANOVA"

LEAST_RUNS = 20
"""Of which the best tenth is two."""

LARGEST = 1e300
"""Of a number; infinity and what is near to it counts as a name."""

DECADES = 10.0
"""Between the least and the greatest value: from there on a key counts by its logarithm."""


@dataclass(frozen=True)
class Importance:
    """What mattered.

    Args:
        method: `ANOVA`, whose shares are parts of the variance, or `PED_ANOVA`, whose shares tell
            what sets the best tenth of the runs apart.
        shares: of keys, of pairs of keys, and of all else; the largest first.
        noise: the part of the variance within the settings; None where none was repeated.
        why: it is PED-ANOVA; empty for an analysis of variance.
    """

    method: str
    shares: Sequence[Share]
    noise: float | None
    why: str = ""


def importance(compared: SettingsCompared, over: Sequence[str]) -> Importance:
    """What mattered among settings.

    Args:
        compared: with a key at least.
        over: names of what is repeated.

    Raises:
        ArgumentError: if it cannot be told; with why.
    """
    exact = compared.variance
    if exact is not None:
        return Importance(ANOVA, exact.shares, exact.noise)
    try:
        shares = _optuna_shares(compared, over)
    except ArgumentError as err:
        raise ArgumentError(f"{compared.no_variance}; {err}") from err
    return Importance(PED_ANOVA, shares, compared.noise, compared.no_variance)


def _optuna_shares(compared: SettingsCompared, over: Sequence[str]) -> list[Share]:
    """The importance of each key, the largest first; together 1.

    A run that ended without a value counts as the worst.

    Args:
        compared: of its settings, those with a value.
        over: names of what is repeated; they stand among the keys.

    Raises:
        ArgumentError: if there are too few runs, or Optuna is not installed.

    Source: Watanabe, Bansal and Hutter (2023), PED-ANOVA: Efficiently Quantifying Hyperparameter
        Importance in Arbitrary Subspaces.
    """
    trials = [one for some in compared.settings for one in some.trials]
    ended = [one for one in trials if one.is_lost or one.measured is not None]
    values = [one.measured for one in ended if one.measured is not None]
    if len(ended) < LEAST_RUNS or len(set(values)) < 2:
        few = f"{counted(len(ended), 'run')} {'is' if len(ended) == 1 else 'are'}"
        raise ArgumentError(f"{few} too few; it takes {LEAST_RUNS}")
    worst = min(values) if compared.higher else max(values)
    rows = [(*one.setting, *_parts(one.seed)) for one in ended]
    columns = dict(zip([*compared.keys, *over], zip(*rows, strict=True), strict=True))
    found = _pedanova(
        {key: column for key, column in columns.items() if len(set(column)) > 1},
        [worst if one.measured is None else one.measured for one in ended],
        higher=compared.higher,
    )
    return [Share((key,), share, None) for key, share in found.items()]


def _parts(seed: Hashable) -> tuple[Hashable, ...]:
    return seed if isinstance(seed, tuple) else (seed,)


def _pedanova(
    columns: Mapping[str, Sequence[Hashable]], values: Sequence[float], *, higher: bool
) -> dict[str, float]:
    try:
        import optuna
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    except ImportError as err:
        raise ArgumentError(f"{INSTALL} tells it by PED-ANOVA") from err
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # parts of Optuna call themselves experimental
            study = optuna.create_study(direction="maximize" if higher else "minimize")
            kinds = {key: _distribution(column) for key, column in columns.items()}
            taken = {
                key: [_taken(one, kinds[key]) for one in column] for key, column in columns.items()
            }
            study.add_trials(
                [
                    optuna.create_trial(
                        params={key: column[at] for key, column in taken.items()},
                        distributions=kinds,
                        value=value,
                    )
                    for at, value in enumerate(values)
                ]
            )
            found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    finally:
        optuna.logging.set_verbosity(before)
    return {key: float(share) for key, share in found.items()}


def _distribution(column: Sequence[Hashable]) -> Any:
    """Numbers between their least and greatest; all else by its names."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if not all(_is_number(one) for one in column):
        return CategoricalDistribution(sorted({_name(one) for one in column}))
    numbers = [float(one) for one in column]  # type: ignore[arg-type]
    low, high = min(numbers), max(numbers)
    return FloatDistribution(low, high, log=low > 0 and high / low >= DECADES)


def _is_number(value: Hashable) -> bool:
    """Whether it is one that a distribution takes."""
    return isinstance(value, int | float) and abs(value) <= LARGEST


def _taken(value: Any, distribution: Any) -> Any:
    return _name(value) if hasattr(distribution, "choices") else float(value)


def _name(value: object) -> str:
    return value if isinstance(value, str) else written(value)
