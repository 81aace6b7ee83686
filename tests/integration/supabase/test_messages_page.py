"""The statement of docs/messages.md (walk=messages)."""

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
