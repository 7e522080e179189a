"""What a comparison says, in sentences: the verdict, what mattered, what must be known of both."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seedbed.analysis.folds import Folds
from seedbed.analysis.importance import Importance
from seedbed.analysis.intervals import COVERAGE
from seedbed.analysis.settings import REPEATS, SEED, OneSetting, Setting, SettingsCompared
from seedbed.analysis.variance import Share, Variance
from seedbed.analysis.verdict import Verdict
from seedbed.catalog.values import distinct_texts
from seedbed.config.hints import counted

MOST_SHARES = 6
"""Of those that are told in a line."""

LEAST_SHARE = 0.01
"""Of one that is told by name."""

ENOUGH = 10
"""Seeds; of fewer it is said how narrow their intervals are."""

LONGEST_LABEL = 80
"""Characters of a setting within a sentence."""


Labels = Mapping[Setting, Mapping[str, Any]]


def value_text(value: Any) -> str:
    """A setting as it would be typed; five digits of a number."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.5g}"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def setting_texts(labels: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The values of settings by key, as texts that are not the same where the values are not."""
    if not labels:
        return []
    columns = [distinct_texts([label[key] for label in labels], value_text) for key in labels[0]]
    rows = zip(*columns, strict=True) if columns else [()] * len(labels)
    return [dict(zip(labels[0], texts, strict=True)) for texts in rows]


def label_text(label: Mapping[str, Any]) -> str:
    """`optimizer.lr=0.01 model=custom`."""
    return _label(setting_texts([label])[0])


def _label(texts: Mapping[str, str]) -> str:
    text = _whole(texts)
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def number_text(value: float) -> str:
    """Four digits of it."""
    return f"{value:.4g}"


def p_text(p: float) -> str:
    """Two digits of it, never 0."""
    return f"{p:.2g}"


def verdict_sentence(compared: SettingsCompared, labels: Labels, metric: str) -> str:
    """The best against the next; empty where there is one setting alone."""
    said = compared.verdict
    if said is None:
        return ""
    best, following = (labels[one.setting] for one in compared.settings[:2])
    names = " against the next, ".join(_told_apart(best, following))
    noun = "seed" if compared.settings[0].folds is None else "fold"
    return f"verdict: {said.words}: {names}{_numbers(said, metric, noun)}"


def _told_apart(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, str]:
    """Two settings; where they are long, by the keys alone in which they differ."""
    first, second = setting_texts([first, second])
    if max(len(_whole(first)), len(_whole(second))) > LONGEST_LABEL:
        keys = [key for key in first if first[key] != second[key]]
        first, second = ({key: one[key] for key in keys} for one in (first, second))
    return _label(first), _label(second)


def _whole(texts: Mapping[str, str]) -> str:
    return " ".join(f"{key}={text}" for key, text in texts.items())


def _numbers(said: Verdict, metric: str, noun: str) -> str:
    if said.difference is None or said.p is None or said.superiority is None:
        return ""
    over = f"\n  {counted(said.n, noun)} in common: {metric}"
    if said.equal:
        return f"{over} the same on every one"
    way = "higher" if said.difference > 0 else "lower"
    by = (
        f"{way} by {number_text(abs(said.difference))}"
        if said.difference
        else "the same in the mean"
    )
    between = ""
    if said.interval is not None:
        low, high = sorted(map(abs, said.interval))
        if (said.interval[0] < 0) == (said.interval[1] < 0):
            between = f" ({number_text(low)} to {number_text(high)})"
        else:
            between = f" (difference from {number_text(said.interval[0])} to "
            between += f"{number_text(said.interval[1])})"
    return f"{over} {by}{between}, p {p_text(said.p)}, P(A beats B) {said.superiority:.2g}"


def variance_sentence(variance: Variance) -> str:
    """The shares of the keys, of pairs, of the rest and of the seed."""
    told = shares_text(variance.shares)
    if variance.noise is None:
        return f"what mattered: {told}, the seed was not swept, and its noise is in all of them"
    return f"what mattered: {told}, the seed (noise) {percent(variance.noise)}"


def importance_sentence(compared: SettingsCompared, found: Importance | str) -> str:
    """What mattered, or why that is not told.

    Args:
        compared: of its settings.
        found: what mattered, or why it is not known.
    """
    if compared.variance is not None:
        return variance_sentence(compared.variance)
    noise = compared.noise
    seed = "" if noise is None else f"; the seed (noise) has {percent(noise)} of the variance"
    if isinstance(found, str):
        return f"what mattered: not told, as {found}{seed}"
    return (
        f"what mattered ({found.method}, as {found.why}: what sets the best tenth of the runs "
        f"apart): {shares_text(found.shares)}{seed}"
    )


def shares_text(shares: Sequence[Share]) -> str:
    """The largest by name, the others together."""
    named = [one for one in shares[:MOST_SHARES] if one.share >= LEAST_SHARE]
    named = named or list(shares[:1])
    told = [f"{share_name(one)} {percent(one.share)}" for one in named]
    others = shares[len(named) :]
    if others:
        noun = "other" if len(others) == 1 else "others together"
        told.append(f"{len(others)} {noun} {percent(sum(one.share for one in others))}")
    return ", ".join(told)


def share_name(one: Share) -> str:
    """The key, the pair of keys, or the rest."""
    return " with ".join(one.keys) if one.keys else "three keys and more together"


def percent(share: float) -> str:
    """Whole percents; below ten one digit more."""
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"


def _of_folds(folds: Folds) -> str:
    if folds.chained:
        return (
            "blocks of data.split.time train on ever more rows; mean and ± std are of all runs, "
            "and no interval or test fits them"
        )
    return (
        "folds share training rows and are not independent: runs of the same rows count once, by "
        "their mean, and interval and p are those of the corrected resampled t-test (Nadeau and "
        f"Bengio 2003), by {folds.overlap:.3g} rows that validate for each that trains; ± std is "
        "that of all runs"
    )


def _of_other_repetitions(over: Sequence[str]) -> str:
    """That seeds are spoken of where other keys tell the repetitions apart."""
    if len(over) == 1:
        return f"where a seed is spoken of, it is a value of {over[0]}"
    pair = " and ".join(over)
    return (
        f"where a seed is spoken of, it is a pair of values of {pair}; runs that share one of them "
        "are not independent, so that p and the intervals come out too small"
    )


def remarks(
    compared: SettingsCompared, labels: Labels, metric: str, over: Sequence[str]
) -> Iterable[str]:
    """What must be known to read the table: runs without a value, unequal seeds, few seeds."""
    folds = compared.settings[0].folds if compared.settings else None
    if folds is not None:
        yield _of_folds(folds)
    if (over and not set(over) <= {*REPEATS}) or (
        over and folds is None and tuple(over) != (SEED,)
    ):
        yield _of_other_repetitions(over)
    yield from _lost(compared.settings, metric)
    for one in compared.deceptive:
        assert one.mean is not None
        yield (
            f"{label_text(labels[one.setting])} stands behind, though {one.n} of its "
            f"{len(one.trials)} runs have a value, with a mean of {number_text(one.mean)}"
        )
    if compared.repeated:
        verb = "repeats" if compared.repeated == 1 else "repeat"
        yield (
            f"{counted(compared.repeated, 'run')} {verb} a setting and seed; of those the newest "
            "counts that completed"
        )
    if over and compared.unequal_seeds:
        yield "not all settings have values of the same seeds; they are compared on those in common"
    sizes = [one.n for one in compared.settings if one.n in COVERAGE]
    if over and folds is None and sizes and min(sizes) < ENOUGH:
        held = round(100 * COVERAGE[min(sizes)])
        yield (
            f"a 95 % interval of {min(sizes)} seeds is too narrow: it holds the mean in {held} of "
            "100 cases, of 10 seeds in 90, of 20 in 92; the verdict does not go by it"
        )


def _lost(settings: Sequence[OneSetting], metric: str) -> Iterable[str]:
    counts: Counter[str] = Counter()
    for one in settings:
        counts.update(one.without_value)
    if not counts:
        return
    told = ", ".join(f"{number} {why}" for why, number in counts.items())
    behind = sum(one.lost > 0 for one in settings)
    who = "1 setting stands" if behind == 1 else f"{behind} settings stand"
    name = metric or "a value"  # none is known before an epoch has ended
    yield f"without {name}: {told}{f'; {who} behind the others for it' if behind else ''}"
