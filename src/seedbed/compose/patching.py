"""A config that Hydra composed, and what it is with other values, in plain containers.

A copy shares with the config, and with other copies, every group that is the same in both, so that
whatever is made of a group can be kept for all jobs that have it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from omegaconf import AnyNode, DictConfig, ListConfig

from seedbed.compose.compose import hydra_part, job_part, unresolved_part
from seedbed.compose.job_overrides import JobOverride
from seedbed.compose.references import References, UnclearError
from seedbed.config.key_paths import NOTHING, Path, value_at

Kind = Literal["value", "reference", "mapping", "list"]
Write = tuple[Path, Any]


class Base:
    """A config as Hydra composed it from the choices of options.

    Args:
        config: Hydra's part and ours, interpolations and all.
        others: the overrides that it was composed with.
    """

    def __init__(self, config: DictConfig, others: Sequence[JobOverride]) -> None:
        job = job_part(config)
        self.raw = unresolved_part(job)
        self.hydra = hydra_part(config)
        self.taken = {one.path for one in others if one.path is not None}
        self.is_simple = all(one.simple for one in others)
        self.kinds = dict(_kinds(job, ()))
        self.references = References(
            self.raw, lambda path: self.kinds.get(path) in ("value", "reference")
        )
        self._groups: dict[tuple[int, str], Any] = {}
        self.values: dict[Path, Any] = {}
        self.resolved = self.raw
        try:
            self.values = self.references.values(self.raw)
        except UnclearError:  # each job may do without what is unclear
            return
        self.resolved = self._with(self.raw, [(p, _copied(v)) for p, v in self.values.items()])

    def patched(
        self, overrides: Sequence[JobOverride]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The config with the values of plain overrides: with its interpolations, and resolved.

        Both are shared: not to be changed. None if only Hydra and OmegaConf can say what it is.
        """
        if not self._takes(overrides):
            return None
        writes: list[Write] = [
            (override.path, override.value) for override in overrides if override.path is not None
        ]
        raw = self._with(self.raw, writes)
        try:
            values = self.references.values(raw)
        except UnclearError:
            return None
        for path, value in values.items():
            if not _same(value, self.values.get(path, self)):
                writes.append((path, _copied(value)))
        return raw, self._with(self.resolved, writes)

    def misses(self, overrides: Iterable[JobOverride]) -> bool:
        """Whether a override sets a key that is not there."""
        return any(value_at(self.raw, override.path or ()) is NOTHING for override in overrides)

    def _takes(self, overrides: Sequence[JobOverride]) -> bool:
        """Whether each override only puts a value in the place of another."""
        paths = self.taken.union(override.path for override in overrides)
        return all(self._fits(override) for override in overrides) and not any(
            path[:end] in paths for path in paths if path for end in range(1, len(path))
        )

    def _fits(self, override: JobOverride) -> bool:
        kind = self.kinds.get(override.path or ())
        if kind is None or not self.is_simple or override.path in self.taken:
            return False
        if kind == "mapping":  # at the top it may be a group of a folder that only Hydra knows
            return not isinstance(override.value, list) and len(override.path or ()) > 1
        return True

    def _with(self, whole: dict[str, Any], writes: Sequence[Write]) -> dict[str, Any]:
        result = dict(whole)
        within: dict[Any, list[Write]] = {}
        for path, value in writes:
            if len(path) == 1:
                result[str(path[0])] = value
            else:
                within.setdefault(path[0], []).append((path[1:], value))
        for group, inner in within.items():
            key = (id(whole[group]), repr(inner))
            if key not in self._groups:
                self._groups[key] = _put(whole[group], inner)
            result[group] = self._groups[key]
        return result


def _put(container: Any, writes: Sequence[Write]) -> Any:
    """A copy with other values; what they leave alone is shared."""
    copied = container.copy()
    within: dict[Any, list[Write]] = {}
    for path, value in writes:
        if len(path) == 1:
            copied[path[0]] = value
        else:
            within.setdefault(path[0], []).append((path[1:], value))
    for key, inner in within.items():
        copied[key] = _put(copied[key], inner)
    return copied


def _copied(value: Any) -> Any:
    """Containers anew: a YAML file would tell that two places hold the same one."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, dict | list):
        return value is other
    return type(value) is type(other) and repr(value) == repr(other)


def _kinds(node: Any, path: Path) -> Iterator[tuple[Path, Kind]]:
    """The nodes whose values OmegaConf neither checks nor converts, by path."""
    if isinstance(node, AnyNode):
        yield path, "reference" if node._is_interpolation() else "value"
    elif isinstance(node, DictConfig | ListConfig) and _is_open(node):
        is_mapping = isinstance(node, DictConfig)
        yield path, "mapping" if is_mapping else "list"
        keys: Any = node.keys() if is_mapping else range(len(node))
        for key in keys:
            yield from _kinds(node._get_node(key), (*path, key))


def _is_open(node: DictConfig | ListConfig) -> bool:
    kept = node._metadata
    typed = (kept.ref_type, kept.element_type) != (Any, Any) or kept.object_type not in (dict, list)
    return not (typed or kept.flags or node._is_none() or node._is_interpolation())
