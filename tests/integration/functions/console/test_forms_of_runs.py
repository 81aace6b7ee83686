"""The forms that start, repeat, withdraw and release runs (C1, C4, G4, G5)."""

from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from support.console_requests import Page
from support.console_world import SEES, World
from support.roster import ORG

REQUEST = {"request_id": "0123456789abcdef0123456789abcdef"}
RUNS = ("/checks/start", "/checks/{night}/redrive", "/checks/{night}/withdraw", "/website/send")


def send(world: World, path: str, persona: str = "administrator", **fields: str) -> Page:
    """Send a form of an administrator's page."""
    address = path.format(night=world.night, held=world.held)
    form = REQUEST | {"plan_hash": world.plan_hash, "note": "The dates are right."} | fields
    return world.console.post(address, form, world.tokens[persona], Accept_Language="en")


@pytest.mark.parametrize("path", RUNS)
def test_a_button_that_is_pressed_twice_starts_one_run(world: World, path: str) -> None:
    """C4: both presses lead to the same run."""
    pages = [send(world, path) for _ in range(2)]
    (run,) = world.console.starter.runs
    assert [page.leads_to for page in pages] == [f"/checks/{run}?done=started"] * 2


def test_the_same_form_of_two_people_starts_two_runs(world: World) -> None:
    """C5: nobody can repeat, or take, the request of another person."""
    for persona in ("administrator", "coordinator by chapter"):
        send(world, "/checks/start", persona)
    assert len(world.console.starter.runs) == 2


@pytest.mark.parametrize("given", ["", "x", "../../x", "0" * 33, "ABCDEF" * 6])
def test_a_request_id_that_no_page_writes_starts_nothing(world: World, given: str) -> None:
    """C4, C5: it never becomes a part of a trigger, and two presses would be two runs."""
    assert send(world, "/checks/start", request_id=given).status == 404
    assert world.console.starter.requests == []


def test_a_plan_that_is_approved_twice_is_released_once(world: World) -> None:
    """G4: the second press names the same run, and the first note stays."""
    pages = [send(world, "/held/{held}/approve", note=note) for note in ("First.", "Second.")]
    (run,) = world.console.starter.runs
    assert {page.leads_to for page in pages} == {f"/checks/{run}?done=started"}
    notes = world.db.execute("select note from plan_approvals").fetchall()
    assert notes == [("First.",)]
    assert all(r.releases == world.held for r in world.console.starter.requests)


@pytest.mark.parametrize("note", ["", "ok", "  a  ", "x" * 501, "a\x07bell", "a\x00nul"])
def test_a_plan_is_not_approved_without_a_note(world: World, note: str) -> None:
    """G4: 422."""
    before = world.fingerprint()
    assert send(world, "/held/{held}/approve", note=note).status == 422
    assert world.fingerprint() == before


@pytest.mark.parametrize("plan_hash", ["", "0" * 64, "x"])
def test_a_plan_that_has_changed_is_not_approved(world: World, plan_hash: str) -> None:
    """G4: 409, with the list as it is now."""
    before = world.fingerprint()
    page = send(world, "/held/{held}/approve", plan_hash=plan_hash)
    assert (page.status, world.fingerprint()) == (409, before)
    assert "The list has changed since you opened it." in page.text


def test_a_withdrawal_of_another_list_than_the_one_shown_is_refused(world: World) -> None:
    """G5: the person sees the new list first, and nothing starts."""
    world.db.execute(
        "insert into certifications (mentor_id, expires_on)"
        " select mentor_id, current_date + 400 from peer_mentor_status_history"
        " where job_run_id = %s",
        (world.night,),
    )
    page = send(world, "/checks/{night}/withdraw", seen="0" * 64)
    assert page.status == 409
    assert "The list has changed since you opened it." in page.text
    assert world.console.starter.requests == []


@pytest.mark.parametrize("path", ["/held/{}/approve", "/checks/{}/redrive", "/checks/{}/withdraw"])
def test_a_run_that_does_not_exist_starts_none(world: World, path: str) -> None:
    """C4: no error of ours, and nothing starts."""
    page = send(world, path.format(uuid4()))
    assert page.status in (403, 404)
    assert world.console.starter.requests == []


def test_a_check_that_is_running_is_shown_instead(world: World) -> None:
    """C4: 409, with a link to the other run."""
    world.console.starter.answer = {"status": "refused", "conflicting_run_id": str(world.night)}
    page = send(world, "/checks/start", "coordinator by chapter")
    assert page.status == 409
    assert f"/checks/{world.night}" in page.text
    assert "A check is already running." in page.text


@pytest.mark.parametrize("path", RUNS)
def test_without_an_answer_of_the_dispatcher_the_page_says_what_we_do_not_know(
    world: World, path: str
) -> None:
    """C4: the run may have begun."""
    world.console.starter.answer = None
    page = send(world, path)
    assert page.status == 503
    assert "We do not know whether it has begun." in page.text


def test_all_who_differ_are_sent_again_and_nobody_else(world: World) -> None:
    """H5: also those whom the page does not name, and nobody of another organisation."""
    others = world.mentors["another organisation's"]
    ours = sorted(world.of(SEES["administrator"]))
    world.db.execute(
        "insert into portal_sync_state (mentor_id, synced_version) select unnest(%s), 1",
        (ours + others,),
    )
    nameless = [{"kind": "only_there", "mentor_id": None}] * 300
    differing = [{"kind": "differs", "mentor_id": str(m)} for m in ours[1:] + others]
    world.db.execute(
        "update portal_differences set differences = %s where org_id = %s",
        (Jsonb(nameless + differing), ORG),
    )
    assert send(world, "/website/send").status == 303
    left = world.db.execute("select mentor_id from portal_sync_state").fetchall()
    assert {mentor for (mentor,) in left} == {ours[0], *others}


def test_messages_that_are_marked_twice_are_read_once(world: World) -> None:
    """W3: the second press changes nothing, and neither does a wrong number."""
    persona, read = "coordinator by chapter", "select array_agg(read_at order by id) from messages"
    seen = []
    for up_to in ("x", "1000", "1000", ""):
        page = send(world, "/messages/read", persona, up_to=up_to)
        assert page.leads_to == "/messages"
        seen.append(world.db.execute(read).fetchone())
    assert seen[0] != seen[1]
    assert seen[1] == seen[2] == seen[3]


@pytest.mark.parametrize("status", ["duplicate", "superseded"])
def test_a_run_that_another_dispatcher_has_is_known_by_its_row(world: World, status: str) -> None:
    """C4: without a row nobody knows whether it has begun; with one, the run's page tells."""
    world.console.starter.answer = {"status": status}
    assert send(world, "/checks/start").status == 503
    (run,) = world.console.starter.runs
    world.db.execute(
        "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger, triggered_by,"
        " status, finished_at)"
        " select 'certification_expiry', %s, org_id, 'manual', 'machine', 'completed', now()"
        " from scheduler_execution_log where job_run_id = %s",
        (run, world.night),
    )
    assert send(world, "/checks/start").leads_to == f"/checks/{run}?done=started"


def test_a_request_that_the_dispatcher_refuses_has_begun_nothing(world: World) -> None:
    """C4: 409, and not the page that says that nobody knows."""
    world.console.starter.answer = {"status": "failed", "error_source": "client", "error": "no"}
    page = send(world, "/checks/start")
    assert page.status == 409
    assert "What you asked for is not possible any more." in page.text
