"""Puts the user's config folder in front of Seedbed's own.

Hydra imports this at the start of every Hydra program in the environment, so it stays light and
does nothing unless our command line named a folder.
"""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from seedbed.config.locations import user_conf


class UserConfSearchPath(SearchPathPlugin):
    """Prepends the folder that `seedbed` was started with."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Adds the folder, if there is one."""
        folder = user_conf()
        if folder is not None:
            search_path.prepend(provider="seedbed-user", path=f"file://{folder}")
