"""The plan of a run: administrators and machines see all of it, coordinators their own mentors."""

from uuid import UUID, uuid4

import pytest

from support.brake import Brake
from support.http import Http, problem_of, run_of
from support.identity import MACHINE_SECRET, token_of
from support.night import run_id
from support.roster import TODAY, YESTERDAY, Roster


@pytest.fixture
def mentors(http: Http, roster: Roster) -> list[UUID]:
    """The expired mentors in id order; the last one was warned, and the brake holds the others."""
    found = sorted(row["id"] for row in roster.rows("select id from peer_mentors"))
    Brake(roster).warn(found[-1:])
    roster.db.execute(
        "insert into mentor_contacts (mentor_id, display_name) values (%s, 'Kari')", (found[0],)
    )
    Brake(roster).set("hold", 0, 0)
    return found


def test_an_administrator_and_a_machine_see_the_whole_plan(
    http: Http, mentors: list[UUID], admin: str
) -> None:
    """G1: the hash, the limits, the counts, and what the plan says of each mentor."""
    http.night.fire()
    path = f"/runs/{run_id()}/plan"
    plan = http.ask("GET", path, admin).body
    assert http.ask("GET", path, MACHINE_SECRET).body == plan
    assert (plan["planned_count"], plan["unforeseen_count"], plan["held_count"]) == (3, 2, 2)
    assert (plan["brake_mode"], plan["brake_count"], plan["brake_percent"]) == ("hold", 0, 0)
    assert (plan["brake_acts"], plan["is_newest"], plan["approval"]) == (True, True, None)
    assert (plan["as_of"], plan["dry_run"], len(plan["plan_hash"])) == (str(TODAY), False, 64)
    kept = ("mentor_id", "display_name", "expires_on", "action", "why")
    assert [tuple(mentor[name] for name in kept) for mentor in plan["mentors"]] == [
        (str(mentors[0]), "Kari", str(YESTERDAY), "hold", "never_warned"),
        (str(mentors[1]), None, str(YESTERDAY), "hold", "never_warned"),
        (str(mentors[2]), None, str(YESTERDAY), "pause", "forewarned"),
    ]


def test_a_coordinator_sees_their_own_mentors_and_all_counts(
    http: Http, roster: Roster, mentors: list[UUID]
) -> None:
    """S4, G1."""
    mine = token_of(roster.add_coordinator(mentors=mentors[1:2]))
    none = token_of(roster.add_coordinator())
    http.night.fire()
    seen = [http.ask("GET", f"/runs/{run_id()}/plan", token) for token in (mine, none)]
    assert [[m["mentor_id"] for m in answer.body["mentors"]] for answer in seen] == [
        [str(mentors[1])],
        [],
    ]
    assert [answer.body["planned_count"] for answer in seen] == [3, 3]
    assert [str(mentors[0]) in answer.text for answer in seen] == [False, False]


def test_a_plan_is_read_in_pages(http: Http, mentors: list[UUID], admin: str) -> None:
    """The last page says that there is no other."""
    http.night.fire()
    path, found, after = f"/runs/{run_id()}/plan", list[str](), dict[str, str]()
    while True:
        page = http.ask("GET", path, admin, limit="2", **after).body
        found += [mentor["mentor_id"] for mentor in page["mentors"]]
        if page["next_after"] is None:
            break
        after = {"after": page["next_after"]}
    assert found == [str(mentor) for mentor in mentors]
    for wrong in ({"limit": "0"}, {"limit": "501"}, {"after": "x"}):
        answer = http.ask("GET", path, admin, **wrong)
        assert (answer.status, problem_of(answer)) == (422, "/problems/invalid-request")


def test_a_dry_run_shows_its_plan(http: Http, roster: Roster, mentors: list[UUID]) -> None:
    """G1: before a real run, a coordinator sees who of theirs would be paused or held."""
    coordinator = token_of(roster.add_coordinator(mentors=mentors[:1]))
    job_run_id = run_of(http.start(coordinator, as_of=str(TODAY), dry_run=True))
    plan = http.ask("GET", f"/runs/{job_run_id}/plan", coordinator).body
    assert (plan["dry_run"], plan["planned_count"], plan["held_count"]) == (True, 3, 2)
    assert [(m["display_name"], m["action"]) for m in plan["mentors"]] == [("Kari", "hold")]
    http.night.work_off()
    run = http.ask("GET", f"/runs/{job_run_id}", coordinator).body
    assert (run["unforeseen_count"], run["held_count"], run["paused_count"]) == (2, 2, 1)
    assert run["plan_hash"] == plan["plan_hash"]


def test_a_run_without_a_plan_is_not_found(
    http: Http, roster: Roster, coordinator: str, admin: str
) -> None:
    """A run of another organisation gets the same answer."""
    other = roster.add_organisation()
    roster.db.execute(
        "insert into plans (job_run_id, org_id, as_of, dry_run, rule, plan_hash)"
        " values (%s, %s, %s, false, 'x', 'x')",
        (other, other, TODAY),
    )
    for credential in (coordinator, admin, MACHINE_SECRET):
        for job_run_id in (other, uuid4()):
            answer = http.ask("GET", f"/runs/{job_run_id}/plan", credential)
            assert (answer.status, problem_of(answer)) == (404, "/problems/unknown-plan")
    assert http.ask("GET", f"/runs/{other}/plan", token_of(uuid4())).status == 403
    assert http.ask("GET", f"/runs/{other}/plan", None).status == 401
