"""HLF's portal, from the command line."""

import sys
import time
from contextlib import closing
from pathlib import Path

import click

from cli import show
from cli.options import json_option
from mentor_pause.config import PortalSettings
from mentor_pause.portal import Finding
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.mapping import Mapping
from mentor_pause.portal.requests import Requests, Timing

_SECONDS = 120.0


@click.group()
def portal() -> None:
    """HLF's portal, named by PORTAL_URL, PORTAL_TENANT, PORTAL_CLIENT_ID, PORTAL_CLIENT_SECRET."""


@portal.command()
@click.option(
    "--mapping",
    "mapping_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What the portal calls things; see docs/portal.md.",
)
@json_option
def check(mapping_file: Path, as_json: bool) -> None:
    """Look, without changing anything, whether the portal is as the mapping says."""
    findings = _look(mapping_file)
    if as_json:
        show.machine([{"what": f.what, "problem": f.problem} for f in findings])
    else:
        show.finding_table(findings)
    if any(finding.problem for finding in findings):
        sys.exit(1)


def _look(mapping_file: Path) -> list[Finding]:
    mapping = Mapping.parse(mapping_file.read_text())
    until = time.monotonic() + _SECONDS
    timing = Timing(remaining=lambda: until - time.monotonic())
    with closing(Dataverse(Requests(PortalSettings.load(), timing), mapping)) as portal:
        return portal.check()
