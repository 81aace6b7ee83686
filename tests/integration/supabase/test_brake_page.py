"""The statements of docs/deployment.md about the brake (walk=brake)."""

from support.documents import walk
from support.roster import ORG, YESTERDAY, Roster


def test_the_plan_needs_nothing_but_the_database(roster: Roster) -> None:
    """G1: it lists whom the first night pauses, and changes nothing."""
    plan, _ = walk("brake")
    mentors = roster.add_mentors(12)
    assert roster.rows(plan.text.strip().rstrip(";")) == [
        {"mentor_id": mentor, "expires_on": YESTERDAY, "action": "pause", "why": "never_warned"}
        for mentor in mentors
    ]
    assert roster.rows("select * from plans") == []
    assert {roster.status(mentor) for mentor in mentors} == {"active"}


def test_an_organisation_chooses_its_mode(roster: Roster) -> None:
    """G2: a second time as well, and without a change of its stages."""
    plan, settings = walk("brake")
    roster.db.execute(
        "insert into organisation_settings (org_id, warning_days) values (%s, '{60}')", (ORG,)
    )
    roster.add_mentors(12)
    for mode in ("hold", "watch"):
        for _ in range(2):
            roster.db.execute(settings.text.replace("'hold'", f"'{mode}'").encode())
        action = {"hold": "hold", "watch": "pause"}[mode]
        planned = roster.rows(plan.text.strip().rstrip(";"))
        assert [row["action"] for row in planned] == [action] * 12
    (row,) = roster.rows("select warning_days from organisation_settings")
    assert row["warning_days"] == [60]
