"""Whether the last night was all right."""

from collections.abc import Mapping
from typing import Any


def all_is_well(night: Mapping[str, Any], portal: Mapping[str, Any]) -> bool:
    """Whether the last night was all right: the monitor's answer, and who waits for the portal.

    A portal that is switched off is in order; one that cannot be asked is not.
    """
    if night["failed"] or night["stale_active_mentors"] or night["night_missed"]:
        return False
    return portal["status"] != "failed" and not portal.get("waiting_over_an_hour")
