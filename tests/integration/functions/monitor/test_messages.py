"""The monitor counts the messages that did not arrive, and the pauses without a warning (W7)."""

from datetime import timedelta

from support.monitor import Monitor
from support.outbox import Outbox
from support.roster import ORG, TODAY, YESTERDAY, Roster


def test_the_monitor_reports_messages_and_unwarned_pauses(monitor: Monitor, roster: Roster) -> None:
    """W7: each metric has its own number, and the line names the mentor whom nobody had warned."""
    unwarned, warned = roster.add_mentor(YESTERDAY), roster.add_mentor(TODAY)
    roster.db.execute(
        "insert into warnings (mentor_id, expires_on, stage, warned_on) values (%s, %s, 14, %s)",
        (warned, TODAY, TODAY - timedelta(days=14)),
    )
    monitor.night.fire()
    monitor.night.work_off()
    roster.db.execute("delete from messages")
    (zone,) = (row["time_zone"] for row in roster.rows("select time_zone from organisations"))
    outbox = Outbox(roster)
    for state in ("bounced", "suppressed", "complained", "unknown", "unknown", "unknown"):
        outbox.add_mentor()
        outbox.warn()
        digest = outbox.begin()
        assert digest is not None
        if state == "unknown":
            outbox.finish(digest["id"], "unknown")
        else:
            outbox.finish(digest["id"])
            outbox.record(digest["id"], state)
    outbox.add_mentor()
    outbox.warn()
    outbox.pass_time(minutes=61)
    outbox.add_mentor()
    outbox.warn()
    roster.db.execute("update organisations set time_zone = %s where id = %s", (zone, ORG))
    answer = monitor()
    metrics = monitor.emitted()
    assert metrics["PausedUnwarned"] == [1]
    assert metrics["UndeliveredMessages"] == [1]
    assert metrics["BouncedDigests"] == [3]
    assert metrics["UnknownDigests"] == [3]
    (line,) = monitor.night.lines("night checked")
    assert line["mentor_ids_unwarned"] == answer["mentor_ids_unwarned"] == [str(unwarned)]
    assert line["paused_unwarned"] == 1
    assert line["messages"] == {
        "undelivered_count": 1,
        "bounced_count": 2,
        "complained_count": 1,
        "unknown_count": 3,
        "no_address_count": 0,
    }
