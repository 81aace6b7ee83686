"""HLF's portal, from the command line: the check, the drift, the switch and the mapping."""

import time
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from cli.failures import NotInOrder
from cli.show.portal import show_findings
from cli.stacks import Stack, open_stack
from cli.waiting import waiting
from local.errors import StackError
from mentor_pause.config import PortalSettings
from mentor_pause.portal import Finding
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.mapping import Mapping
from mentor_pause.portal.preflight import CREDENTIALS
from mentor_pause.portal.requests import Requests, Timing
from mentor_pause.portal.source import OFF, ON

_SECONDS = 120.0
_MAPPING, _SWITCH = "PortalMappingName", "PortalSwitchName"


def look(mapping_file: Path | None, stack_name: str | None) -> list[Finding]:
    """Return what the preflight finds in the portal.

    Raises:
        click.UsageError: both a mapping and a stack are named.
    """
    if mapping_file is not None and stack_name is not None:
        raise click.UsageError("--mapping goes with the environment's portal, not with --stack")
    if mapping_file is not None:
        mapping = Mapping.parse(mapping_file.read_text())
        return _ask(mapping, PortalSettings.load())
    return _look_at(open_stack(stack_name))


def next_after(found: Sequence[Finding], mapping_file: Path | None, stack_name: str | None) -> str:
    """Return the next step after findings of the check."""
    if all(finding.what != CREDENTIALS for finding in found):
        return "HLF corrects the portal, or the mapping is corrected: mentor-pause portal map FILE"
    if mapping_file or stack_name:
        return "correct PORTAL_URL, PORTAL_TENANT, PORTAL_CLIENT_ID or PORTAL_CLIENT_SECRET"
    return "end the faults of the stand-in with: mentor-pause local fault none --times 0"


def _look_at(stack: Stack) -> list[Finding]:
    found = stack.parameters().get_parameter(Name=stack.outputs[_MAPPING])
    mapping = Mapping.parse(str(found["Parameter"].get("Value")))
    return _ask(mapping, stack.portal_settings())


def _ask(mapping: Mapping, settings: PortalSettings) -> list[Finding]:
    until = time.monotonic() + _SECONDS
    timing = Timing(remaining=lambda: until - time.monotonic())
    with (
        waiting("waiting for answers of the portal"),
        closing(Dataverse(Requests(settings, timing), mapping)) as found,
    ):
        return found.check()


def measure_drift(stack: Stack) -> dict[str, Any]:
    """Return how far the portal and the database differ, as the deployed function measures it.

    Raises:
        NotInOrder: nothing was measured.
    """
    answer = stack.invoke("PortalDrift", {})
    if answer["status"] == "measured":
        return answer
    if answer["status"] == "off":
        raise NotInOrder(
            "the portal is switched off, so nothing was measured; switch it on with:"
            f" {stack.command('portal on')}",
            **answer,
        )
    reason = answer.get("error", "the function gave no reason")
    look_at = stack.command("portal check")
    raise NotInOrder(f"nothing was measured: {reason}; next: {look_at}", **answer)


def ask_for_waiting(stack: Stack) -> dict[str, Any]:
    """Return who waits for the portal, and whether the portal answers: the drift without names."""
    try:
        answer = stack.invoke("PortalDrift", {})
    except StackError as error:
        return {"status": "failed", "error": str(error)}
    named = ("differences", "certification_differences", "unreadable_rows")
    return {k: v for k, v in answer.items() if k not in named}


def is_off(stack: Stack) -> bool:
    """Whether the portal is switched off."""
    found = stack.parameters().get_parameter(Name=stack.outputs[_SWITCH])
    return found["Parameter"].get("Value") == OFF


def switch_on(stack: Stack, despite: Collection[str] = ()) -> bool:
    """Switch the portal on unless findings of the check refuse it; show those, and return False.

    Raises:
        click.UsageError: `despite` names what is not a finding that can be accepted.
        MentorPauseError: the mapping is not valid, or a setting is missing.
    """
    found = [finding for finding in _look_at(stack) if finding.problem]
    if _refuses(found, despite):
        show_findings(found)
        return False
    _write(stack, _SWITCH, ON)
    return True


def switch_off(stack: Stack) -> None:
    """Switch the portal off."""
    _write(stack, _SWITCH, OFF)


def store_mapping(stack: Stack, text: str) -> None:
    """Store a mapping.

    Raises:
        MentorPauseError: it is not valid; nothing is stored.
    """
    Mapping.parse(text)
    _write(stack, _MAPPING, text)


def _refuses(found: Sequence[Finding], despite: Collection[str]) -> bool:
    """Whether findings keep the switch off.

    Raises:
        click.UsageError: `despite` names something that is not such a finding.
    """
    named = {finding.what for finding in found} - {CREDENTIALS}
    if unknown := sorted(set(despite) - named):
        raise click.UsageError(f"the check has no such finding to accept: {', '.join(unknown)}")
    return any(finding.what not in despite for finding in found)


def _write(stack: Stack, output: str, value: str) -> None:
    stack.parameters().put_parameter(Name=stack.outputs[output], Value=value, Overwrite=True)
