"""A trigger fills our certifications where HLF's portal is on (docs/adopting.md, R6, H1)."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from support.adoption import VALLEY, Adoption, Block, open_project
from support.cluster import Cluster
from support.roster import ORG

pytestmark = pytest.mark.xdist_group("adoption")  # one project is adopted once for all of them
OURS = "select count(*) from certifications"
ENTER = (
    "insert into licences (person, ends_at, withdrawn_at, licence_uuid) values (%s, now(), {}, %s)"
)
OF_ANOTHER = """
    with o as (insert into organisations (slug, time_zone) values ('other', 'UTC') returning id),
    m as (insert into peer_mentors (org_id, status) select id, 'active' from o returning id)
    insert into certifications (mentor_id, expires_on) select id, '2031-01-01' from m returning id
"""
OF_THE_PORTAL = """
    insert into certifications (mentor_id, expires_on, portal_id)
    select id, '2031-01-01', 'from-there' from peer_mentors where portal_key = '11' returning id
"""


@pytest.fixture(scope="module")
def _with_portal(cluster: Cluster) -> Iterator[Adoption]:
    """The club, whose mapping has no view of certifications."""
    with open_project(cluster, VALLEY) as club:
        club.begin(cluster.server.url(club.db.info.dbname))
        before, _, after = club.text(Block.MAP).partition("-- Way 2: certifications.")
        club.db.execute(before.encode() + after[after.index("-- Way 2: assignments.") :].encode())
        club.type(Block.PORTAL)
        yield club


@pytest.fixture
def club(_with_portal: Adoption) -> Iterator[Adoption]:
    """The club again for each test; its changes are rolled back."""
    with _with_portal.db.transaction(force_rollback=True):
        yield _with_portal


def test_certifications_are_kept_in_step(club: Adoption) -> None:
    """H1: the portal sync writes to our table, so a trigger fills it instead of a view."""
    assert club.type(Block.CHECK) == []
    expired = club.expired()
    assert len(club.type(Block.PREVIEW)) == len(expired) > 0
    club.db.execute("update licences set withdrawn_at = now() where ends_at > now()")
    assert len(club.type(Block.PREVIEW)) == len(club.expired()) > len(expired)
    left = "select count(*) from licences where withdrawn_at is null"
    assert club.db.execute(OURS).fetchone() == club.db.execute(left).fetchone()
    club.db.execute("delete from licences")
    assert club.db.execute(OURS).fetchone() == (0,)
    reading = "select begin_portal_reading(%s, %s), finish_portal_reading(%s, %s)"
    run = uuid4()
    club.db.execute(reading, (ORG, run, ORG, run))
    assert [row[1] for row in club.findings()] == ["note"]


def test_an_import_that_empties_the_table_leaves_nothing_valid(club: Adoption) -> None:
    """E1: the table is truncated, and filled with expired certifications."""
    club.db.execute(OF_ANOTHER)
    club.db.execute(OF_THE_PORTAL)
    club.db.execute("truncate licences")
    assert club.db.execute(OURS).fetchone() == (2,)
    club.db.execute("delete from certifications where portal_id is not null")
    club.db.execute(
        "insert into licences (person, ends_at) select person, '2025-01-01' from people"
    )
    assert len(club.type(Block.PREVIEW)) == len(club.expired()) > 100
    assert [row for row in club.findings() if row[1] == "wrong"] == []


def test_a_certification_that_a_trigger_missed_is_found(club: Adoption) -> None:
    """Otherwise it would keep a mentor active for ever."""
    club.db.execute("alter table licences disable trigger all; delete from licences")
    club.db.execute("alter table licences enable trigger all")
    found = "rows of public.certifications that adopted.certifications does not have: "
    assert [row[2][: len(found)] for row in club.findings() if row[1] == "wrong"] == [found]


@pytest.mark.parametrize("theirs", [OF_ANOTHER, OF_THE_PORTAL])
@pytest.mark.parametrize("withdrawn", ["null", "now()"])
def test_a_certification_of_another_organisation_is_not_taken_over(
    club: Adoption, theirs: str, withdrawn: str
) -> None:
    """A person who may enter a certification may also choose its uuid."""
    ((taken,),) = club.db.execute(theirs.encode()).fetchall()
    with (
        pytest.raises(psycopg.errors.RaiseException, match="another organisation, or the portal's"),
        club.db.transaction(),
    ):
        club.db.execute(ENTER.format(withdrawn).encode(), (*club.person(12), taken))
    kept = "select expires_on::text from certifications where id = %s"
    assert club.db.execute(kept, (taken,)).fetchall() == [("2031-01-01",)]
