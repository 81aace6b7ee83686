"""HLF's portal on the command line: the check, the drift, the switch and the mapping."""

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


def check_portal(mapping_file: Path | None, stack_name: str | None) -> list[Finding]:
    """Return the findings of the portal's preflight check.

    Raises:
        click.UsageError: the caller named both a mapping and a stack.
    """
    if mapping_file is not None and stack_name is not None:
        raise click.UsageError(
            "--mapping uses the portal of the environment; leave out --mapping or --stack"
        )
    if mapping_file is not None:
        mapping = Mapping.parse(mapping_file.read_text())
        return _run_preflight(mapping, PortalSettings.load())
    return _check_stack(open_stack(stack_name))


def next_step(
    findings: Sequence[Finding], mapping_file: Path | None, stack_name: str | None
) -> str:
    """Return what the operator does next about findings of the check."""
    if all(finding.what != CREDENTIALS for finding in findings):
        return "ask HLF to correct the portal, or correct the mapping: mentor-pause portal map FILE"
    if mapping_file or stack_name:
        return "correct PORTAL_URL, PORTAL_TENANT, PORTAL_CLIENT_ID or PORTAL_CLIENT_SECRET"
    return "end the stand-in's faults with: mentor-pause local fault none --times 0"


def _check_stack(stack: Stack) -> list[Finding]:
    answer = stack.parameters().get_parameter(Name=stack.outputs[_MAPPING])
    mapping = Mapping.parse(str(answer["Parameter"].get("Value")))
    return _run_preflight(mapping, stack.portal_settings())


def _run_preflight(mapping: Mapping, settings: PortalSettings) -> list[Finding]:
    until = time.monotonic() + _SECONDS
    timing = Timing(remaining=lambda: until - time.monotonic())
    with (
        waiting("waiting for the portal to answer"),
        closing(Dataverse(Requests(settings, timing), mapping)) as portal,
    ):
        return portal.check()


def measure_drift(stack: Stack) -> dict[str, Any]:
    """Have the deployed function compare the portal with the database; return its answer.

    Raises:
        NotInOrder: the function could not compare them.
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
    check = stack.command("portal check")
    raise NotInOrder(f"nothing was measured: {reason}; next: {check}", **answer)


def measure_waiting(stack: Stack) -> dict[str, Any]:
    """Return the counts of the drift: how many mentors wait, and whether the portal answers."""
    try:
        answer = stack.invoke("PortalDrift", {})
    except StackError as error:
        return {"status": "failed", "error": str(error)}
    lists = ("differences", "certification_differences", "unreadable_rows")
    return {k: v for k, v in answer.items() if k not in lists}


def is_off(stack: Stack) -> bool:
    """Whether the portal is switched off."""
    answer = stack.parameters().get_parameter(Name=stack.outputs[_SWITCH])
    return answer["Parameter"].get("Value") == OFF


def switch_on(stack: Stack, despite: Collection[str] = ()) -> bool:
    """Switch the portal on unless the check has findings; return whether it is on.

    It shows the findings that keep the portal off. `despite` names findings to accept.

    Raises:
        click.UsageError: `despite` names something that is not a finding, or cannot be accepted.
        MentorPauseError: the mapping is not valid, or a setting is missing.
    """
    findings = [finding for finding in _check_stack(stack) if finding.problem]
    if _keep_off(findings, despite):
        show_findings(findings)
        return False
    _write(stack, _SWITCH, ON)
    return True


def switch_off(stack: Stack) -> None:
    """Switch the portal off."""
    _write(stack, _SWITCH, OFF)


def store_mapping(stack: Stack, text: str) -> None:
    """Store a mapping.

    Raises:
        MentorPauseError: the mapping is not valid; nothing is stored.
    """
    Mapping.parse(text)
    _write(stack, _MAPPING, text)


def _keep_off(findings: Sequence[Finding], despite: Collection[str]) -> bool:
    """Whether findings keep the portal switched off.

    Raises:
        click.UsageError: `despite` names something that is not a finding, or cannot be accepted.
    """
    acceptable = {finding.what for finding in findings} - {CREDENTIALS}
    if unknown := sorted(set(despite) - acceptable):
        raise click.UsageError(f"the check has no such finding to accept: {', '.join(unknown)}")
    return any(finding.what not in despite for finding in findings)


def _write(stack: Stack, output: str, value: str) -> None:
    stack.parameters().put_parameter(Name=stack.outputs[output], Value=value, Overwrite=True)
