"""The preflight checks whether a portal is as the mapping says (H2)."""

import json
import subprocess

import httpx
import pytest

from local.portal import serving
from local.portal_columns import Column
from local.portal_example import MAPPING
from local.portal_tables import Portal
from mentor_pause.portal.dataverse import Dataverse
from support.deployed import COMMAND
from support.portal import EXAMPLE, SECRET, Time, connected, environment, recorded
from support.portal_edits import TABLES, Break, column, mentors, reach, secured
from support.portal_mistakes import MISTAKES


def test_a_portal_that_is_as_the_mapping_says_passes_the_preflight(dataverse: Dataverse) -> None:
    """The preflight changes nothing."""
    findings = dataverse.check()
    assert [f for f in findings if f.problem] == []
    assert {f.what.split()[0] for f in findings} == {
        "credentials", "table", "column", "alternate", "choices", "states", "privilege",
    }  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_one_finding_for_an_administrator(
    portal: Portal, dataverse: Dataverse, mistake: str
) -> None:
    """H2: the finding says what HLF has to change, and where; the preflight changes nothing."""
    make, what, sentence = MISTAKES[mistake]
    make(portal)
    (found,) = [finding for finding in dataverse.check() if finding.problem]
    assert (found.what, str(found.problem)[: len(sentence)]) == (what, sentence)
    assert {method for method, _ in portal.requests} == {"GET", "POST"}


@pytest.mark.parametrize(
    "arrange",
    [
        secured("read", "update"),
        column("hlf_validuntil", kind="DateTime", secured=True, granted={"read"}),
        reach("Basic", "Global", "Local"),
        reach("Deep", "Basic"),
    ],
)
def test_a_configuration_that_works_has_no_finding(
    portal: Portal, dataverse: Dataverse, arrange: Break
) -> None:
    """A profile grants the column; one role reaches far enough; our unit is the root."""
    arrange(portal)
    assert [finding for finding in dataverse.check() if finding.problem] == []


@pytest.mark.parametrize(
    ("kind", "length", "sentence"),
    [
        ("String", 62, ("it takes 62 characters, and a reason may have 63: HLF has to raise its "
         f"maximum ({TABLES}hlf_likeperson > Columns > hlf_statusreason > Advanced options)")),
        ("Memo", 10, ("it takes 10 characters, and a reason may have 63: HLF has to raise its "
         f"maximum ({TABLES}hlf_likeperson > Columns > hlf_statusreason > Advanced options)")),
        ("Picklist", 0, ("it is a choice column, and the mapping writes text: the mapping needs "
         "reason_values, with the choice for each reason")),
        ("Lookup", 0, ("it is a lookup, and the sync needs a text column, or a choice with "
         "reason_values: HLF has to add such a column, filled with what the lookup refers to, or "
         f"the mapping has to name another ({TABLES}hlf_likeperson > Columns)")),
        ("String", 63, None),
        ("Memo", 2000, None),
    ],
)  # fmt: skip
def test_a_reason_that_is_text_needs_a_text_column_that_is_long_enough(
    portal: Portal, time: Time, kind: str, length: int, sentence: str | None
) -> None:
    """H2: a reason code has up to 63 characters."""
    reason = Column(kind, max_length=length)
    mentors(portal).columns["hlf_statusreason"] = reason
    text = EXAMPLE.model_copy(
        update={"mentors": EXAMPLE.mentors.model_copy(update={"reason_values": None})}
    )
    with connected(portal, time, text) as dataverse:
        problems = [finding.problem for finding in dataverse.check() if finding.problem]
    assert problems == ([sentence] if sentence else [])


def test_each_of_several_mistakes_is_a_finding(portal: Portal, dataverse: Dataverse) -> None:
    """In the order in which HLF would correct them; no mistake hides another."""
    names = ["a set name with a typo", "no alternate key", "a lookup", "no privilege to write"]
    for name in (*names, "a status without its choice", "a secured column that we may only read"):
        MISTAKES[name][0](portal)
    assert [finding.what for finding in dataverse.check() if finding.problem] == [
        "column hlf_likeperson.hlf_status",
        "alternate key hlf_likeperson.hlf_mentornumber",
        "privilege prvWritehlf_likeperson",
        "table hlf_certifications",
    ]


@pytest.mark.parametrize("answer", [{}, {"value": [{}]}, {"value": 7}, {"value": [None]}, []])
def test_an_answer_that_makes_no_sense_is_a_finding(answer: object) -> None:
    """The preflight goes on, and does not ask HLF to change anything."""

    def respond(request: httpx.Request) -> httpx.Response:
        fine = request.url.path.endswith("WhoAmI")
        return httpx.Response(200, json={"UserId": "us"} if fine else answer)

    problems = [finding.problem for finding in recorded(respond).check() if finding.problem]
    assert len(problems) == 2
    assert all("HLF" not in problem for problem in map(str, problems))


def test_without_a_list_of_tables_the_finding_has_no_hint() -> None:
    """The portal may refuse the list; the missing table is still a finding."""

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("WhoAmI"):
            return httpx.Response(200, json={"UserId": "us"})
        return httpx.Response(200 if b"filter" in request.url.query else 403, json={"value": []})

    problems = {str(finding.problem) for finding in recorded(respond).check() if finding.problem}
    assert problems == {
        (
            "the portal has no table with this entity set; HLF finds the right name in "
            f"{TABLES}the table > Tools > Copy set name"
        )
    }


def test_no_finding_repeats_an_address() -> None:
    """E12: the portal's message may hold the address of the request, with its query."""

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("WhoAmI"):
            return httpx.Response(200, json={"UserId": "us"})
        words = "Not found: https://hlf.example/x?token=TOPSECRET, say https://help.example"
        return httpx.Response(400, json={"error": {"code": "0x80060888", "message": words}})

    problems = {str(finding.problem) for finding in recorded(respond).check() if finding.problem}
    assert problems == {
        (
            "the portal refused the request (HTTP 400 0x80060888): "
            "Not found: (an address) say (an address)"
        )
    }


def test_the_preflight_stops_if_the_credentials_do_not_work(portal: Portal, time: Time) -> None:
    """Every further check would fail for the same reason."""
    portal.client_secret = "another"
    with connected(portal, time) as dataverse:
        (finding,) = dataverse.check()
    assert (finding.what, finding.problem) == (
        "credentials", "the login refused us: invalid_client (HTTP 401 AADSTS7000215)",
    )  # fmt: skip


def command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line's preflight with the example's mapping."""
    return subprocess.run(
        [COMMAND, "portal", "check", "--mapping", str(MAPPING), *arguments],
        capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": "/", **environ},
    )  # fmt: skip


def test_the_command_shows_what_hlf_has_to_change(portal: Portal) -> None:
    """Exit code 0 without a problem, 1 with one; `--json` prints an object in both cases."""
    with serving(portal) as url:
        fine = command("--json", **environment(url))
        portal.tables[0].key = None
        lacking = command(**environment(url))
        wrong = command("--json", **environment(url))
    assert fine.returncode == 0
    assert {"what": "credentials", "problem": None} in json.loads(fine.stdout)["findings"]
    assert lacking.returncode == 1
    assert "HLF has to define an alternate key on this column alone" in lacking.stdout
    assert "the portal's check found problems in 1 of " in lacking.stderr
    printed = json.loads(wrong.stdout)
    assert printed.keys() == {"findings", "error", "exit_code"}
    assert (printed["exit_code"], wrong.returncode) == (1, 1)
    assert printed["error"] in wrong.stderr
    assert any(finding["problem"] for finding in printed["findings"])


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "PORTAL_URL is not set; PORTAL_TENANT is not set"),
        (environment("http://hlf.example"), "PORTAL_URL does not begin with https://"),
        (environment("https://user:password@hlf.example"), "PORTAL_URL has a user name or a"),
    ],
)
def test_the_command_needs_its_settings(environ: dict[str, str], sentence: str) -> None:
    """Exit code 2; the client sends a secret only over TLS, and never in an address."""
    done = command(**environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in " ".join(done.stderr.split())
    assert SECRET not in done.stderr
