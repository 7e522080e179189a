"""Which settings two runs have in common: jobs are known by them, not by number."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

NOT_OF_A_RUN = ("sweep", "allow")
"""Groups that do not change what a run computes."""


def config_hash(plain: Mapping[str, Any]) -> str:
    """A name for the settings of a run: equal hashes, equal runs."""
    settings = {key: value for key, value in plain.items() if key not in NOT_OF_A_RUN}
    text = json.dumps(settings, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()[:16]
