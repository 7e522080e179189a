"""What Hydra and OmegaConf raise, for mistakes and unawares, and their words in one line."""

import re

import yaml
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

COMPOSITION_ERRORS = (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError)
"""For a mistake in overrides or YAML; ValueError also for text not in UTF-8."""

STUMBLES = (TypeError, AttributeError, LookupError, AssertionError, RecursionError)
"""What Hydra raises unawares, over words such as `data=[null]` and YAML such as `defaults: 3`."""

RAISED = re.compile(r"\w+ raised while resolving interpolation: ")
"""How OmegaConf begins what a resolver raised."""


def one_line(error: BaseException) -> str:
    """What an error says, on one line and not too long."""
    return spaced(str(error).replace("See https://hydra.cc", "See https"))[:300]


def spaced(text: str) -> str:
    """A text on one line."""
    return re.sub(r"\s+", " ", text).strip()
