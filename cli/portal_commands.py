"""The commands of HLF's portal."""

import sys
from pathlib import Path
from uuid import UUID

import click

from cli.options import json_option, stack_option

_mapping_type = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(short_help="HLF's portal: check, compare, switch.")
def portal() -> None:
    """HLF's portal: look at it, compare it, switch it on or off."""


@portal.command()
@click.option(
    "--mapping",
    "mapping_file",
    type=_mapping_type,
    help="What the portal calls things (docs/portal.md), instead of the stack's own mapping.",
)
@json_option
@stack_option
def check(mapping_file: Path | None, as_json: bool, stack_name: str | None) -> None:
    """Look whether the portal is as the mapping says.

    It changes nothing. The command asks the portal itself. Without --mapping and --stack that is
    the stand-in of the local stack. With either of them it is the one that PORTAL_URL,
    PORTAL_TENANT, PORTAL_CLIENT_ID and PORTAL_CLIENT_SECRET name in the environment: --stack takes
    the mapping from the deployed stack, and no credential.
    """
    from cli.failures import NotInOrder
    from cli.output import machine, say
    from cli.portal import is_off, look, next_after
    from cli.show.portal import show_findings
    from cli.stacks import open_stack

    findings = look(mapping_file, stack_name)
    if mapping_file is None and is_off(stack := open_stack(stack_name)):
        say(f"the portal is switched off; to switch it on: {stack.command('portal on')}")
    told = [{"what": f.what, "problem": f.problem} for f in findings]
    if not as_json:
        show_findings(findings)
    if found := [finding for finding in findings if finding.problem]:
        raise NotInOrder(
            f"the portal is not in order: {len(found)} of {len(findings)} findings; next:"
            f" {next_after(found, mapping_file, stack_name)}",
            findings=told,
        )
    if as_json:
        machine({"findings": told})


@portal.command()
@json_option
@stack_option
def drift(as_json: bool, stack_name: str | None) -> None:
    """Compare the portal with the database, both ways.

    It changes nothing.
    The deployed function measures, with its own credentials. Exit code 0: nobody differs, and every
    row could be read.
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


@portal.command(short_help="Tell the portal of mentors again.")
@click.argument("mentor_ids", nargs=-1, type=click.UUID)
@click.option("--differing", is_flag=True, help="All whom the drift names, a thousand at a time.")
@stack_option
def again(mentor_ids: tuple[UUID, ...], differing: bool, stack_name: str | None) -> None:
    """Let the next sync run tell the portal of mentors again.

    They need not have changed here: for those whom a hand in the portal has changed, or all of them
    after another mapping.
    """
    from cli.output import result
    from cli.portal import measure_drift
    from cli.stacks import open_stack

    if bool(mentor_ids) == differing:
        raise click.UsageError("name mentors, or say --differing")
    stack = open_stack(stack_name)
    if differing:
        found = measure_drift(stack)["differences"]
        mentor_ids = tuple(UUID(d["mentor_id"]) for d in found if d["mentor_id"])
    with stack.database() as database:
        for mentor_id in mentor_ids:
            database.forget_portal_sync(stack.org_id, mentor_id)
    follow = stack.command("run hlf_sync --follow")
    result(f"the next run tells the portal of {len(mentor_ids)}: {follow}")


@portal.command(short_help="Let the sync reach a portal in order.")
@click.option(
    "--despite",
    multiple=True,
    metavar="FINDING",
    help='Accept a finding, named as the check names it, such as "column hlf_x.hlf_y".',
)
@stack_option
def on(despite: tuple[str, ...], stack_name: str | None) -> None:
    """Let the sync reach the portal if the check finds it in order.

    It does so from its next page on. Otherwise the switch stays as it is, and the exit code is 1.
    --despite accepts one finding; any other one still keeps the portal off.
    """
    from cli.failures import NotInOrder
    from cli.output import result
    from cli.portal import switch_on
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    if not switch_on(stack, despite):
        look_again = stack.command("portal check")
        raise NotInOrder(f"the switch stays as it is; after a change, {look_again} looks again")
    result("the portal is on; within half a minute every page sees it")


@portal.command(short_help="Keep the sync from the portal.")
@stack_option
def off(stack_name: str | None) -> None:
    """Keep the sync from the portal, from its next page on."""
    from cli.output import result
    from cli.portal import switch_off
    from cli.stacks import open_stack

    switch_off(open_stack(stack_name))
    result("the portal is off; within half a minute every page sees it")


@portal.command(name="map")
@click.argument("mapping_file", type=_mapping_type)
@stack_option
def map_(mapping_file: Path, stack_name: str | None) -> None:
    """Store a mapping: what the portal calls things.

    One that is not valid is refused.
    """
    from cli.output import result
    from cli.portal import store_mapping
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    store_mapping(stack, mapping_file.read_text())
    look = stack.command("portal check")
    result(f"the mapping is stored; look whether the portal is like it: {look}")
