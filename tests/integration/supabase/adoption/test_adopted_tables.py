"""An adopter's tables and ours in daily use, after the mapping of docs/adopting.md (R6)."""

from uuid import uuid4

import psycopg
import pytest

from support.adoption import Adoption, Block, account_id
from support.cluster import Cluster
from support.roster import ORG, Records

pytestmark = pytest.mark.xdist_group("adoption")  # one project is adopted once for all of them
GUIDE = 3
NEW = "insert into people (person, name, section, portal_no) values (%s, 'New', 'N', 900)"
OF_GUIDE = """
    select p.person from guidance as g inner join people as p using (person)
    where g.guide = %s and g.is_current and p.state = 'ok' and mod(p.portal_no, 5) <> 0 limit 1
"""


def test_a_mentor_who_is_entered_or_changed_is_in_step(valley: Adoption) -> None:
    """Way 3: what the app writes is in our table at once, except for the status."""
    db, records, person, account = valley.db, Records(valley.db), uuid4(), account_id(9)
    with db.transaction(force_rollback=True):
        db.execute(NEW, (person,))
        (mentor,) = records.rows("select * from peer_mentors where id = %s", person)
        assert (mentor["org_id"], mentor["status"], mentor["portal_key"]) == (ORG, "active", "900")
        db.execute(
            "update people set section = null, portal_no = 901, login = %s where person = %s",
            (account, person),
        )
        (mentor,) = records.rows("select * from peer_mentors where id = %s", person)
        assert (mentor["chapter_id"], mentor["user_id"]) == (None, account)
        assert (mentor["portal_key"], mentor["version"]) == ("901", 1)
        assert [row[2] for row in valley.findings()] == [
            f"active mentors without any certification: 1, for example {person}"
        ]


def test_chapters_and_members_are_in_step(valley: Adoption) -> None:
    """A removed member loses all rights in the same transaction."""
    db, records, boss = valley.db, Records(valley.db), account_id(1)
    with db.transaction(force_rollback=True):
        db.execute("update sections set label = 'Far north' where code = 'N'")
        assert records.rows("select from chapters where name = 'Far north'") == [{}]
        db.execute("insert into sections values ('E', 'East')")
        assert len(records.rows("select from chapters")) == 3
        db.execute("delete from sections where code = 'E'")
        assert len(records.rows("select from chapters")) == 2
        db.execute("delete from officers where login = %s", (boss,))
        assert records.rows("select from org_members where user_id = %s", boss) == []
        assert valley.findings() == []


def test_an_id_never_changes(valley: Adoption) -> None:
    """History, runs and the portal's state refer to the mentor by it."""
    change = "update people set person = gen_random_uuid() where person = %s"
    with (
        valley.db.transaction(force_rollback=True),
        pytest.raises(psycopg.errors.RaiseException, match="never changes"),
    ):
        valley.db.execute(change, valley.person(12))


def test_only_a_mentor_who_is_inactive_is_deleted(valley: Adoption) -> None:
    """The history keeps its mentors. Our row of a mentor who has left names no person."""
    db, person, delete = valley.db, uuid4(), "delete from people where person = %s"
    with db.transaction(force_rollback=True):
        db.execute(NEW, (person,))
        with (
            pytest.raises(psycopg.errors.RaiseException, match="is not inactive"),
            db.transaction(),
        ):
            db.execute(delete, (person,))
        db.execute("select update_mentor_status(%s, %s, 'inactive', 'has_left')", (person, ORG))
        db.execute(delete, (person,))
        (mentor,) = Records(db).rows("select * from peer_mentors where id = %s", person)
        assert (mentor["user_id"], mentor["portal_key"]) == (None, None)
        assert valley.findings() == []


def test_mentors_are_not_truncated(valley: Adoption) -> None:
    """A truncated table would not say which mentors it had."""
    with (
        valley.db.transaction(force_rollback=True),
        pytest.raises(psycopg.errors.RaiseException, match=r"app\.people is not truncated"),
    ):
        valley.db.execute("truncate app.people cascade")


def test_the_app_sees_the_status_and_cannot_write_it(valley: Adoption, cluster: Cluster) -> None:
    """The column keeps its old name, and the adopter's own policies apply."""
    ((person,),) = valley.db.execute(OF_GUIDE, (account_id(GUIDE),)).fetchall()
    see = "select state from people where person = %s"
    change = "select update_mentor_status(%s, %s, %s, 'agreed')"
    with valley.as_person(cluster, GUIDE) as app:
        assert app.execute(see, (person,)).fetchall() == [("ok",)]
        app.execute(change, (person, ORG, "paused"))
        assert app.execute(see, (person,)).fetchall() == [("rest",)]
        app.execute(change, (person, ORG, "active"))
        with pytest.raises(psycopg.Error, match='column "state" of view "people"'):
            app.execute("update people set state = 'rest' where person = %s", (person,))
        moved = app.execute("update people set section = section where person = %s", (person,))
        assert moved.rowcount == 1
        certified = "select from certifications where mentor_id = %s"
        assert len(app.execute(certified, (person,)).fetchall()) == 1


def test_the_apps_functions_and_inserts_still_work(valley: Adoption) -> None:
    """The view has the table's columns and types. The status is visible from the next statement."""
    function = (
        "create function public.everyone() returns setof app.people language sql"
        " as 'select * from public.people'"
    )
    enter = "insert into people (person, name) values (%s, 'New') returning state"
    with valley.db.transaction(force_rollback=True):
        valley.db.execute(function)
        assert len(valley.db.execute("select * from public.everyone()").fetchall()) == 200
        person = uuid4()
        assert valley.db.execute(enter, (person,)).fetchall() == [(None,)]
        state = valley.db.execute("select state from people where person = %s", (person,))
        assert state.fetchall() == [("ok",)]


def test_a_new_coordinator_of_a_chapter_sees_its_mentors_at_once(
    valley: Adoption, cluster: Cluster
) -> None:
    """Way 2: our view reads the adopter's own table."""
    appoint, account = "insert into section_guides values (%s, 'N')", account_id(7)
    with valley.as_person(cluster, 7) as app:
        before = len(app.execute("select from peer_mentors").fetchall())
        valley.db.execute(appoint, (account,))
        after = len(app.execute("select from peer_mentors").fetchall())
    valley.db.execute("delete from section_guides where login = %s", (account,))
    assert before < after


def test_an_adopter_can_go_back(valley: Adoption) -> None:
    """The app can write its table again, and nothing of ours is in its way."""
    with valley.db.transaction(force_rollback=True):
        valley.db.execute("drop schema adopted cascade; drop view public.people")
        valley.db.execute("alter table app.people set schema public")
        valley.db.execute("update people set condition = 'gone', portal_no = portal_no + 1000")
        assert valley.db.execute("delete from people where name = 'Person 9'").rowcount == 1


def test_strangers_see_nothing_through_the_views(valley: Adoption, cluster: Cluster) -> None:
    """S4: the adopter's policies apply, and the default grants are revoked."""
    with valley.as_person(cluster, 50) as stranger:
        for table in ("people", "certifications", "assignments", "peer_mentors"):
            assert stranger.execute(b"select from " + table.encode()).fetchall() == []
    with psycopg.connect(cluster.url_as(valley.db, "anon"), autocommit=True) as anonymous:
        for table in ("people", "certifications", "assignments"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                anonymous.execute(b"select from " + table.encode())


def test_a_view_of_certifications_is_enough_while_the_portal_is_off(valley: Adoption) -> None:
    """Ending a run and listing for the sync only read it. Reading the portal writes to it."""
    records = Records(valley.db)
    with valley.db.transaction(force_rollback=True):
        ((run, *_),) = valley.type(Block.NIGHT)
        assert records.rows("select count_run_renewals(%s) as n", run) == [{"n": 0}]
        assert len(records.rows("select from list_all_portal_states(%s, null, 500)", ORG)) == 180
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="cannot update view"):
            valley.db.execute("select finish_portal_reading(%s, %s)", (ORG, uuid4()))
