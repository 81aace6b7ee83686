"""Decides whether last night was all right."""

from collections.abc import Mapping
from typing import Any


def all_is_well(night: Mapping[str, Any], portal: Mapping[str, Any], *, sends: bool) -> bool:
    """Whether the monitor found no problem, and no mentor waits too long for the portal.

    A portal that is switched off is all right; a portal that does not answer is not. Messages that
    wait are a problem only if the stack sends any. Held mentors are a problem, and so are
    unforeseen pauses above the limits. Unwarned pauses alone are only shown: in the first two weeks
    of an installation every pause is one.
    """
    if night["failed"] or night["stale_active_mentors"] or night["night_missed"]:
        return False
    if night.get("held_mentors") or night.get("unforeseen_pauses"):
        return False
    messages = night.get("messages", {})
    if messages.get("bounced_count") or messages.get("complained_count"):
        return False
    if sends and messages.get("undelivered_count"):
        return False
    return portal["status"] != "failed" and not portal.get("waiting_over_an_hour")
