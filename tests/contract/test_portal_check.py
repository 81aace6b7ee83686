"""The preflight: whether a portal is as the mapping says (H2)."""

import json
import subprocess

import pytest

from local.portal import CLIENT_ID, TENANT, serving
from local.portal_example import MAPPING
from local.portal_tables import Portal
from mentor_pause.portal.dataverse import Dataverse
from support.deployed import COMMAND
from support.portal import (
    SECRET,
    Time,
    connected,
)


def test_a_portal_that_is_as_the_mapping_says_passes_the_preflight(dataverse: Dataverse) -> None:
    """And nothing was changed by looking."""
    findings = dataverse.check()
    assert [f for f in findings if f.problem] == []
    assert {f.what.split()[0] for f in findings} == {
        "credentials", "table", "column", "alternate", "choices", "states", "privilege",
    }  # fmt: skip


def test_the_preflight_says_what_hlf_has_to_change(portal: Portal, dataverse: Dataverse) -> None:
    """One sentence each."""
    mentors, certifications = portal.tables
    mentors.key = None
    del mentors.columns["hlf_statusfrom"]
    mentors.columns["hlf_status"].choices.remove(100000001)
    mentors.columns["hlf_statusreason"].choices.remove(100000029)
    mentors.states.remove((1, 2))
    certifications.entity_set = "hlf_renamed"
    portal.privileges -= {"prvWritehlf_likeperson", "prvReadhlf_likeperson"}
    assert {f.what: f.problem for f in dataverse.check() if f.problem} == {
        "alternate key hlf_likeperson.hlf_mentornumber": (
            "HLF has to define an alternate key on this column alone"
        ),
        "column hlf_likeperson.hlf_statusfrom": "the table has no such column",
        "states of hlf_likeperson": "the table has no status code 2 in state 1",
        "choices of hlf_likeperson.hlf_status": "the column has no choice with the value 100000001",
        "choices of hlf_likeperson.hlf_statusreason": (
            "the column has no choice with the value 100000029"
        ),
        "table hlf_certifications": "the portal has no table of that name (entity set)",
        "privilege prvWritehlf_likeperson": (
            "HLF has to give it to a role of our application user"
        ),
        "privilege prvReadhlf_likeperson": ("HLF has to give it to a role of our application user"),
    }
    assert {method for method, _ in portal.requests} == {"GET", "POST"}


def test_the_preflight_stops_where_the_credentials_do_not_do(portal: Portal, time: Time) -> None:
    """What comes after would only repeat it."""
    portal.client_secret = "another"
    with connected(portal, time) as dataverse:
        (finding,) = dataverse.check()
    assert (finding.what, finding.problem) == (
        "credentials", "the login refused us: invalid_client (HTTP 401)",
    )  # fmt: skip


def test_a_key_whose_index_is_not_ready_and_a_shallow_privilege_are_told(
    portal: Portal, dataverse: Dataverse
) -> None:
    """What is there by name is not always good for use."""
    portal.key_index, portal.depth = "Pending", "Basic"
    problems = {f.what.split()[0]: f.problem for f in dataverse.check() if f.problem}
    assert problems == {
        "alternate": "the key's index is not active yet",
        "privilege": "it reaches only rows that we own (Basic)",
    }


def command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line's preflight with the example's mapping."""
    return subprocess.run(
        [COMMAND, "portal", "check", "--mapping", str(MAPPING), *arguments],
        capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": "/", **environ},
    )  # fmt: skip


def environment(url: str) -> dict[str, str]:
    """The variables that name a portal at `url`."""
    return {
        "PORTAL_URL": url, "PORTAL_LOGIN_URL": url, "PORTAL_TENANT": TENANT,
        "PORTAL_CLIENT_ID": CLIENT_ID, "PORTAL_CLIENT_SECRET": SECRET,
    }  # fmt: skip


def test_the_command_tells_what_hlf_has_to_change(portal: Portal) -> None:
    """Exit code 0 if nothing, 1 if something; JSON for machines."""
    with serving(portal) as url:
        fine = command("--json", **environment(url))
        portal.tables[0].key = None
        lacking = command(**environment(url))
    assert fine.returncode == 0
    assert {"what": "credentials", "problem": None} in json.loads(fine.stdout)
    assert (lacking.returncode, lacking.stdout) == (1, "")
    assert "HLF has to define an alternate key on this column alone" in lacking.stderr


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "PORTAL_URL is not set; PORTAL_TENANT is not set"),
        (environment("http://hlf.example"), "PORTAL_URL: String should match pattern"),
        (environment("https://user:password@hlf.example"), "PORTAL_URL: String should match"),
    ],
)
def test_the_command_needs_its_settings(environ: dict[str, str], sentence: str) -> None:
    """Exit code 2; a secret goes over TLS, and into no address."""
    done = command(**environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in " ".join(done.stderr.split())
    assert SECRET not in done.stderr
