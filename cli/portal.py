"""HLF's portal, from the command line."""

import sys
import time
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from botocore.exceptions import BotoCoreError, ClientError

from cli import show
from cli.options import json_option, stack_option
from cli.stacks import Stack, open_stack
from local.errors import StackError
from mentor_pause.config import PortalSettings
from mentor_pause.portal import Finding
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.mapping import Mapping
from mentor_pause.portal.preflight import CREDENTIALS
from mentor_pause.portal.requests import Requests, Timing
from mentor_pause.portal.source import OFF, ON

_SECONDS = 120.0


@click.group()
def portal() -> None:
    """HLF's portal: whether it is as mapped, how far it differs, and the switch that lets us in."""


@portal.command()
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What the portal calls things (docs/portal.md), instead of the stack's own mapping.",
)
@json_option
@stack_option
def check(mapping_file: Path | None, as_json: bool, stack_name: str | None) -> None:
    """Look, without changing anything, whether the portal is as the mapping says.

    The portal is the one of PORTAL_URL, PORTAL_TENANT, PORTAL_CLIENT_ID and PORTAL_CLIENT_SECRET
    in the environment, but without --mapping and --stack the stand-in of the local stack.
    """
    findings = _look(mapping_file, stack_name)
    if as_json:
        show.machine([{"what": f.what, "problem": f.problem} for f in findings])
    else:
        show.finding_table(findings)
    if any(finding.problem for finding in findings):
        sys.exit(1)


def _look(mapping_file: Path | None, stack_name: str | None) -> list[Finding]:
    if mapping_file is not None and stack_name is not None:
        raise click.UsageError("--mapping goes with the environment's portal, not with --stack")
    if mapping_file is not None:
        return _ask(mapping_file.read_text(), PortalSettings.load())
    return _look_at(open_stack(stack_name))


def _look_at(stack: Stack) -> list[Finding]:
    return _ask(_read(stack, "PortalMappingName"), stack.portal_settings())


def _ask(text: str, settings: PortalSettings) -> list[Finding]:
    mapping = Mapping.parse(text)
    until = time.monotonic() + _SECONDS
    timing = Timing(remaining=lambda: until - time.monotonic())
    with closing(Dataverse(Requests(settings, timing), mapping)) as found:
        return found.check()


@portal.command()
@json_option
@stack_option
def drift(as_json: bool, stack_name: str | None) -> None:
    """Compare the portal with the database, both ways, changing nothing.

    The deployed function measures, with its own credentials. Exit code 0: nobody differs, and every
    row could be read.
    """
    answer = open_stack(stack_name).invoke("PortalDrift", {})
    if as_json:
        show.machine(answer)
    elif answer["status"] == "measured":
        show.drift(answer)
    if answer["status"] != "measured":
        show.problem(str(answer.get("error", "the portal is switched off; nothing was measured")))
    counts = ("differing", "certifications_differing", "unreadable")
    if answer["status"] != "measured" or any(answer[count] for count in counts):
        sys.exit(1)


def ask_for_waiting(stack: Stack) -> dict[str, Any]:
    """Return who waits for the portal, and whether the portal answers: the drift without names."""
    try:
        answer = stack.invoke("PortalDrift", {})
    except StackError as error:
        return {"status": "failed", "error": str(error)}
    named = ("differences", "certification_differences", "unreadable_rows")
    return {k: v for k, v in answer.items() if k not in named}


@portal.command()
@click.argument("mentor_ids", nargs=-1, type=click.UUID)
@click.option("--differing", is_flag=True, help="All whom the drift names, a thousand at a time.")
@stack_option
def again(mentor_ids: tuple[UUID, ...], differing: bool, stack_name: str | None) -> None:
    """Let the next sync run tell the portal of these mentors again, though they have not changed.

    For those whom a hand in the portal has changed, or all of them after another mapping.
    """
    if bool(mentor_ids) == differing:
        raise click.UsageError("name mentors, or say --differing")
    stack = open_stack(stack_name)
    if differing:
        mentor_ids = _differing(stack)
    with stack.database() as database:
        for mentor_id in mentor_ids:
            database.forget_portal_sync(stack.org_id, mentor_id)
    show.say(
        f"the next run tells the portal of {len(mentor_ids)}: mentor-pause run hlf_sync --follow"
    )


def _differing(stack: Stack) -> tuple[UUID, ...]:
    answer = stack.invoke("PortalDrift", {})
    if answer["status"] != "measured":
        raise StackError(str(answer.get("error", "the portal is switched off")))
    return tuple(UUID(d["mentor_id"]) for d in answer["differences"] if d["mentor_id"])


@portal.command()
@click.option(
    "--despite",
    multiple=True,
    metavar="FINDING",
    help='Accept a finding, named as the check names it, such as "column hlf_x.hlf_y".',
)
@stack_option
def on(despite: tuple[str, ...], stack_name: str | None) -> None:
    """Let the sync reach the portal, from its next page on, if the check finds it in order.

    Otherwise the switch stays as it is, and the exit code is 1. --despite accepts one finding; any
    other one still keeps the portal off.
    """
    if not switch_on(open_stack(stack_name), despite):
        again = f"mentor-pause portal check{f' --stack {stack_name}' if stack_name else ''}"
        show.problem(f"the switch stays as it is; after a change, {again} looks again")
        sys.exit(1)
    show.say("the portal is on; within half a minute every page sees it")


def switch_on(stack: Stack, despite: Collection[str] = ()) -> bool:
    """Switch the portal on unless findings of the check refuse it; show those, and return False.

    Raises:
        click.UsageError: `despite` names what is not a finding that can be accepted.
        MentorPauseError: the mapping is not valid, or a setting is missing.
        StackError: the stack cannot be asked.
    """
    found = [finding for finding in _look_at(stack) if finding.problem]
    if _refuses(found, despite):
        show.finding_table(found)
        return False
    _write(stack, "PortalSwitchName", ON)
    return True


def _refuses(found: Sequence[Finding], despite: Collection[str]) -> bool:
    """Whether findings keep the switch off.

    Raises:
        click.UsageError: `despite` names something that is not such a finding.
    """
    named = {finding.what for finding in found} - {CREDENTIALS}
    if unknown := sorted(set(despite) - named):
        raise click.UsageError(f"the check has no such finding to accept: {', '.join(unknown)}")
    return any(finding.what not in despite for finding in found)


@portal.command()
@stack_option
def off(stack_name: str | None) -> None:
    """Keep the sync from the portal, from its next page on."""
    _write(open_stack(stack_name), "PortalSwitchName", OFF)
    show.say("the portal is off; within half a minute every page sees it")


@portal.command(name="map")
@click.argument("mapping_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@stack_option
def map_(mapping_file: Path, stack_name: str | None) -> None:
    """Say what the portal calls things; a mapping that is not valid is refused."""
    text = mapping_file.read_text()
    Mapping.parse(text)
    _write(open_stack(stack_name), "PortalMappingName", text)
    show.say("the mapping is stored; look whether the portal is like it: mentor-pause portal check")


def _read(stack: Stack, output: str) -> str:
    try:
        found = stack.parameters().get_parameter(Name=stack.outputs[output])
    except (BotoCoreError, ClientError) as error:
        raise StackError(
            f"the parameter {stack.outputs[output]} cannot be read: {error}"
        ) from error
    return str(found["Parameter"].get("Value"))


def _write(stack: Stack, output: str, value: str) -> None:
    name = stack.outputs[output]
    try:
        stack.parameters().put_parameter(Name=name, Value=value, Overwrite=True)
    except (BotoCoreError, ClientError) as error:
        raise StackError(f"the parameter {name} cannot be written: {error}") from error
