"""The drift: how far portal and database differ, measured in both directions (H5)."""

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
from support.portal_wrappers import Wrapper
from support.roster import ORG, TODAY, YESTERDAY, Roster
from support.sync import PortalRows, SyncNight, open_sync, pause

NOW = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def night(aws: Clients, roster: Roster, cluster: Cluster) -> Iterator[SyncNight]:
    """A sync with large pages."""
    with open_sync(aws, roster, cluster, page_size=100) as found:
        yield found


@pytest.fixture
def portal(night: SyncNight) -> PortalRows:
    """The portal's rows, as people see and edit them."""
    return PortalRows(night.portal)


def measuring(night: SyncNight) -> MeasureDrift:
    """Return the comparison; its clock stands in the year 2100."""
    return MeasureDrift(ORG, night.drift_database, night.open_portal, lambda: NOW)


def measure(night: SyncNight) -> Drift:
    """Compare now."""
    return measuring(night)(lambda: 60)


def row_of(portal: PortalRows, key: object) -> Row:
    """Return a mentor's row in the portal."""
    rows = portal.portal.table(MENTORS).rows.values()
    return next(row for row in rows if row["hlf_mentornumber"] == str(key))


def test_after_a_sync_no_mentor_differs_and_the_comparison_writes_nothing(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: the comparison only reads."""
    portal.add(*roster.add_mentors(4))
    assert len(measure(night).differences) == 4
    night.sync()
    night.forget()
    drift = measure(night)
    assert (drift.compared, drift.differences, drift.oldest_seconds) == (4, (), 0)
    assert night.asked("PATCH") == []


def test_a_mentor_who_was_not_sent_yet_differs_since_the_change(
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
def test_an_edit_of_any_column_that_the_sync_writes_is_found(
    night: SyncNight, roster: Roster, portal: PortalRows, column: str, value: object
) -> None:
    """H5: the real row is compared; the difference counts from the last sync."""
    mentor = roster.add_mentor()
    portal.add(mentor)
    night.sync()
    row_of(portal, mentor).update({column: value, "modifiedon": "2099-12-31T23:00:00Z"})
    drift = measure(night)
    (found,) = drift.differences
    assert (found.kind, found.mentor_id, found.here) == ("differs", mentor, "active")
    (mark,) = roster.rows("select synced_at from portal_sync_state")
    assert found.since == mark["synced_at"]


def test_a_mentor_on_one_side_only_counts_as_inactive_on_the_other(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: in both directions; so an inactive mentor who is missing there does not differ."""
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
    """Dataverse ignores case."""
    mentor = roster.add_mentor(status="paused")
    roster.db.execute("update peer_mentors set portal_key = 'HLF-ÅSE'")
    portal.add("hlf-åse")
    (found,) = measure(night).differences
    assert (found.kind, found.mentor_id) == ("differs", mentor)


def test_a_mentor_who_is_synced_during_the_comparison_does_not_differ(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """A change that was in progress is not a difference."""
    mentor = roster.add_mentor(date(2100, 1, 1))
    portal.add(mentor)
    night.sync()
    drift = MeasureDrift(ORG, night.drift_database, night.open_portal, lambda: NOW)
    real, night_sync = night.portal_database.list_all_states, night.sync

    class Changing:
        """A database in which a mentor is paused and synced right after it was read."""

        list_states = night.portal_database.list_states
        list_certifications = night.portal_database.list_certifications

        def list_all_states(self, org_id: object) -> list[object]:
            """Read the states, then change one."""
            assert org_id == ORG
            found: list[object] = list(real(ORG))
            pause(roster, mentor)
            night_sync("night-2")
            return found

    drift = MeasureDrift(ORG, Changing(), night.open_portal, lambda: NOW)  # type: ignore[arg-type]
    assert drift(lambda: 60).differences == ()


class Moving(Wrapper):
    """Changes rows between the pages of a listing, as a sync or HLF's people do."""

    def __init__(self, real: Portal, meanwhile: Callable[[], object]) -> None:
        """Call `meanwhile` after the first page of the first listing."""
        super().__init__(real)
        self._meanwhile = [meanwhile]

    def mentors(self) -> Iterator[MentorPage]:
        """Yield the pages."""
        for page in self.real.mentors():
            yield page
            while self._meanwhile:
                self._meanwhile.pop()()


def measure_while(night: SyncNight, meanwhile: Callable[[], object]) -> Drift:
    """Compare, and call `meanwhile` while the portal is listed."""

    def open_portal(remaining: Callable[[], float]) -> Portal:
        return Moving(night.open_portal(remaining), meanwhile)

    return MeasureDrift(ORG, night.drift_database, open_portal, lambda: NOW)(lambda: 60)


def touch(portal: PortalRows, key: object) -> None:
    """Change a row's moment, so that it moves to the end of a listing."""
    row_of(portal, key)["modifiedon"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("mentors", [6, 240])
def test_a_mentor_whom_a_moving_listing_misses_is_asked_for_by_key(
    night: SyncNight, roster: Roster, portal: PortalRows, mentors: int
) -> None:
    """H5: rows of the first page move to the end, so the listing misses the rows after them."""
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


def test_for_many_missing_mentors_the_portal_is_listed_again(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: at most a hundred single requests, and no existing mentor counts as missing."""
    found = roster.add_mentors(300)
    portal.add(*found[:-150])

    def enter_the_others() -> None:
        portal.add(*found[-150:])

    night.sync()
    night.forget()
    night.portal.page_size = 100
    drift = measure_while(night, enter_the_others)
    kinds = {d.kind for d in drift.differences}
    assert (len(drift.differences), kinds) == (150, {"differs"})  # entered, and not synced yet
    assert len([path for path in night.asked("GET") if "(" in path]) <= 100


def test_a_row_that_was_listed_before_its_sync_is_not_a_difference(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: both sides have changed since, and agree now."""
    mentors = roster.add_mentors(4)
    portal.add(*mentors)
    night.sync()

    def pause_and_tell() -> None:
        pause(roster, *mentors)
        night.sync("night-2")

    night.portal.page_size = 2
    assert measure_while(night, pause_and_tell).differences == ()


def test_a_mentor_who_changes_between_looks_is_left_to_the_next_measurement(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: a difference counts only if the database said the same before and after the look."""
    mentor = roster.add_mentor(date(2100, 1, 1))
    portal.add(mentor)
    night.sync()

    class Restless(Wrapper):
        def mentor(self, key: str) -> PortalMentor | None:
            found = self.real.mentor(key)
            for status in ("active", "paused"):
                roster.db.execute(
                    "select * from update_mentor_status(%s, %s, %s, 'again')", (mentor, ORG, status)
                )
            return found

    pause(roster, mentor)
    drift = MeasureDrift(
        ORG, night.drift_database, lambda left: Restless(night.open_portal(left)), lambda: NOW
    )
    assert drift(lambda: 60).differences == ()
    assert measure(night).differences != ()


def test_a_mentor_who_is_entered_here_during_the_listing_is_not_unknown(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: the comparison reads our mentors from the database once more."""
    roster.add_mentor(status="inactive")
    portal.add("HLF-7", "HLF-8")

    def enter() -> None:
        mentor = roster.add_mentor()
        roster.db.execute("update peer_mentors set portal_key = 'hlf-7' where id = %s", (mentor,))

    assert [d.key for d in measure_while(night, enter).differences] == ["HLF-8"]


def test_an_unknown_mentor_who_is_gone_at_the_second_look_is_not_a_difference(
    night: SyncNight, portal: PortalRows
) -> None:
    """H5: HLF deletes a row, and sets another one to inactive, during the listing."""
    portal.add("HLF-7", "HLF-8", "HLF-9")
    rows = night.portal.table(MENTORS).rows

    def tidy() -> None:
        gone = row_of(portal, "HLF-7")
        del rows[gone["hlf_likepersonid"]]
        row_of(portal, "HLF-8")["hlf_status"] = 100000002

    assert [d.key for d in measure_while(night, tidy).differences] == ["HLF-9"]


def test_with_little_time_left_the_listing_counts(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: short time must not make a mentor count as missing."""
    mentor = roster.add_mentor()
    portal.add(mentor)
    night.forget()
    (found,) = measuring(night)(lambda: 35).differences
    assert (found.kind, found.there) == ("differs", "active")
    assert [path for path in night.asked("GET") if "(" in path] == []


def test_a_roster_of_several_pages_is_compared_completely(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """Both sides have several pages."""
    mentors = roster.add_mentors(1203)
    portal.add(*mentors[:-1])
    night.portal.page_size = 500
    drift = measure(night)
    assert (drift.compared, len(drift.differences)) == (1203, 1203)
    assert [d.mentor_id for d in drift.differences if d.kind == "only_here"] == [mentors[-1]]


def report(
    night: SyncNight, measuring: Callable[[], MeasureDrift], switch: str = "on"
) -> tuple[Answer, list[dict[str, object]]]:
    """Make a report, and return the answer and the log lines."""
    output = io.StringIO()
    names = PortalSourceSettings(portal_switch="s", portal_mapping="m", portal_secret_id="x")
    source = PortalSource(names, lambda _: switch, lambda _: "")
    metrics = Metrics(namespace="tests", service="tests")
    logger = Logger(service=f"drift-{id(output)}", stream=output)
    count = CountWaiting(ORG, night.drift_database, lambda: datetime.now(UTC))
    answer = Report(lambda: source, measuring, lambda: count, metrics, logger)(lambda: 60)
    return answer, [json.loads(line) for line in output.getvalue().splitlines()]


def test_the_log_names_only_our_ids_and_the_answer_names_all_mentors(
    night: SyncNight, roster: Roster, portal: PortalRows, capsys: pytest.CaptureFixture[str]
) -> None:
    """H5, E13: a key of the portal is for the caller, not for the log."""
    mentor = roster.add_mentor()
    portal.add("Kari Nordmann")
    row_of(portal, "Kari Nordmann")["modifiedon"] = "2099-12-31T00:00:00Z"
    answer, (_, line) = report(night, lambda: measuring(night))
    assert (answer["status"], answer["differing"], answer["compared"]) == ("measured", 2, 2)
    named = answer["differences"]
    assert isinstance(named, list)
    assert {str(found["key"]) for found in named} == {str(mentor), "Kari Nordmann"}
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


def test_without_a_measurement_there_are_no_metrics_of_the_drift(
    night: SyncNight, roster: Roster, capsys: pytest.CaptureFixture[str]
) -> None:
    """H5: `PortalDriftUnmeasured` is 0 while the portal is off, and 1 after a failure."""
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
    """Count with a clock that is ahead by `after`."""
    return CountWaiting(ORG, night.drift_database, lambda: datetime.now(UTC) + after)()


def test_an_inactive_or_paused_mentor_who_is_not_synced_waits_and_may_be_overdue(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5, O1: from the database alone; overdue is a run's pause after an hour, not one by hand."""
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
    """H5, R3: each is named by its place."""
    portal.add("HLF-7")
    row_of(portal, "HLF-7")["hlf_mentornumber"] = "\ud800"
    answer, lines = report(night, lambda: measuring(night))
    named = "row 1 of page 1 (hlf_mentornumber has a character that no text may have)"
    assert (answer["unreadable"], answer["unreadable_rows"]) == (1, [named])
    (line,) = [li for li in lines if li["message"] == "rows of the portal cannot be read"]
    assert (line["count"], line["rows"]) == (1, [named])


def test_the_answer_names_at_most_a_thousand_and_counts_all(
    night: SyncNight, roster: Roster
) -> None:
    """Lambda's answer has a limit."""
    roster.add_mentors(1001)
    answer = measure(night).as_json(1000)
    named = answer["differences"]
    assert isinstance(named, list)
    assert (answer["differing"], len(named)) == (1001, 1000)


def test_while_the_portal_is_down_the_comparison_raises(night: SyncNight) -> None:
    """It does not return zero differences."""
    night.fail("down", times=1000)
    with pytest.raises(PortalUnavailable):
        measure(night)


def test_a_difference_from_the_future_has_no_negative_age(
    night: SyncNight, portal: PortalRows
) -> None:
    """The portal's clock may differ from ours."""
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
def test_certifications_are_compared_too_and_the_next_sync_corrects_them(
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


def test_many_differing_certifications_are_confirmed_with_one_more_listing(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: the comparison sends no request for a single certification."""
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


def test_a_certification_that_a_sync_stores_meanwhile_is_not_a_difference(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: the comparison looks at it again, on both sides."""
    mentor = roster.add_mentor(YESTERDAY)
    portal.add(mentor)
    night.sync()
    portal.certify(mentor, date(2028, 12, 31), NOW)

    class SyncedMeanwhile(Wrapper):
        """Runs a sync whenever the portal is asked for a row by its id."""

        def certification(self, row_id: str) -> Certification | None:
            """Ask, then run the sync."""
            found = super().certification(row_id)
            night.sync(f"meanwhile {row_id}")
            return found

    compare = MeasureDrift(
        ORG, night.drift_database, lambda r: SyncedMeanwhile(night.open_portal(r)), lambda: NOW
    )
    assert compare(lambda: 60).certifications == ()


def test_an_unreadable_certification_is_named_and_is_not_a_difference(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5, R3: the stored certification stays, and a person looks at the row."""
    mentor = roster.add_mentor(YESTERDAY)
    portal.add(mentor)
    row = portal.certify(mentor, date(2028, 12, 31), NOW)
    night.sync()
    row["hlf_validuntil"] = "soon"
    drift = measure(night)
    assert (drift.certifications, len(drift.unreadable)) == ((), 1)


def test_a_deactivated_row_of_an_unknown_person_is_not_a_difference(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: whatever its status column says; an active row of an unknown person is a difference."""
    portal.add(roster.add_mentor(), "stranger", "left")
    night.sync()
    night.portal.deactivate(MENTORS, row_of(portal, "left")["hlf_likepersonid"])
    assert [d.key for d in measure(night).differences] == ["stranger"]
