"""The statements of docs/messages.md and docs/access.md (walk=messages, walk=old-messages)."""

from datetime import timedelta

from support.documents import walk
from support.roster import ORG, TODAY, Roster


def test_an_organisation_changes_its_stages(roster: Roster) -> None:
    """W1: a second time as well. A stage that was left out warns nobody."""
    (statement,) = walk("messages")
    in_five, in_forty = (roster.add_mentor(TODAY + timedelta(days=days)) for days in (5, 40))
    roster.db.execute("update organisations set slug = 'hlf' where id = %s", (ORG,))
    for _ in range(2):
        roster.db.execute(statement.text.encode())
    roster.db.execute("select write_warnings(%s, %s)", (ORG, TODAY))
    found = roster.rows("select mentor_id, stage from warnings order by stage")
    assert [(row["mentor_id"], row["stage"]) for row in found] == [(in_five, 14), (in_forty, 60)]


def test_an_owner_deletes_old_messages(roster: Roster) -> None:
    """W5: the owner keeps the digests that say which addresses do not work."""
    (statement,) = walk("old-messages")
    for days, state in ((400, "delivered"), (400, "bounced"), (300, "delivered")):
        roster.db.execute(
            "with digest as ("
            " insert into digests (id, org_id, person_id, day, state, address_hash, changed_at)"
            " select gen_random_uuid(), %s, gen_random_uuid(), t::date, %s, 'x', t"
            " from (select now() - make_interval(days => %s) as t) as past returning *)"
            " insert into messages"
            " (org_id, audience, person_id, kind, mentor_ids, created_at, state, digest_id)"
            " select org_id, 'mentor', person_id, 'warning', array[person_id], changed_at, state,"
            " id from digest",
            (ORG, state, days),
        )
    roster.db.execute(statement.text.encode())
    left = roster.rows("select state, digest_id is null as alone from messages")
    assert left == [{"state": "delivered", "alone": False}]
    states = roster.rows("select state from digests order by state")
    assert [row["state"] for row in states] == ["bounced", "delivered"]
