"""Hydra's loader, which composes the same options of the same files once in a process.

Reading YAML and merging options takes nine tenths of a composition, and knows nothing of the values
that are typed. That much is kept, as bytes; Hydra itself puts the values into a copy, each time. It
is used again while `asked.py` finds every file as it was.
"""

import os
import warnings
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FunctionType, ModuleType
from typing import Any

from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.defaults_list import DefaultsList, Overrides
from hydra.core.default_element import InputDefault
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from seedbed.compose.asked import AskedRepository, Question, is_read_here
from seedbed.compose.latest import Latest, read_again, written

MOST_CHOICES = 200
"""Choices of options that are kept; each takes some 20 kB."""


@dataclass(frozen=True)
class Kept:
    """What is made of a choice of options.

    Args:
        answers: of the files that it was made of.
        defaults: the options in their order, which Hydra only reads.
        written: the config, pickled.
    """

    answers: Mapping[Question, Any]
    defaults: DefaultsList
    written: bytes


_choices: Latest[Kept] = Latest(MOST_CHOICES)


class Composing(AskedRepository):
    """The configs of one composition, and what is known of it so far.

    Attributes:
        key: of the choice of options.
        defaults: the options in their order.
        config: made of them before; None if it is still to be made.
    """

    key: Hashable = None
    defaults: DefaultsList | None = None
    config: DictConfig | None = None

    @contextmanager
    def hearing(self) -> Iterator[None]:
        """What warns is composed anew each time, so that it warns each time."""
        with warnings.catch_warnings(record=True) as said:
            yield
        for one in said:
            self.is_settled = False
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


class KeepingLoader(ConfigLoaderImpl):
    """Composes as Hydra's own does."""

    def _parse_overrides_and_create_caching_repo(
        self, config_name: str | None, overrides: list[str]
    ) -> tuple[list[Override], CachingConfigRepository]:
        if not all(map(is_read_here, self.get_sources())):
            return super()._parse_overrides_and_create_caching_repo(config_name, overrides)
        parsed = OverridesParser.create().parse_overrides(overrides=overrides)
        repository = Composing(self.config_search_path)
        self._process_config_searchpath(config_name, parsed, repository)
        return parsed, repository

    def _load_configuration_impl(self, *args: Any, **settings: Any) -> DictConfig:
        config: DictConfig = _load_with_kept_defaults(self, *args, **settings)
        return config

    def _compose_config_from_defaults_list(self, defaults: Any, repo: Any) -> DictConfig:
        if not isinstance(repo, Composing) or repo.defaults is None:
            return super()._compose_config_from_defaults_list(defaults, repo)
        if repo.config is not None:
            return repo.config
        with repo.hearing():
            config = super()._compose_config_from_defaults_list(defaults, repo)
        if repo.is_settled and (text := written(config)) is not None:
            _choices.put(repo.key, Kept(dict(repo.answers), repo.defaults, text))
        return config


def _defaults_list(
    repo: CachingConfigRepository,
    config_name: str | None,
    overrides_list: list[Override],
    prepend_hydra: bool,
    skip_missing: bool,
) -> DefaultsList:
    """In place of Hydra's `create_defaults_list`: asks first whether the options are kept."""

    def create() -> DefaultsList:
        found: DefaultsList = _create_defaults_list(
            repo, config_name, overrides_list, prepend_hydra, skip_missing
        )
        return found

    if not isinstance(repo, Composing) or not all(map(is_read_here, repo.get_sources())):
        return create()
    overrides = Overrides(repo=repo, overrides_list=overrides_list)
    chosen = _choices_in(overrides_list, overrides)
    repo.is_settled &= not any("$" in str(line) for line in chosen)
    repo.key = (
        *(repo.sources, config_name, chosen, prepend_hydra, skip_missing),
        os.environ.get("SELF_WARNING_AS_ERROR"),  # which Hydra asks for
    )
    kept = _choices.get(repo.key)
    if kept is not None and repo.answers_again(kept.answers):
        repo.config = read_again(kept.written)
    if kept is None or repo.config is None:
        with repo.hearing():
            repo.defaults = create()
        return repo.defaults
    OmegaConf.clear_cache(repo.config)  # of `${now:}`
    overrides.known_choices = dict(kept.defaults.overrides.known_choices)
    repo.defaults = replace(
        kept.defaults, config_overrides=overrides.config_overrides, overrides=overrides
    )
    return repo.defaults


def _choices_in(typed: list[Override], overrides: Overrides) -> tuple[str | None, ...]:
    """Those that choose options, as they were typed; the others set values, or make jobs."""
    values = set(map(id, overrides.config_overrides))
    return tuple(
        one.input_line for one in typed if id(one) not in values and not one.is_sweep_override()
    )


def _named_choices(
    overrides: Overrides, defaults: list[InputDefault], self_added: bool
) -> DictConfig | None:
    """In place of Hydra's `_create_interpolation_map`, of which a default like `${data}` reads.

    Hydra makes one of each config that it comes to, which is a fifth of a composition.
    """
    if not any("${" in str(vars(default)) for default in defaults):
        return None
    return defaults_list._create_interpolation_map(overrides, defaults, self_added)


def _with_names(function: Any, **names: Any) -> Any:
    """The same function, for which some global names mean something else."""
    return _within(function, {**function.__globals__, **names})


def _within(function: Any, names: dict[str, Any]) -> Any:
    """The same function with other global names."""
    copy = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _module_with_names(module: ModuleType, **others: Any) -> dict[str, Any]:
    """What a module holds, for whose functions some of their global names mean something else."""
    names = dict(vars(module))
    for name, one in vars(module).items():
        if isinstance(one, FunctionType) and one.__module__ == module.__name__:
            names[name] = _within(one, names)
    names.update(others)
    return names


_create_defaults_list = _module_with_names(defaults_list, _create_interpolation_map=_named_choices)[
    "create_defaults_list"
]

_load_with_kept_defaults = _with_names(
    ConfigLoaderImpl._load_configuration_impl, create_defaults_list=_defaults_list
)
