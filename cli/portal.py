"""HLF's portal, from the command line."""

import time
from contextlib import closing
from pathlib import Path

from mentor_pause.config import PortalSettings
from mentor_pause.portal import Finding
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.mapping import Mapping
from mentor_pause.portal.requests import Requests, Timing

_SECONDS = 120.0


def check(mapping_file: Path) -> list[Finding]:
    """Look whether the portal of the environment's settings is as the mapping says.

    Raises:
        ConfigurationError: a setting is missing, or the mapping is not valid.
    """
    mapping = Mapping.parse(mapping_file.read_text())
    until = time.monotonic() + _SECONDS
    timing = Timing(remaining=lambda: until - time.monotonic())
    with closing(Dataverse(Requests(PortalSettings.load(), timing), mapping)) as portal:
        return portal.check()
