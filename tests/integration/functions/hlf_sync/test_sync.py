"""The portal sync from the trigger to the summary, without failures (H1, H2, H4)."""

from datetime import date

from mentor_pause.errors import ConfigurationError
from mentor_pause.portal import NoPortal
from support.aws import Clients
from support.cluster import Cluster
from support.night import run_id
from support.portal import MENTORS
from support.roster import ORG, YESTERDAY, Roster
from support.sync import MONDAY, SYNC, PortalRows, SyncNight, expiries, open_sync, pause


def test_a_sync_sends_only_states_that_the_portal_does_not_have(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1, E7: the summary has counts of its own; a synced mentor is not sent again."""
    mentors = roster.add_mentors(5)
    portal.add(*mentors)
    assert night.sync() == {
        "job_run_id": str(run_id(job=SYNC)),
        "processed_count": 5,
        "synced_count": 5,
        "skipped_count": 0,
        "error_count": 0,
        "errors": [],
        "renewed_count": 0,
        "mentor_ids_synced": [str(mentor) for mentor in mentors],
        "mentor_ids_errored": [],
    }
    night.forget()
    pause(roster, mentors[1], mentors[4])
    summary = night.sync("night-2")
    assert summary["mentor_ids_synced"] == [str(mentors[1]), str(mentors[4])]
    assert portal.paused() == {str(mentors[1]), str(mentors[4])}
    assert len(night.asked("PATCH")) == 2
    row = roster.log()[-1]
    assert (row["processed_count"], row["synced_count"], row["paused_count"]) == (2, 2, 0)
    assert (row["status"], row["renewed_count"], row["error"]) == ("completed", 0, None)
    event = night.events.details[-1]
    assert (event["synced_count"], event["paused_count"], event["left_count"]) == (2, 0, 0)


def test_a_sync_sends_status_reason_and_day(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1: in the portal's own values."""
    mentor = roster.add_mentor()
    portal.add(mentor)
    pause(roster, mentor)
    night.sync()
    (row,) = night.portal.table(MENTORS).rows.values()
    (day,) = roster.rows("select (now() at time zone 'Europe/Oslo')::date::text as d")
    assert (row["hlf_status"], row["hlf_statusreason"], row["hlf_statusfrom"]) == (
        100000001, 100000021, day["d"],
    )  # fmt: skip
    assert (row["statecode"], row["statuscode"]) == (0, 100000010)


def test_a_sync_without_anything_to_send_still_reads_the_portal(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1: renewals must arrive on quiet nights as well."""
    mentor = roster.add_mentor(YESTERDAY)
    portal.add(mentor)
    night.sync()
    night.forget()
    portal.certify(mentor, date(2028, 5, 31), MONDAY)
    summary = night.sync("night-2")
    assert (summary["processed_count"], summary["skipped_count"]) == (1, 1)
    assert (summary["renewed_count"], night.asked("PATCH")) == (1, [])
    assert expiries(roster, mentor) == [YESTERDAY, date(2028, 6, 1)]


def test_a_dry_run_sends_no_request_and_names_the_mentors_it_would_send(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """A dry run marks no mentor as synced."""
    synced, new = sorted((roster.add_mentor(), roster.add_mentor()))
    portal.add(synced, new)
    night.portal_database.mark_synced(
        ORG, night.portal_database.list_states(ORG, [synced])[0], run_id()
    )
    night.fire(dry_run=True)
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_synced"] == [str(new)]
    assert night.portal.requests == []
    assert not night.portal_database.list_states(ORG, [new])[0].is_synced
    assert night.events.details[0]["dry_run"]


def test_while_the_portal_is_switched_off_no_request_is_sent_and_all_mentors_wait(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H2: the run says so; once the portal is on, the next run sends all mentors."""
    mentors = roster.add_mentors(4)
    portal.add(*mentors)
    pause(roster, mentors[0])
    night.take_from(lambda _remaining: NoPortal())
    summary = night.sync()
    assert (summary["skipped_count"], summary["error_count"]) == (4, 0)
    assert roster.log()[0]["error"] == "the portal is switched off"
    assert night.portal.requests == []
    night.take_from(night.open_portal)
    assert night.sync("night-2")["synced_count"] == 4
    assert portal.paused() == {str(mentors[0])}


def test_a_wrong_configuration_of_the_portal_ends_the_run_with_one_sentence(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """The run does not wait for redeliveries; the next run sends all mentors."""

    def misconfigured(_remaining: object) -> NoPortal:
        raise ConfigurationError("the portal's mapping is not valid: mentors: Field required")

    portal.add(*roster.add_mentors(4))
    night.take_from(misconfigured)
    summary = night.sync()
    assert (summary["processed_count"], summary["error_count"]) == (4, 4)
    (row,) = roster.log()
    assert row["status"] == "completed"
    assert row["error"].startswith("4 errors: 4 ")
    assert "the portal's mapping is not valid: mentors: Field required" in row["error"]
    night.take_from(night.open_portal)
    assert night.sync("night-2")["synced_count"] == 4


def test_a_mentor_who_changes_during_a_run_is_left_to_the_next_run(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H4: another trigger is refused meanwhile; the run's event starts the next run."""
    mentors = roster.add_mentors(2)
    portal.add(*mentors)
    night.sync()
    night.fire("night-2")
    pause(roster, *mentors)
    assert night.fire("an expiry run")["status"] == "refused"
    night.work_off()
    assert night.events.details[-1]["left_count"] == 1
    night.sync("after night-2")
    assert portal.paused() == {str(mentor) for mentor in mentors}
    assert night.events.details[-1]["left_count"] == 0


def test_a_mentor_who_was_deleted_after_the_run_began_is_skipped(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """The database has no state of this mentor any more."""
    mentors = roster.add_mentors(2)
    portal.add(*mentors)
    night.fire()
    roster.db.execute("delete from peer_mentors where id = %s", (mentors[0],))
    night.work_off()
    (summary,) = night.summaries()
    assert (summary["skipped_count"], summary["synced_count"]) == (1, 1)


def test_a_page_of_the_sync_is_no_longer_than_its_worker_can_do(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """E10: the page size of other jobs does not matter."""
    roster.add_mentors(120)
    with open_sync(aws, roster, cluster, page_size=500) as night:
        night.fire()
        assert [len(page.mentor_ids) for page in night.pages()] == [100, 20]
