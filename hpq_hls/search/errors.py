"""What is wrong with a search's settings, and where among them."""

from __future__ import annotations

from hpq_hls.errors import ConfigError
from hpq_hls.yamlfile import KeyPath, dotted


class SettingError(ConfigError):
    """A setting that cannot be used.

    keys: where it stands among the settings of the search, such as ("layers", "conv1", "weight").
    problem: what is wrong and what to do, as the rest of a sentence that starts with the setting's name.
    """

    def __init__(self, keys: KeyPath, problem: str) -> None:
        super().__init__(keys, problem)  # what pickling makes it from again
        self.keys, self.problem = keys, problem

    def __str__(self) -> str:
        return f"{dotted(self.keys)} {self.problem}"
