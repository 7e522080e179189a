"""Files that runs of one training have in common: how their data was prepared, and where."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from seedbed.config.strategies import SHARDED
from seedbed.data.prepared import PreparedData
from seedbed.runs.code import code_of
from seedbed.runs.directory import RunDirectory
from seedbed.runs.environment import environment
from seedbed.runs.files import json_text
from seedbed.runs.reader import read_json
from seedbed.runs.same_files import SameFiles
from seedbed.training.arithmetic import arithmetic
from seedbed.training.run_components import RunComponents


class SharedFiles:
    """Writes `preprocessing.json` and `environment.json`; equal ones are names of one file.

    Args:
        plan: of the first run.
        threads: of the CPU that the runs are trained with.
        resolved: the configs of the runs.
    """

    def __init__(
        self, plan: RunComponents, threads: int, resolved: Sequence[Mapping[str, Any]]
    ) -> None:
        self.plan = plan
        self.threads = threads
        self.resolved = resolved
        self._texts: dict[int, tuple[bytes, bytes]] = {}
        self._same = SameFiles()

    def write(self, directory: RunDirectory, data: PreparedData) -> None:
        """The files of one run."""
        if id(data) not in self._texts:
            made_with = {
                **self._environment,
                **_ranks(self.plan, directory),
                "data": dict(data.fingerprint),
            }
            fitted = data.preprocessing.to_json(class_counts=self.plan.head.is_balanced)
            texts = (json_text(fitted), json_text(made_with))
            self._texts[id(data)] = (f"{texts[0]}\n".encode(), f"{texts[1]}\n".encode())
        files = (directory.preprocessing, directory.environment)
        for path, content in zip(files, self._texts[id(data)], strict=True):
            directory.files.write_same(path, content, self._same)

    @cached_property
    def _environment(self) -> dict[str, Any]:
        """Asked for once, as it asks git; but for the data."""
        settings = arithmetic(self.plan.config.trainer)
        code = code_of(self.resolved[0])
        return environment(str(self.plan.device), self.threads, settings, code)


def _ranks(plan: RunComponents, directory: RunDirectory) -> dict[str, Any]:
    """How many a run has that has any, and had before it was gone on with."""
    trainer = plan.config.trainer
    now: dict[str, Any] = {"ranks": plan.ranks} if trainer.is_ranked else {}
    if trainer.is_sharded:
        now["strategy"] = trainer.strategy
    if not directory.environment.exists():
        return now
    made = read_json(directory.environment)
    before, ranks = made.get("ranks_before"), made.get("ranks", 1)
    numbers = [*(before if isinstance(before, list) else []), ranks]
    earlier = [number for number in numbers if type(number) is int]
    is_split = plan.ranks > 1 and trainer.is_sharded
    is_other = is_split != (ranks != 1 and made.get("strategy") == SHARDED)
    if before or is_other or any(number != plan.ranks for number in earlier):
        now["ranks_before"] = earlier
    return now
