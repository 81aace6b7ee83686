"""After a sync, the database holds the certifications that are valid in the portal (H1)."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from mentor_pause.portal import NoPortal
from support.portal import CERTIFICATIONS
from support.portal_wrappers import Meanwhile
from support.roster import YESTERDAY, Roster
from support.sync import MONDAY, PortalRows, SyncNight

ID, KEY, DAY = "hlf_certificationid", "hlf_mentornumber", "hlf_validuntil"
"""The portal's names."""


@pytest.fixture
def mentors(roster: Roster, portal: PortalRows) -> list[UUID]:
    """Two mentors, each with one certification that never came from the portal."""
    found = roster.add_mentors(2)
    portal.add(*found)
    return found


def days(roster: Roster, mentor: UUID) -> list[date]:
    """Return the days of a mentor's certifications that came from the portal."""
    rows = roster.rows(
        "select expires_on from certifications where portal_id is not null and mentor_id = %s",
        mentor,
    )
    return sorted(row["expires_on"] for row in rows)


def test_two_mentors_who_had_each_others_key_get_their_own_certifications(
    night: SyncNight, roster: Roster, portal: PortalRows, mentors: list[UUID]
) -> None:
    """H1: a certification follows its row's key, also if the row does not change."""
    one, other = mentors
    long, short = portal.certify("K-1", date(2029, 12, 31), MONDAY), date(2027, 12, 31)
    portal.certify("K-2", short, MONDAY)
    for mentor, key in ((one, "K-2"), (other, "K-1")):
        roster.db.execute("update peer_mentors set portal_key = %s where id = %s", (key, mentor))
    night.sync()
    assert (days(roster, one), days(roster, other)) == ([date(2028, 1, 1)], [date(2030, 1, 1)])
    for mentor, key in ((one, "K-x"), (other, "K-2"), (one, "K-1")):
        roster.db.execute("update peer_mentors set portal_key = %s where id = %s", (key, mentor))
    night.sync("night-2")
    assert (days(roster, one), days(roster, other)) == ([date(2030, 1, 1)], [date(2028, 1, 1)])
    assert long[KEY] == "K-1"


EDITS: dict[str, tuple[Callable[[SyncNight, dict[str, Any], UUID], object], list[date]]] = {
    "another day": (
        lambda n, row, _: n.portal.change(CERTIFICATIONS, row[ID], **{DAY: "2027-05-31"}),
        [date(2027, 6, 1)],
    ),
    "another mentor": (
        lambda n, row, other: n.portal.change(CERTIFICATIONS, row[ID], **{KEY: str(other)}),
        [],
    ),
    "somebody who is not ours": (
        lambda n, row, _: n.portal.change(CERTIFICATIONS, row[ID], **{KEY: "somebody"}),
        [],
    ),
    "no day": (lambda n, row, _: n.portal.change(CERTIFICATIONS, row[ID], **{DAY: None}), []),
    "no mentor": (lambda n, row, _: n.portal.change(CERTIFICATIONS, row[ID], **{KEY: None}), []),
    "deactivated": (lambda n, row, _: n.portal.deactivate(CERTIFICATIONS, row[ID]), []),
    "deleted": (lambda n, row, _: n.portal.delete(CERTIFICATIONS, row[ID]), []),
    "the same second": (lambda _n, row, _: row.update({DAY: "2027-05-31"}), [date(2027, 6, 1)]),
    "an older moment": (
        lambda _n, row, _: row.update({DAY: "2027-05-31", "modifiedon": "2020-01-01T00:00:00Z"}),
        [date(2027, 6, 1)],
    ),
    "not a day": (
        lambda n, row, _: n.portal.change(CERTIFICATIONS, row[ID], **{DAY: "soon"}),
        [date(2029, 1, 1)],
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_certification_follows_each_edit_of_its_row(
    night: SyncNight, roster: Roster, portal: PortalRows, mentors: list[UUID], edit: str
) -> None:
    """H1, R3: an unreadable row changes nothing here; a deleted or invalid one is removed here."""
    row = portal.certify(mentors[0], date(2028, 12, 31), MONDAY)
    portal.certify(mentors[1], date(2031, 12, 31), MONDAY)
    night.sync()
    assert days(roster, mentors[0]) == [date(2029, 1, 1)]
    act, expected = EDITS[edit]
    act(night, row, mentors[1])
    night.sync("night-2")
    assert days(roster, mentors[0]) == expected
    moved = [date(2029, 1, 1)] if edit == "another mentor" else []
    assert days(roster, mentors[1]) == [*moved, date(2032, 1, 1)]
    own = roster.rows("select expires_on from certifications where portal_id is null")
    assert [found["expires_on"] for found in own] == [YESTERDAY] * 2


def test_a_row_that_is_replaced_by_a_shorter_one_leaves_the_shorter_one(
    night: SyncNight, roster: Roster, portal: PortalRows, mentors: list[UUID]
) -> None:
    """H1: HLF deletes the row and enters another one."""
    row = portal.certify(mentors[0], date(2029, 12, 31), MONDAY)
    night.sync()
    night.portal.delete(CERTIFICATIONS, row[ID])
    portal.certify(mentors[0], date(2027, 12, 31), MONDAY + timedelta(days=1))
    assert night.sync("night-2")["renewed_count"] == 0
    assert days(roster, mentors[0]) == [date(2028, 1, 1)]


def test_a_row_that_was_deactivated_before_the_first_reading_is_skipped(
    night: SyncNight, roster: Roster, portal: PortalRows, mentors: list[UUID]
) -> None:
    """H1: it does not renew the mentor."""
    row = portal.certify(mentors[0], date(2030, 12, 31), MONDAY)
    night.portal.deactivate(CERTIFICATIONS, row[ID])
    assert night.sync()["renewed_count"] == 0
    assert days(roster, mentors[0]) == []


def test_a_certification_that_ended_long_ago_is_not_a_renewal(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1: the mentor has none here, and the portal has one that ended in 2019."""
    mentor = roster.add_mentor()
    roster.db.execute("delete from certifications")
    roster.add_coordinator(mentors=[mentor])
    portal.add(mentor)
    portal.certify(mentor, date(2019, 12, 31), MONDAY)
    assert night.sync()["renewed_count"] == 0
    assert days(roster, mentor) == [date(2020, 1, 1)]
    assert roster.rows("select * from coordinator_notifications") == []


def test_a_mentor_who_is_entered_during_the_reading_gets_the_certification_with_the_next(
    night: SyncNight, roster: Roster, portal: PortalRows, mentors: list[UUID]
) -> None:
    """H1: the certification was on a page that had already been read."""
    night.portal.page_size = 1
    newcomer = uuid4()
    for hours, key in enumerate((newcomer, *mentors)):
        portal.certify(key, date(2028, 12, 31), MONDAY + timedelta(hours=hours))

    def enter() -> None:
        roster.db.execute(
            "insert into peer_mentors (id, org_id, chapter_id) values (%s, %s, %s)",
            (newcomer, roster.org_id, roster.chapter_id),
        )

    meanwhile: list[Callable[[], object]] = [lambda: None, enter]
    night.take_from(lambda remaining: Meanwhile(night.open_portal(remaining), meanwhile))
    night.sync()
    night.take_from(night.open_portal)
    night.sync("night-2")
    assert days(roster, newcomer) == [date(2029, 1, 1)]


@pytest.mark.parametrize("manner", ["small pages", "pages by cookie", "gzip"])
def test_a_row_that_moves_during_the_reading_does_not_count_as_deleted(
    night: SyncNight, roster: Roster, portal: PortalRows, manner: Any
) -> None:
    """H1: the worker asks for a row by its id before it removes the certification."""
    mentors = roster.add_mentors(6)
    portal.add(*mentors)
    rows = [
        portal.certify(m, date(2028, 12, 31), MONDAY + timedelta(hours=n))
        for n, m in enumerate(mentors)
    ]
    night.sync()
    night.portal.manners = {manner}
    night.portal.page_size = 2

    def move() -> None:
        """Move a row that was read to the end, so that the listing by number skips another one."""
        night.portal.change(CERTIFICATIONS, rows[0][ID], hlf_validuntil="2029-12-31")

    meanwhile: list[Callable[[], object]] = [move]
    night.take_from(lambda remaining: Meanwhile(night.open_portal(remaining), meanwhile))
    night.sync("night-2")
    assert days(roster, mentors[0]) == [date(2030, 1, 1)]
    assert [days(roster, m) for m in mentors[1:]] == [[date(2029, 1, 1)]] * 5


def test_a_certification_without_an_answer_of_the_portal_is_kept_and_noted(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1, H3: a row that our application user may no longer see is not a deleted row."""
    mentors = roster.add_mentors(7)
    portal.add(*mentors)
    rows = [portal.certify(m, date(2028, 12, 31), MONDAY) for m in mentors]
    night.sync()
    night.portal.foreign = {row[ID] for row in rows}
    night.forget()
    night.sync("night-2")
    assert all(days(roster, m) == [date(2029, 1, 1)] for m in mentors)
    assert len([path for path in night.asked("GET") if "certifications(" in path]) == 7
    assert str(roster.log()[-1]["error"]).startswith(
        "7 certifications were kept, because the portal did not confirm that they are gone"
        " (the portal refused the request (HTTP 403 0x80048306)), such as "
    )


def test_a_column_that_is_empty_in_every_row_removes_nothing(
    night: SyncNight, roster: Roster, portal: PortalRows, mentors: list[UUID]
) -> None:
    """H1: HLF has secured the column, and did not revoke all certifications."""
    for mentor in mentors:
        portal.certify(mentor, date(2028, 12, 31), MONDAY)
    night.sync()
    night.portal.switch("secured columns", on=True, of=[DAY])
    night.sync("night-2")
    assert [days(roster, m) for m in mentors] == [[date(2029, 1, 1)]] * 2
    assert "has HLF secured a column?" in str(roster.log()[-1]["error"])


def test_while_the_portal_is_switched_off_no_certification_is_removed(
    night: SyncNight, roster: Roster, portal: PortalRows, mentors: list[UUID]
) -> None:
    """H2: also if no mentor has to be sent, so that only the reading could notice the switch."""
    portal.certify(mentors[0], date(2028, 12, 31), MONDAY)
    night.sync()
    night.take_from(lambda _remaining: NoPortal())
    night.sync("night-2")
    assert days(roster, mentors[0]) == [date(2029, 1, 1)]
    assert roster.log()[-1]["error"] == "certifications not read: the portal is switched off"


def test_a_save_that_becomes_visible_late_arrives_with_the_next_sync(
    night: SyncNight, roster: Roster, portal: PortalRows, mentors: list[UUID]
) -> None:
    """H1: a change gets its moment before it becomes visible."""
    night.portal.manners = {"late saves"}
    portal.certify(mentors[0], date(2028, 12, 31), MONDAY)
    night.sync()
    night.portal.manners = set()
    night.sync("night-2")
    night.sync("night-3")
    assert days(roster, mentors[0]) == [date(2029, 1, 1)]
