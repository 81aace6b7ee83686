"""The portal's client reads and writes mentors and certifications, over HTTP (H1 to H3, H5)."""

from datetime import UTC, date, datetime

import httpx
import pytest

from local.portal import CLIENT_ID, TENANT, serving
from local.portal_tables import Portal
from mentor_pause.errors import PortalError, PortalUnavailable
from mentor_pause.portal import MentorState, NoPortal
from mentor_pause.portal.dataverse import Dataverse
from support.portal import CERTIFICATIONS, MENTORS, PAUSED, SECRET, the_mentor


def test_a_pause_arrives_with_reason_and_day(portal: Portal, dataverse: Dataverse) -> None:
    """H1: a second push changes nothing."""
    for _ in range(2):
        assert dataverse.push(PAUSED) == "updated"
        row = the_mentor(portal)
        assert (row["hlf_status"], row["hlf_statusreason"]) == (100000001, 100000020)
        assert (row["statecode"], row["statuscode"]) == (0, 100000010)
        assert row["hlf_statusfrom"] == "2026-11-22"


def test_a_mentor_whom_the_portal_does_not_know_is_not_created(
    portal: Portal, dataverse: Dataverse
) -> None:
    """H3: because of `If-Match: *`."""
    stranger = MentorState("9999", "paused", "on_leave", date(2026, 11, 22))
    assert dataverse.push(stranger) == "unknown"
    assert len(portal.table(MENTORS).rows) == 1


def test_without_the_condition_the_stand_in_would_create_as_dataverse_does(
    portal: Portal, dataverse: Dataverse
) -> None:
    """The test above can fail."""
    with pytest.raises(PortalError):  # 204 is not what was accepted; the row is there
        dataverse.requests.send(
            "PATCH", f"{MENTORS}(hlf_mentornumber='9999')", {}, {"hlf_status": 100000000}, (999,)
        )
    assert len(portal.table(MENTORS).rows) == 2


@pytest.mark.parametrize("key", ["O'Brien", "''", "Åse Ø.", "a b", "(1)", "1,2='x'"])
def test_a_key_reaches_the_row_that_it_names(
    portal: Portal, dataverse: Dataverse, key: str
) -> None:
    """H3: quotes, spaces and Norwegian letters."""
    row = portal.put(MENTORS, hlf_mentornumber=key, hlf_status=100000000)
    assert dataverse.push(MentorState(key, "paused", "on_leave", date(2026, 1, 1))) == "updated"
    assert row["hlf_status"] == 100000001
    assert the_first(portal)["hlf_status"] == 100000000


def the_first(portal: Portal) -> dict[str, object]:
    """Return the first row of mentors."""
    return next(iter(portal.table(MENTORS).rows.values()))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a/b",
        "a?b",
        "a%b",
        "a&b",
        "a:b",
        "a\\b",
        "a+b",
        "<a>",
        "*",
        "a#b",
        "\ud800",
        "a\x00b",
        "a\x85b",
        "k" * 451,
    ],
)
def test_the_client_refuses_a_key_that_dataverse_does_not_take(
    portal: Portal, dataverse: Dataverse, key: str
) -> None:
    """H3: the client sends no request."""
    with pytest.raises(
        PortalError, match="empty, too long or has a character that no key may have"
    ):
        dataverse.push(MentorState(key, "paused", "on_leave", date(2026, 1, 1)))
    assert portal.requests == []


def test_certifications_come_oldest_first_page_by_page(
    portal: Portal, dataverse: Dataverse
) -> None:
    """H1: the day after the last valid one is stored; rows without a day are skipped."""
    portal.page_size = 2
    for i in (3, 1, 2, 5, 4):
        portal.clock = lambda i=i: datetime(2026, 11, i, tzinfo=UTC)
        portal.put(CERTIFICATIONS, hlf_mentornumber=str(i), hlf_validuntil=f"2027-01-{i:02}")
    portal.clock = lambda: datetime(2026, 11, 6, tzinfo=UTC)
    portal.put(CERTIFICATIONS, hlf_mentornumber="9", hlf_validuntil=None)
    pages = list(dataverse.certifications(datetime(2026, 11, 2, tzinfo=UTC)))
    assert [[r.key for r in page.certifications] for page in pages] == [["2", "3"], ["4", "5"], []]
    first = pages[0].certifications[0]
    assert first.expires_on == date(2027, 1, 3)
    assert first.modified_on == datetime(2026, 11, 2, tzinfo=UTC)
    assert len(list(dataverse.certifications(None))) == 3


def test_every_mentor_of_the_portal_can_be_read(portal: Portal, dataverse: Dataverse) -> None:
    """H5: a choice that the mapping does not know is not a status."""
    portal.put(MENTORS, hlf_mentornumber="2", hlf_status=777)
    portal.put(MENTORS, hlf_mentornumber=None, hlf_status=100000000)
    found = [mentor for page in dataverse.mentors() for mentor in page.mentors]
    assert {(m.key, m.status) for m in found} == {("1017", "active"), ("2", None)}


def test_no_request_is_sent_while_the_portal_is_off() -> None:
    """H2: `NoPortal` takes the place of the client."""
    off = NoPortal()
    assert off.push(PAUSED) == "off"
    assert list(off.mentors()) == []
    for read in (lambda: list(off.certifications(None)), lambda: off.certification("c-1")):
        with pytest.raises(PortalUnavailable, match="the portal is switched off"):
            read()
    assert off.check()[0].problem == "the portal is switched off"


def test_the_stand_in_obeys_conditions_as_dataverse_does(portal: Portal) -> None:
    """FACTS: a stale ETag is 412, a missing row 404; keys are compared without regard to case."""
    with serving(portal) as url, httpx.Client(base_url=url) as http:
        form = {
            "client_id": CLIENT_ID, "client_secret": SECRET, "scope": f"{url}/.default",
            "grant_type": "client_credentials",
        }  # fmt: skip
        token = http.post(f"/{TENANT}/oauth2/v2.0/token", data=form).json()["access_token"]
        http.headers.update({
            "Authorization": f"Bearer {token}", "Accept": "application/json",
            "OData-Version": "4.0", "OData-MaxVersion": "4.0", "Prefer": "odata.maxpagesize=9",
        })  # fmt: skip
        portal.put(MENTORS, hlf_mentornumber="HLF-A", hlf_status=100000000)
        query = f"/api/data/v9.2/{MENTORS}?$select=hlf_mentornumber"
        before = {r["hlf_mentornumber"]: r["@odata.etag"] for r in http.get(query).json()["value"]}

        def patch(key: str, condition: str) -> int:
            return http.patch(
                f"/api/data/v9.2/{MENTORS}(hlf_mentornumber='{key}')",
                json={"hlf_status": 100000001},
                headers={"If-Match": condition},
            ).status_code

        assert patch("hlf-a", before["HLF-A"]) == 204
        assert patch("HLF-A", before["HLF-A"]) == 412
        assert patch("HLF-A", "*") == 204
        assert patch("missing", "*") == 404
