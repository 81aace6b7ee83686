"""How far portal and database differ, measured both ways (H5)."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from aws_lambda_powertools import Logger, Metrics

from local.portal_tables import Portal as StandIn
from local.portal_tables import Row
from mentor_pause.config import PortalSourceSettings
from mentor_pause.errors import PortalUnavailable
from mentor_pause.portal import Certification, MentorPage, Portal, PortalMentor
from mentor_pause.portal.source import PortalSource
from portal_drift.measure import Drift, MeasureDrift
from portal_drift.report import Answer, Report
from portal_drift.waiting import CountWaiting, Waiting
from support.cluster import Cluster
from support.metrics import emitted
from support.night import Clients
from support.portal import CERTIFICATIONS, MENTORS
from support.portal_doors import Around
from support.roster import ORG, TODAY, YESTERDAY, Roster
from support.sync import PortalRows, SyncNight, open_sync, pause

NOW = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def night(aws: Clients, roster: Roster, cluster: Cluster) -> Iterator[SyncNight]:
    """A portal and a database; a sync needs few pages."""
    with open_sync(aws, roster, cluster, page_size=100) as found:
        yield found


@pytest.fixture
def portal(night: SyncNight) -> PortalRows:
    """What people see and do in the portal."""
    return PortalRows(night.portal)


def measuring(night: SyncNight) -> MeasureDrift:
    """The comparison, at the end of the century."""
    return MeasureDrift(ORG, night.doors, night.open_portal, night.retry, lambda: NOW)


def measure(night: SyncNight) -> Drift:
    """Compare now."""
    return measuring(night)(lambda: 60)


def row_of(portal: PortalRows, key: object) -> Row:
    """A mentor's row in the portal."""
    rows = portal.portal.table(MENTORS).rows.values()
    return next(row for row in rows if row["hlf_mentornumber"] == str(key))


def test_after_a_sync_nobody_differs_and_nothing_was_written_to_find_out(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: read-only."""
    portal.add(*roster.add_mentors(4))
    assert len(measure(night).differences) == 4
    night.sync()
    night.forget()
    drift = measure(night)
    assert (drift.compared, drift.differences, drift.oldest_seconds) == (4, (), 0)
    assert night.asked("PATCH") == []


def test_who_is_not_told_yet_differs_since_they_changed(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: the oldest first, with its age in seconds."""
    first, second = (roster.add_mentor(date(2100, 1, 1)) for _ in range(2))
    portal.add(first, second)
    night.sync()
    for mentor in (second, first):
        pause(roster, mentor)
    changed = [row["changed_at"] for row in roster.history()]
    drift = measure(night)
    assert [d.mentor_id for d in drift.differences] == [second, first]
    assert [d.since for d in drift.differences] == changed
    assert {(d.kind, d.here, d.there) for d in drift.differences} == {
        ("differs", "paused", "active")
    }
    assert drift.oldest_seconds == int((NOW - changed[0]).total_seconds())


@pytest.mark.parametrize(
    ("column", "value"),
    [("hlf_status", 100000001), ("hlf_status", 5), ("hlf_statusreason", 100000020),
     ("hlf_statusfrom", "2020-01-01"), ("statecode", 1), ("statuscode", 2), ("statuscode", None)],
)  # fmt: skip
def test_whatever_we_write_and_another_hand_changes_is_found(
    night: SyncNight, roster: Roster, portal: PortalRows, column: str, value: object
) -> None:
    """H5: against what the portal really holds; since it was told, at the earliest."""
    mentor = roster.add_mentor()
    portal.add(mentor)
    night.sync()
    row_of(portal, mentor).update({column: value, "modifiedon": "2099-12-31T23:00:00Z"})
    drift = measure(night)
    (found,) = drift.differences
    assert (found.kind, found.mentor_id, found.here) == ("differs", mentor, "active")
    (told,) = roster.rows("select synced_at from portal_sync_state")
    assert found.since == told["synced_at"]


def test_who_is_on_one_side_only_counts_as_inactive_on_the_other(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: both ways; nobody is shown there, so that an inactive mentor is in line."""
    missing = roster.add_mentor()
    roster.add_mentor(status="inactive")
    portal.add("shown", "ended")
    row_of(portal, "ended")["hlf_status"] = 100000002
    row_of(portal, "shown")["modifiedon"] = "2026-05-01T00:00:00Z"
    drift = measure(night)
    assert [(d.kind, d.mentor_id, d.key, d.here, d.there) for d in drift.differences] == [
        ("only_there", None, "shown", None, "active"),
        ("only_here", missing, str(missing), "active", None),
    ]
    assert drift.differences[0].since == datetime(2026, 5, 1, tzinfo=UTC)
    assert drift.compared == 4


def test_keys_are_compared_as_dataverse_compares_them(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """Without regard to case."""
    mentor = roster.add_mentor(status="paused")
    roster.db.execute("update peer_mentors set portal_key = 'HLF-ÅSE'")
    portal.add("hlf-åse")
    (found,) = measure(night).differences
    assert (found.kind, found.mentor_id) == ("differs", mentor)


def test_who_is_told_while_the_portal_is_read_is_in_line(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """A change that was under way is no difference."""
    mentor = roster.add_mentor(date(2100, 1, 1))
    portal.add(mentor)
    night.sync()
    drift = MeasureDrift(ORG, night.doors, night.open_portal, night.retry, lambda: NOW)
    real, night_sync = night.doors.list_all_states, night.sync

    class Changing:
        """The database, where somebody is paused and synced once it was read."""

        list_states = night.doors.list_states
        list_certifications = night.doors.list_certifications

        def list_all_states(self, org_id: object) -> list[object]:
            """Read, and change."""
            assert org_id == ORG
            found: list[object] = list(real(ORG))
            pause(roster, mentor)
            night_sync("night-2")
            return found

    drift = MeasureDrift(ORG, Changing(), night.open_portal, night.retry, lambda: NOW)  # type: ignore[arg-type]
    assert drift(lambda: 60).differences == ()


class Moving(Around):
    """Between the pages of a listing somebody changes rows, as a sync or HLF's people do."""

    def __init__(self, real: Portal, meanwhile: Callable[[], object]) -> None:
        """`meanwhile` happens after the first page of the first listing."""
        super().__init__(real)
        self._meanwhile = [meanwhile]

    def mentors(self) -> Iterator[MentorPage]:
        """List, and let things happen."""
        for page in self.real.mentors():
            yield page
            while self._meanwhile:
                self._meanwhile.pop()()


def measure_while(night: SyncNight, meanwhile: Callable[[], object]) -> Drift:
    """Compare, and let something happen while the portal is listed."""
    doors: list[Moving] = []

    def open_portal(remaining: Callable[[], float]) -> Portal:
        doors.append(Moving(night.open_portal(remaining), meanwhile))
        return doors[-1]

    return MeasureDrift(ORG, night.doors, open_portal, night.retry, lambda: NOW)(lambda: 60)


def touch(portal: PortalRows, key: object) -> None:
    """Change a row's moment, so that a listing has it at its end."""
    row_of(portal, key)["modifiedon"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("mentors", [6, 240])
def test_who_is_missing_from_a_listing_that_moves_is_asked_for_by_key(
    night: SyncNight, roster: Roster, portal: PortalRows, mentors: int
) -> None:
    """H5: rows of the first page move to the end, and those behind them slip past the listing."""
    found = roster.add_mentors(mentors)
    portal.add(*found)
    night.sync()
    order = sorted(found, key=lambda m: row_of(portal, m)["hlf_likepersonid"])
    for row in portal.portal.table(MENTORS).rows.values():
        row["modifiedon"] = "2026-11-02T08:00:00Z"
    night.portal.page_size = mentors // 2

    def move() -> None:
        for mentor in order[: mentors // 3]:
            touch(portal, mentor)

    with closing(Moving(night.open_portal(lambda: 60), move)) as moving:
        listed = list(moving.mentors())
    assert len({m.key for page in listed for m in page.mentors}) < mentors  # the listing has a gap
    order = order[mentors // 3 :]
    drift = measure_while(night, move)
    assert (drift.compared, drift.differences) == (mentors, ())


def test_many_who_are_missing_are_listed_anew_and_who_is_missing_then_is_asked_for(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: a hundred requests at most, and nobody is called missing who is there."""
    found = roster.add_mentors(300)
    portal.add(*found[:-150])

    def enter_the_others() -> None:
        portal.add(*found[-150:])

    night.sync()
    night.forget()
    night.portal.page_size = 100
    drift = measure_while(night, enter_the_others)
    kinds = {d.kind for d in drift.differences}
    assert (len(drift.differences), kinds) == (150, {"differs"})  # entered, and not told yet
    assert len([path for path in night.asked("GET") if "(" in path]) <= 100


def test_a_row_that_was_listed_before_the_sync_told_it_is_no_difference(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: both sides have moved since; here and there they say the same now."""
    mentors = roster.add_mentors(4)
    portal.add(*mentors)
    night.sync()

    def pause_and_tell() -> None:
        pause(roster, *mentors)
        night.sync("night-2")

    night.portal.page_size = 2
    assert measure_while(night, pause_and_tell).differences == ()


def test_who_changes_from_one_look_to_the_next_is_left_to_the_next_measurement(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: a difference counts when the database said the same before and after it was seen."""
    mentor = roster.add_mentor(date(2100, 1, 1))
    portal.add(mentor)
    night.sync()

    class Restless(Around):
        def mentor(self, key: str) -> PortalMentor | None:
            found = self.real.mentor(key)
            for status in ("active", "paused"):
                roster.db.execute(
                    "select * from update_mentor_status(%s, %s, %s, 'again')", (mentor, ORG, status)
                )
            return found

    pause(roster, mentor)
    drift = MeasureDrift(
        ORG, night.doors, lambda left: Restless(night.open_portal(left)), night.retry, lambda: NOW
    )
    assert drift(lambda: 60).differences == ()
    assert measure(night).differences != ()


def test_a_mentor_who_is_entered_here_while_the_portal_is_listed_is_no_stranger(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: the database is asked once more who is ours."""
    roster.add_mentor(status="inactive")
    portal.add("HLF-7", "HLF-8")

    def enter() -> None:
        mentor = roster.add_mentor()
        roster.db.execute("update peer_mentors set portal_key = 'hlf-7' where id = %s", (mentor,))

    assert [d.key for d in measure_while(night, enter).differences] == ["HLF-8"]


def test_a_stranger_who_is_gone_when_they_are_asked_for_is_none(
    night: SyncNight, portal: PortalRows
) -> None:
    """H5: HLF deletes a row, and ends another, while the portal is listed."""
    portal.add("HLF-7", "HLF-8", "HLF-9")
    rows = night.portal.table(MENTORS).rows

    def tidy() -> None:
        gone = row_of(portal, "HLF-7")
        del rows[gone["hlf_likepersonid"]]
        row_of(portal, "HLF-8")["hlf_status"] = 100000002

    assert [d.key for d in measure_while(night, tidy).differences] == ["HLF-9"]


def test_with_little_time_left_what_was_listed_counts(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: nobody is called missing for want of time."""
    mentor = roster.add_mentor()
    portal.add(mentor)
    night.forget()
    (found,) = measuring(night)(lambda: 35).differences
    assert (found.kind, found.there) == ("differs", "active")
    assert [path for path in night.asked("GET") if "(" in path] == []


def test_a_roster_of_several_pages_is_compared_whole(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """On both sides."""
    mentors = roster.add_mentors(1203)
    portal.add(*mentors[:-1])
    night.portal.page_size = 500
    drift = measure(night)
    assert (drift.compared, len(drift.differences)) == (1203, 1203)
    assert [d.mentor_id for d in drift.differences if d.kind == "only_here"] == [mentors[-1]]


def report(
    night: SyncNight, measuring: Callable[[], MeasureDrift], switch: str = "on"
) -> tuple[Answer, list[dict[str, object]]]:
    """Report; return the answer and the log lines."""
    output = io.StringIO()
    names = PortalSourceSettings(portal_switch="s", portal_mapping="m", portal_secret_id="x")
    source = PortalSource(names, lambda _: switch, lambda _: "")
    metrics = Metrics(namespace="tests", service="tests")
    logger = Logger(service=f"drift-{id(output)}", stream=output)
    count = CountWaiting(ORG, night.doors, night.retry, lambda: datetime.now(UTC))
    answer = Report(lambda: source, measuring, lambda: count, metrics, logger)(lambda: 60)
    return answer, [json.loads(line) for line in output.getvalue().splitlines()]


def test_the_report_names_ours_in_the_log_and_all_in_its_answer(
    night: SyncNight, roster: Roster, portal: PortalRows, capsys: pytest.CaptureFixture[str]
) -> None:
    """H5, E13: a key of the portal is for who asks, not for the log."""
    mentor = roster.add_mentor()
    portal.add("Kari Nordmann")
    row_of(portal, "Kari Nordmann")["modifiedon"] = "2099-12-31T00:00:00Z"
    answer, (_, line) = report(night, lambda: measuring(night))
    assert (answer["status"], answer["differing"], answer["compared"]) == ("measured", 2, 2)
    told = answer["differences"]
    assert isinstance(told, list)
    assert {str(found["key"]) for found in told} == {str(mentor), "Kari Nordmann"}
    assert (line["differing"], line["mentor_ids_differing"]) == (2, [str(mentor)])
    assert "Kari" not in json.dumps(line)
    assert emitted(capsys) == {
        "PortalMentorsDiffering": [2],
        "PortalCertificationsDiffering": [0],
        "PortalOldestDifferenceAge": [answer["oldest_seconds"]],
        "PortalDriftUnmeasured": [0],
        "PortalMentorsWaiting": [0],
    }
    json.dumps(answer)


def test_what_was_not_measured_is_no_metric(
    night: SyncNight, roster: Roster, capsys: pytest.CaptureFixture[str]
) -> None:
    """H5: nothing is made up; switched off is in order, and anything else is told by a metric."""
    roster.add_mentor()
    assert report(night, lambda: measuring(night), "off")[0] == {"status": "off"}
    assert emitted(capsys) == {"PortalDriftUnmeasured": [0]}
    assert night.portal.requests == []
    night.fail("down", times=1000)
    answer, (_, line) = report(night, lambda: measuring(night))
    assert emitted(capsys) == {"PortalDriftUnmeasured": [1], "PortalMentorsWaiting": [0]}
    assert (answer["status"], line["reason"]) == ("failed", answer["error"])
    assert "no answer" in str(answer["error"])

    def surprise() -> MeasureDrift:
        raise KeyError("Kari Nordmann")

    answer, _ = report(night, surprise)
    assert answer.items() >= {"status": "failed", "error": "KeyError"}.items()
    assert report(night, lambda: measuring(night), "perhaps")[0] == {
        "status": "failed", "error": "the parameter s is neither on nor off",
    }  # fmt: skip
    assert emitted(capsys)["PortalDriftUnmeasured"] == [1]


def count_waiting(night: SyncNight, after: timedelta = timedelta()) -> Waiting:
    """Count so long from now."""
    return CountWaiting(ORG, night.doors, night.retry, lambda: datetime.now(UTC) + after)()


def test_whoever_is_not_active_and_not_told_waits_and_a_run_that_paused_them_is_overdue_in_an_hour(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5, O1: by the database alone; a pause by hand waits for the next night's sync."""
    expired, by_hand, active = (
        roster.add_mentor(YESTERDAY),
        roster.add_mentor(),
        roster.add_mentor(),
    )
    portal.add(expired, by_hand, active)
    assert count_waiting(night) == Waiting(0, None, 0)
    night.sync()
    pause(roster, by_hand)
    roster.db.execute(
        "select * from update_mentor_status(%s, %s, 'paused', 'certification_expired',"
        " gen_random_uuid(), p_as_of => %s)",
        (expired, ORG, TODAY),
    )
    night.fail("down", times=1000)
    first = min(row["changed_at"] for row in roster.history())
    assert count_waiting(night) == Waiting(2, first, 0)
    assert count_waiting(night, timedelta(minutes=61)) == Waiting(2, first, 1)
    answer, _ = report(night, lambda: measuring(night))
    assert answer.items() >= {
        "status": "failed", "waiting": 2, "waiting_since": first.isoformat(),
        "waiting_over_an_hour": 0,
    }.items()  # fmt: skip
    night.fail()
    night.sync("night-2")
    assert count_waiting(night) == Waiting(0, None, 0)


def test_unreadable_rows_are_in_the_log_and_in_the_answer(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5, R3: a hundred in the log at most."""
    portal.add("HLF-7")
    row_of(portal, "HLF-7")["hlf_mentornumber"] = "\ud800"
    answer, lines = report(night, lambda: measuring(night))
    named = "row 1 of page 1 (hlf_mentornumber has a character that no text may have)"
    assert (answer["unreadable"], answer["unreadable_rows"]) == (1, [named])
    (line,) = [li for li in lines if li["message"] == "rows of the portal cannot be read"]
    assert (line["count"], line["rows"]) == (1, [named])


def test_the_answer_names_a_thousand_at_most_and_counts_all(
    night: SyncNight, roster: Roster
) -> None:
    """Lambda's answer has a limit."""
    roster.add_mentors(1001)
    answer = measure(night).as_json(1000)
    told = answer["differences"]
    assert isinstance(told, list)
    assert (answer["differing"], len(told)) == (1001, 1000)


def test_a_portal_that_is_down_is_said_to_be(night: SyncNight) -> None:
    """Not zero differences."""
    night.fail("down", times=1000)
    with pytest.raises(PortalUnavailable):
        measure(night)


def test_a_difference_from_the_future_is_no_negative_age(
    night: SyncNight, portal: PortalRows
) -> None:
    """The portal's clock is its own."""
    portal.add("unknown here")
    late = NOW + timedelta(hours=1)
    row_of(portal, "unknown here").update(modifiedon=f"{late:%Y-%m-%dT%H:%M:%SZ}")
    assert (len(measure(night).differences), measure(night).oldest_seconds) == (1, 0)


CERTIFICATION_EDITS: dict[str, tuple[str, Callable[[StandIn, str], object]]] = {
    "another day": (
        "differs", lambda p, row: p.change(CERTIFICATIONS, row, hlf_validuntil="2031-01-01"),
    ),
    "deactivated": ("only_here", lambda p, row: p.deactivate(CERTIFICATIONS, row)),
    "deleted": ("only_here", lambda p, row: p.delete(CERTIFICATIONS, row)),
    "nobody's": ("only_here", lambda p, row: p.change(CERTIFICATIONS, row, hlf_mentornumber="x")),
}  # fmt: skip


@pytest.mark.parametrize("edit", CERTIFICATION_EDITS)
def test_certifications_are_compared_too_and_the_next_sync_puts_them_right(
    night: SyncNight, roster: Roster, portal: PortalRows, edit: str
) -> None:
    """H5: by the id of the row, and with the mentor's key."""
    mentor, other = roster.add_mentor(YESTERDAY), roster.add_mentor(YESTERDAY)
    portal.add(mentor, other)
    row = portal.certify(mentor, date(2028, 12, 31), NOW)["hlf_certificationid"]
    portal.certify("somebody", date(2028, 12, 31), NOW)
    night.sync()
    assert measure(night).certifications == ()
    kind, act = CERTIFICATION_EDITS[edit]
    act(night.portal, row)
    new = portal.certify(other, date(2030, 12, 31), NOW)["hlf_certificationid"]
    found = {d.portal_id: (d.kind, d.key) for d in measure(night).certifications}
    assert found == {row: (kind, str(mentor)), new: ("only_there", str(other))}
    night.sync("night-2")
    assert measure(night).certifications == ()


def test_many_certifications_that_differ_are_listed_anew(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: they are confirmed on both sides with one more listing."""
    mentors = roster.add_mentors(120)
    portal.add(*mentors)
    night.sync()
    for mentor in mentors:
        portal.certify(mentor, date(2028, 12, 31), NOW)
    night.forget()
    drift = measure(night)
    assert len(drift.certifications) == 120
    assert drift.as_json(10)["certifications_differing"] == 120
    assert not [path for path in night.asked("GET") if "certifications(" in path]


def test_a_certification_that_a_sync_stores_meanwhile_is_no_difference(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: it is looked at again on both sides."""
    mentor = roster.add_mentor(YESTERDAY)
    portal.add(mentor)
    night.sync()
    portal.certify(mentor, date(2028, 12, 31), NOW)

    class SyncedMeanwhile(Around):
        """A sync runs whenever a row is asked for by its id."""

        def certification(self, row_id: str) -> Certification | None:
            """Ask, and let the sync run."""
            found = super().certification(row_id)
            night.sync(f"meanwhile {row_id}")
            return found

    compare = MeasureDrift(
        ORG, night.doors, lambda r: SyncedMeanwhile(night.open_portal(r)), night.retry, lambda: NOW
    )
    assert compare(lambda: 60).certifications == ()


def test_a_certification_that_cannot_be_read_is_named_and_no_difference(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5, R3: what is stored of it stays, and a person looks at the row."""
    mentor = roster.add_mentor(YESTERDAY)
    portal.add(mentor)
    row = portal.certify(mentor, date(2028, 12, 31), NOW)
    night.sync()
    row["hlf_validuntil"] = "soon"
    drift = measure(night)
    assert (drift.certifications, len(drift.unreadable)) == ((), 1)


def test_a_deactivated_row_of_a_person_who_is_not_ours_is_nobody(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: whatever its status column says; one that is active is somebody who is shown."""
    portal.add(roster.add_mentor(), "stranger", "left")
    night.sync()
    night.portal.deactivate(MENTORS, row_of(portal, "left")["hlf_likepersonid"])
    assert [d.key for d in measure(night).differences] == ["stranger"]
