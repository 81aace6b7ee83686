"""Decides whether last night was all right."""

from collections.abc import Mapping
from typing import Any


def all_is_well(night: Mapping[str, Any], portal: Mapping[str, Any]) -> bool:
    """Whether the monitor found no problem, and no mentor waits too long for the portal.

    A portal that is switched off is all right; a portal that does not answer is not.
    """
    if night["failed"] or night["stale_active_mentors"] or night["night_missed"]:
        return False
    return portal["status"] != "failed" and not portal.get("waiting_over_an_hour")
