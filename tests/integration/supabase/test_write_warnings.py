"""`write_warnings`: who is warned, when, and how often (W1)."""

from datetime import date
from uuid import UUID, uuid4

import psycopg
import pytest

from support.cluster import Cluster
from support.outbox import Outbox
from support.people import People
from support.roster import ORG, Roster


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


def set_days(outbox: Outbox, days: list[int]) -> None:
    """Let the organisation choose its stages."""
    outbox.roster.db.execute(
        "insert into organisation_settings values (%s, %s) on conflict (org_id)"
        " do update set warning_days = excluded.warning_days",
        (ORG, days),
    )


@pytest.mark.parametrize(
    ("days_left", "stages"),
    [
        (-1, []), (0, []), (1, [7]), (7, [7]), (8, [14]), (14, [14]), (15, [30]), (30, [30]),
        (31, [90]), (90, [90]), (91, []),
    ],
)  # fmt: skip
def test_a_mentor_is_at_the_nearest_stage(
    outbox: Outbox, days_left: int, stages: list[int]
) -> None:
    """W1: both borders of each stage; on the day itself the mentor is paused, not warned."""
    mentor = outbox.add_mentor(days_left)
    assert outbox.warn() == len(stages)
    assert outbox.stages().get(mentor, []) == stages


def test_each_stage_comes_once_in_a_quarter_of_nights(outbox: Outbox) -> None:
    """W1: 100 nights, each called twice."""
    mentor = outbox.add_mentor(100)
    written = [outbox.warn(day) + outbox.warn(day) for day in range(101)]
    assert outbox.stages() == {mentor: [90, 30, 14, 7]}
    assert [day for day, count in enumerate(written) if count] == [10, 70, 86, 93]


def test_after_missed_nights_a_mentor_gets_one_warning(outbox: Outbox) -> None:
    """W1: the nearest stage only."""
    mentor = outbox.add_mentor(100)
    for day in (20, 95, 96, 99):
        outbox.warn(day)
    assert outbox.stages() == {mentor: [90, 7]}


@pytest.mark.parametrize("days", [[10], [1], [365], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], []])
def test_an_organisation_chooses_its_stages(outbox: Outbox, days: list[int]) -> None:
    """W1: also none, the shortest and the longest."""
    set_days(outbox, days)
    mentor = outbox.add_mentor(370)
    for day in range(371):
        outbox.warn(day)
    assert outbox.stages().get(mentor, []) == sorted(days, reverse=True)


@pytest.mark.parametrize("days", [[0], [366], [-7], [7, 7], list(range(1, 12)), [None], [7, None]])
def test_stages_that_make_no_sense_are_refused(outbox: Outbox, days: list[int]) -> None:
    """R5: one to 365 days, each once, at most ten."""
    with pytest.raises(psycopg.errors.CheckViolation):
        set_days(outbox, days)


def test_a_stage_that_is_added_or_removed_later_repeats_nothing(outbox: Outbox) -> None:
    """W1: a mentor who was warned at a later stage is not warned at an earlier one."""
    mentor = outbox.add_mentor(100)
    outbox.warn(10)
    outbox.warn(70)
    set_days(outbox, [90, 60, 7])
    assert [outbox.warn(day) for day in (71, 80, 92)] == [0, 0, 0]
    set_days(outbox, [90, 60, 30, 20, 7])
    assert [outbox.warn(day) for day in (79, 80, 81)] == [0, 1, 0]
    assert outbox.stages() == {mentor: [90, 30, 20]}


def test_a_renewed_mentor_is_not_warned(outbox: Outbox) -> None:
    """W1: before the first warning, and between two."""
    renewed, later = outbox.add_mentor(25), outbox.add_mentor(25)
    outbox.roster.certify(renewed, outbox.in_days(400))
    assert outbox.warn() == 1
    outbox.roster.certify(later, outbox.in_days(500))
    assert [outbox.warn(day) for day in range(30)] == [0] * 30
    assert outbox.stages() == {later: [30]}


def test_a_moved_date_is_another_date(outbox: Outbox) -> None:
    """W1: the key is mentor, expiry date and stage."""
    mentor = outbox.add_mentor(25)
    outbox.warn()
    outbox.roster.db.execute("update certifications set expires_on = expires_on + 2")
    assert (outbox.warn(), outbox.warn()) == (1, 0)
    outbox.roster.db.execute("update certifications set expires_on = expires_on - 2")
    assert outbox.warn() == 0
    assert outbox.stages() == {mentor: [30, 30]}


def test_the_latest_certification_counts_once(outbox: Outbox) -> None:
    """E1: earlier ones, and two of the same day."""
    mentor = outbox.add_mentor(3)
    for days in (25, 25, -400):
        outbox.roster.certify(mentor, outbox.in_days(days))
    assert outbox.warn() == 1
    assert outbox.stages() == {mentor: [30]}
    (message,) = outbox.messages()
    assert (message["mentor_ids"], message["expires_on"]) == ([mentor], outbox.in_days(25))


@pytest.mark.parametrize("status", ["paused", "inactive"])
def test_only_active_mentors_are_warned(outbox: Outbox, status: str) -> None:
    """W1: once active again, the mentor is warned at the stage of that day."""
    mentor = outbox.add_mentor(100)
    change = "update peer_mentors set status = %s where id = %s"
    outbox.roster.db.execute(change, (status, mentor))
    assert [outbox.warn(day) for day in (10, 70)] == [0, 0]
    outbox.roster.db.execute(change, ("active", mentor))
    assert outbox.warn(80) == 1
    assert outbox.stages() == {mentor: [30]}


@pytest.mark.parametrize("day", ["infinity", "-infinity", "9999-12-31", "0001-01-01 BC"])
def test_a_day_without_end_warns_nobody(outbox: Outbox, day: str) -> None:
    """R4: a certification that never expires, beside one that does."""
    mentor = outbox.add_mentor(25)
    outbox.roster.db.execute(
        "insert into certifications (mentor_id, expires_on) values (%s, %s)", (mentor, day)
    )
    assert outbox.warn() == (1 if day in ("-infinity", "0001-01-01 BC") else 0)


def test_the_mentor_and_each_coordinator_get_one_message(outbox: Outbox) -> None:
    """W3: in the transaction of the warnings; a coordinator's message names all mentors."""
    user = uuid4()
    mentors = sorted([outbox.add_mentor(25), outbox.add_mentor(5)])
    with_account = outbox.add_mentor(10, user=user)
    coordinator = outbox.add_coordinator(*mentors)
    by_chapter = outbox.roster.add_coordinator(chapters=[outbox.roster.chapter_id])
    former = outbox.add_coordinator(*mentors)
    outbox.roster.db.execute("delete from org_members where user_id = %s", (former,))
    outbox.warn()
    found = {(row["audience"], row["person_id"]): row for row in outbox.messages()}
    assert {key: row["mentor_ids"] for key, row in found.items()} == {
        ("mentor", mentors[0]): [mentors[0]],
        ("mentor", mentors[1]): [mentors[1]],
        ("mentor", user): [with_account],
        ("coordinator", coordinator): mentors,
        ("coordinator", by_chapter): sorted([*mentors, with_account]),
    }
    assert {row["kind"] for row in found.values()} == {"warning"}
    assert found["coordinator", coordinator]["expires_on"] == outbox.in_days(5)
    assert {row["job_run_id"] for row in found.values()} == {None}


def test_another_organisation_is_left_alone(outbox: Outbox) -> None:
    """R5: and the job role may not ask for it."""
    other = UUID(int=9)
    outbox.roster.db.execute("insert into organisations (id, slug) values (%s, 'other')", (other,))
    mentor = outbox.add_mentor(25)
    outbox.roster.db.execute(
        "update peer_mentors set org_id = %s, chapter_id = null where id = %s", (other, mentor)
    )
    assert outbox.warn() == 0


def test_a_call_writes_at_most_p_limit(outbox: Outbox) -> None:
    """R5: in the order of the mentors; the next call goes on."""
    mentors = sorted(outbox.add_mentor(25) for _ in range(5))
    assert outbox.warn(limit=2) == 2
    assert sorted(outbox.stages()) == mentors[:2]
    assert [outbox.warn(limit=2) for _ in range(3)] == [2, 1, 0]


@pytest.mark.parametrize(("days", "sqlstate"), [(1, None), (2, "22023"), (-30, None)])
def test_a_job_warns_for_no_later_day_than_tomorrow(
    outbox: Outbox, cluster: Cluster, days: int, sqlstate: str | None
) -> None:
    """R5: a job role that looks ahead would use up the warnings."""
    url, day = cluster.url(outbox.roster.db), outbox.in_days(days)
    with psycopg.connect(url, autocommit=True) as job:
        try:
            job.execute("select write_warnings(%s, %s)", (ORG, day))
            found = None
        except psycopg.Error as error:
            found = error.sqlstate
    assert found == sqlstate


@pytest.mark.parametrize("day", [None, date.max])
def test_a_day_is_needed(outbox: Outbox, day: date | None) -> None:
    """R5."""
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        outbox.roster.db.execute("select write_warnings(%s, %s)", (ORG, day))


@pytest.mark.parametrize(
    ("day", "limit", "refusal"),
    [
        ("2026-03-01", None, "p_limit is out of bounds"),
        ("2026-03-01", 0, "p_limit is out of bounds"),
        ("2026-03-01", 1_000_001, "p_limit is out of bounds"),
        ("infinity", 1, "p_as_of is out of bounds"),
        (None, 1, "p_as_of is missing, or after tomorrow"),
    ],
)
def test_a_refusal_names_what_is_wrong(
    outbox: Outbox, day: str | None, limit: int | None, refusal: str
) -> None:
    """R5: and the limit may be one, or a million."""
    call = "select write_warnings(%s, %s, %s)"
    with pytest.raises(psycopg.Error, match=refusal) as refused:
        outbox.roster.db.execute(call, (ORG, day, limit))
    assert refused.value.sqlstate == "22023"
    for good in (1, 1_000_000):
        outbox.roster.db.execute(call, (ORG, outbox.today, good))


def test_two_calls_at_once_warn_each_mentor_once(outbox: Outbox, cluster: Cluster) -> None:
    """W1: the second call waits for the first one, and writes what that has left."""
    people = People(outbox.roster, cluster)
    mentors = [outbox.add_mentor(25) for _ in range(3)]
    url = cluster.url_as(outbox.roster.db, "service_role")
    with psycopg.connect(url) as first, psycopg.connect(url, autocommit=True) as second:
        call = "select write_warnings(%s, %s, %s)"
        assert first.execute(call, (ORG, outbox.today, 2)).fetchone() == (2,)
        waiting = people.in_background(
            lambda: second.execute(call, (ORG, outbox.today, 1000)).fetchone()
        )
        people.wait_for_a_lock()
        first.commit()
        assert waiting.result(5) == (1,)
    assert outbox.stages() == {mentor: [30] for mentor in mentors}
    told = [row["mentor_ids"] for row in outbox.messages() if row["audience"] == "mentor"]
    assert sorted(told) == sorted([mentor] for mentor in mentors)
