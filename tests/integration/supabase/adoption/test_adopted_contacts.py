"""An adopter's own names, addresses and languages, and its settings (W1, W3, W6)."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from support.adoption import Adoption, Block, account_id
from support.cluster import Cluster
from support.documents import ROOT, walk
from support.roster import ORG

pytestmark = pytest.mark.xdist_group("adoption")  # one project is adopted once for all of them


def digests(valley: Adoption) -> dict[str, Any]:
    """Begin every digest that is due; return the language by the address."""
    found: dict[str, Any] = {}
    call = "select email, language from begin_digest(%s, gen_random_uuid())"
    while rows := valley.db.execute(call, (ORG,)).fetchall():
        if rows[0][0] is not None:
            found[rows[0][0]] = rows[0][1]
    return found


def persons(valley: Adoption, audience: str) -> set[UUID]:
    """Return who has messages."""
    query = "select distinct person_id from messages where audience = %s"
    return {row[0] for row in valley.db.execute(query, (audience,)).fetchall()}


def test_a_night_is_sent_to_the_addresses_of_the_adopters_tables(valley: Adoption) -> None:
    """W3: paused and warned mentors, their coordinators, and the administrators (G2).

    W6: the others have no address.
    """
    with valley.db.transaction(force_rollback=True):
        valley.type(Block.NIGHT)
        sent = digests(valley)
        mentors = valley.db.execute(
            "select mail from people where person = any(%s) and mail <> ''",
            (list(persons(valley, "mentor")),),
        ).fetchall()
        officers = valley.db.execute(
            "select mail from addresses where login = any(%s)",
            (list(persons(valley, "coordinator") | persons(valley, "admin")),),
        ).fetchall()
        silent = valley.db.execute("select count(*) from messages where state = 'no_address'")
        assert silent.fetchone() != (0,)
    assert len(mentors) > 100
    assert len(officers) > 3
    assert set(sent) == {row[0] for row in [*mentors, *officers]}
    assert set(sent.values()) == {"nb"}


def test_a_new_address_counts_for_the_next_message(valley: Adoption) -> None:
    """W6: a view has no copy that could be old."""
    (person,) = valley.person(5)
    with valley.db.transaction(force_rollback=True):
        assert why(valley, person) == [("no_address",)]
        valley.db.execute("update people set mail = 'new@example.no' where person = %s", (person,))
        assert why(valley, person) == []


def why(valley: Adoption, mentor: UUID) -> list[Any]:
    """Ask as the administrator why a mentor is not reached."""
    with valley.db.transaction(force_rollback=True):
        valley.db.execute(
            "select set_config('role', 'authenticated', true),"
            " set_config('request.jwt.claims', json_build_object('sub', %s::text)::text, true)",
            (account_id(1),),
        )
        return valley.db.execute(
            "select why from list_unreachable_mentors(%s, null, 1000) where mentor_id = %s",
            (ORG, mentor),
        ).fetchall()


def test_people_read_contacts_by_the_adopters_own_policies(
    valley: Adoption, cluster: Cluster
) -> None:
    """S4: strangers read nothing; a member who has left is no contact."""
    for account in (1, 50):
        with valley.as_person(cluster, account) as app:
            for table in ("mentor_contacts", "member_contacts"):
                assert app.execute(b"select from " + table.encode()).fetchall() == []
    with valley.as_person(cluster, 3) as guide:
        assert guide.execute("select from mentor_contacts").fetchall() != []
    with psycopg.connect(cluster.url_as(valley.db, "anon"), autocommit=True) as anonymous:
        for table in ("mentor_contacts", "member_contacts"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                anonymous.execute(b"select from " + table.encode())
    with valley.db.transaction(force_rollback=True):
        known = "select from member_contacts where user_id = %s"
        assert valley.db.execute(known, (account_id(3),)).fetchall() == [()]
        valley.db.execute("delete from officers where login = %s", (account_id(3),))
        assert valley.db.execute(known, (account_id(3),)).fetchall() == []


def test_an_organisation_can_choose_its_days(valley: Adoption) -> None:
    """W1: by the page's own block."""
    (block,) = walk("adopting-settings", [ROOT / "docs/adopting.md"])
    with valley.db.transaction(force_rollback=True):
        valley.db.execute(valley.project.adapt(block.text).encode())
        valley.type(Block.NIGHT)
        found = valley.db.execute("select distinct stage from warnings").fetchall()
        assert found == []  # the certifications expire in 90 days
        valley.db.execute("update organisation_settings set warning_days = '{100}'")
        valley.type(Block.NIGHT)
        found = valley.db.execute("select distinct stage from warnings").fetchall()
        assert found == [(100,)]
        assert valley.findings() == []
