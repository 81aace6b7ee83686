"""The commands about HLF's portal."""

import sys
from pathlib import Path
from uuid import UUID

import click

from cli.options import json_option, stack_option

_mapping_type = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(short_help="HLF's portal: check, compare, switch.")
def portal() -> None:
    """HLF's portal: check it, compare it, switch it on or off."""


@portal.command()
@click.option(
    "--mapping",
    "mapping_file",
    type=_mapping_type,
    help="Use this mapping of names (docs/portal.md) instead of the stack's own mapping.",
)
@json_option
@stack_option
def check(mapping_file: Path | None, as_json: bool, stack_name: str | None) -> None:
    """Check that the portal agrees with the mapping.

    The command asks the portal itself and changes nothing. Without --mapping and --stack it asks
    the local stack's stand-in. With either of them it asks the portal that PORTAL_URL,
    PORTAL_TENANT, PORTAL_CLIENT_ID and PORTAL_CLIENT_SECRET name: --stack takes the mapping from
    the deployed stack, but no credential.
    """
    from cli.failures import NotInOrder
    from cli.output import machine, say
    from cli.portal import check_portal, is_off, next_step
    from cli.show.portal import show_findings
    from cli.stacks import open_stack

    findings = check_portal(mapping_file, stack_name)
    if mapping_file is None and is_off(stack := open_stack(stack_name)):
        say(f"the portal is switched off; to switch it on: {stack.command('portal on')}")
    details = [{"what": f.what, "problem": f.problem} for f in findings]
    if not as_json:
        show_findings(findings)
    if problems := [finding for finding in findings if finding.problem]:
        raise NotInOrder(
            f"the portal's check found problems in {len(problems)} of {len(findings)} items; next:"
            f" {next_step(problems, mapping_file, stack_name)}",
            findings=details,
        )
    if as_json:
        machine({"findings": details})


@portal.command()
@json_option
@stack_option
def drift(as_json: bool, stack_name: str | None) -> None:
    """Compare the portal with the database, both ways.

    The deployed function compares them with its own credentials, and changes nothing. Exit code 0:
    nothing differs, and every row could be read.
    """
    from cli.output import machine
    from cli.portal import measure_drift
    from cli.show.portal import show_drift
    from cli.stacks import open_stack

    answer = measure_drift(open_stack(stack_name))
    if as_json:
        machine(answer)
    else:
        show_drift(answer)
    if any(answer[count] for count in ("differing", "certifications_differing", "unreadable")):
        sys.exit(1)


@portal.command(short_help="Send mentors to the portal again.")
@click.argument("mentor_ids", nargs=-1, type=click.UUID)
@click.option(
    "--differing", is_flag=True, help="All mentors that differ, up to a thousand at a time."
)
@stack_option
def resync(mentor_ids: tuple[UUID, ...], differing: bool, stack_name: str | None) -> None:
    """Let the next sync run send mentors to the portal again, even if they have not changed here.

    Use it for mentors that somebody has changed in the portal, or for all mentors after a change of
    the mapping.
    """
    from cli.output import result
    from cli.portal import measure_drift
    from cli.stacks import open_stack

    if bool(mentor_ids) == differing:
        raise click.UsageError("name mentors, or type --differing")
    stack = open_stack(stack_name)
    if differing:
        differences = measure_drift(stack)["differences"]
        mentor_ids = tuple(UUID(d["mentor_id"]) for d in differences if d["mentor_id"])
    with stack.database() as database:
        for mentor_id in mentor_ids:
            database.reset_portal_sync(stack.org_id, mentor_id)
    follow = stack.command("run hlf_sync --follow")
    result(f"the next run sends {len(mentor_ids)} to the portal: {follow}")


@portal.command(short_help="Switch the portal on if the check passes.")
@click.option(
    "--despite",
    multiple=True,
    metavar="FINDING",
    help='Accept a finding by its name in the check, such as "column hlf_x.hlf_y".',
)
@stack_option
def on(despite: tuple[str, ...], stack_name: str | None) -> None:
    """Switch the portal on if the check passes.

    The sync then writes to the portal from its next page on. If the check fails, the switch stays
    as it is, and the exit code is 1. --despite accepts one finding; any other finding still keeps
    the portal off.
    """
    from cli.failures import NotInOrder
    from cli.output import result
    from cli.portal import switch_on
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    if not switch_on(stack, despite):
        check = stack.command("portal check")
        raise NotInOrder(f"the switch stays as it is; correct the findings, then repeat: {check}")
    result("the portal is on; the workers notice within half a minute")


@portal.command(short_help="Switch the portal off.")
@stack_option
def off(stack_name: str | None) -> None:
    """Switch the portal off: the sync stops writing to it from its next page on."""
    from cli.output import result
    from cli.portal import switch_off
    from cli.stacks import open_stack

    switch_off(open_stack(stack_name))
    result("the portal is off; the workers notice within half a minute")


@portal.command(name="map")
@click.argument("mapping_file", type=_mapping_type)
@stack_option
def map_(mapping_file: Path, stack_name: str | None) -> None:
    """Store a mapping of the portal's names.

    The command refuses a mapping that is not valid.
    """
    from cli.output import result
    from cli.portal import store_mapping
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    store_mapping(stack, mapping_file.read_text())
    check = stack.command("portal check")
    result(f"the mapping is stored; check that the portal agrees with it: {check}")
