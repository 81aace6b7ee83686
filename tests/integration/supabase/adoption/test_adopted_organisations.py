"""An adopter's tables change nothing of another organisation (docs/adopting.md, R6, S4)."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest

from support.adoption import Adoption, account_id
from support.roster import Records

pytestmark = pytest.mark.xdist_group("adoption")  # one project is adopted once for all of them
TOUCH = "update officers set kind = kind"
OTHER = """
    with o as (insert into organisations (slug, time_zone) values ('other', 'UTC') returning id),
    c as (insert into chapters (org_id, name) select id, 'Far' from o returning id, org_id),
    b as (insert into org_members select id, %s, 'admin' from o)
    insert into peer_mentors (org_id, chapter_id, user_id, status)
    select c.org_id, c.id, %s, 'active' from c returning id, chapter_id
"""


@pytest.fixture
def other(valley: Adoption) -> Iterator[tuple[UUID, UUID]]:
    """Another organisation's mentor and chapter; all changes are rolled back."""
    with valley.db.transaction(force_rollback=True):
        ((mentor, chapter),) = valley.db.execute(OTHER, (account_id(50), account_id(51))).fetchall()
        yield mentor, chapter


@pytest.mark.usefixtures("other")
def test_another_organisation_keeps_its_members(valley: Adoption) -> None:
    """A change of the adopter's members removes none of them, and the self-check finds nothing."""
    valley.db.execute(TOUCH)
    theirs = Records(valley.db).rows("select from org_members where user_id = %s", account_id(50))
    assert theirs == [{}]
    assert [row for row in valley.findings() if row[1] == "wrong"] == []


def test_a_new_slug_removes_no_member(valley: Adoption) -> None:
    """The mapping holds the organisation's id."""
    members = "select count(*) from org_members"
    with valley.db.transaction(force_rollback=True):
        before = valley.db.execute(members).fetchone()
        valley.db.execute("update organisations set slug = 'renamed'")
        valley.db.execute(TOUCH)
        assert valley.db.execute(members).fetchone() == before
        assert valley.findings() == []


@pytest.mark.parametrize("is_mentor", [True, False])
def test_a_mentor_of_another_organisation_cannot_be_taken_over(
    valley: Adoption, other: tuple[UUID, UUID], is_mentor: bool
) -> None:
    """A person who may enter a mentor may choose the uuid, and could know this one."""
    enter = "insert into people (person, name, login, is_mentor) values (%s, 'Thief', %s, %s)"
    with (
        pytest.raises(psycopg.errors.RaiseException, match="mentor of another organisation"),
        valley.db.transaction(),
    ):
        valley.db.execute(enter, (other[0], account_id(9), is_mentor))
    (mentor,) = Records(valley.db).rows("select * from peer_mentors where id = %s", other[0])
    assert mentor["user_id"] == account_id(51)


def test_a_chapter_of_another_organisation_cannot_be_taken_over(
    valley: Adoption, other: tuple[UUID, UUID]
) -> None:
    """Its name stays."""
    enter = "insert into sections (code, label, section_uuid) values ('T', 'Thief', %s)"
    with (
        pytest.raises(psycopg.errors.RaiseException, match="chapter of another organisation"),
        valley.db.transaction(),
    ):
        valley.db.execute(enter, (other[1],))
    assert Records(valley.db).rows("select name from chapters where id = %s", other[1]) == [
        {"name": "Far"}
    ]
