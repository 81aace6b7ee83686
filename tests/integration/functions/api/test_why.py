"""Why a mentor is, or is not, paused, for people who may see the mentor (G6)."""

from uuid import UUID, uuid4

import pytest

from support.http import Http, problem_of
from support.identity import MACHINE_SECRET, token_of
from support.night import run_id
from support.roster import YESTERDAY, Roster


@pytest.fixture
def mentor(http: Http, roster: Roster) -> UUID:
    """A mentor whom the night paused, in a chapter of their own."""
    mentor = roster.add_mentor(chapter_id=roster.add_chapter())
    http.night.fire()
    http.night.work_off()
    return mentor


def test_who_is_responsible_for_the_mentor_gets_the_story(
    http: Http, roster: Roster, mentor: UUID, admin: str
) -> None:
    """G6: a coordinator by assignment, and an administrator."""
    coordinator = token_of(roster.add_coordinator(mentors=[mentor]))
    for credential in (coordinator, admin):
        story = http.ask("GET", f"/mentors/{mentor}/why", credential).body
        assert (story["mentor_id"], story["status"]) == (str(mentor), "paused")
        assert (story["answer"], story["rule"]["why"]) == ("paused_by_run", "never_warned")
        assert story["rule"]["expires_on"] == str(YESTERDAY)
        assert story["last_change"]["run"]["job_run_id"] == str(run_id())


def test_the_answer_does_not_tell_whether_a_mentor_exists(
    http: Http, roster: Roster, mentor: UUID, coordinator: str, admin: str
) -> None:
    """S4: another coordinator's mentor, another organisation's, and none."""
    (other,) = roster.rows(
        "insert into organisations (id, slug) values (gen_random_uuid(), 'other') returning id"
    )
    foreign = uuid4()
    roster.db.execute(
        "insert into peer_mentors (id, org_id) values (%s, %s)", (foreign, other["id"])
    )
    refused = [
        http.ask("GET", f"/mentors/{wanted}/why", credential)
        for wanted, credential in (
            (mentor, coordinator),
            (foreign, coordinator),
            (uuid4(), coordinator),
            (foreign, admin),
            (uuid4(), admin),
        )
    ]
    assert {(answer.status, problem_of(answer)) for answer in refused} == {
        (403, "/problems/permission-denied")
    }
    assert len({answer.text for answer in refused}) == 1


def test_a_machine_and_a_stranger_get_no_story(http: Http, mentor: UUID) -> None:
    """G6: also about nobody."""
    for wanted in (mentor, uuid4()):
        for credential in (MACHINE_SECRET, token_of(uuid4())):
            answer = http.ask("GET", f"/mentors/{wanted}/why", credential)
            assert (answer.status, problem_of(answer)) == (403, "/problems/permission-denied")
        assert http.ask("GET", f"/mentors/{wanted}/why", None).status == 401


def test_an_id_of_another_form_is_not_valid(http: Http, admin: str) -> None:
    """422."""
    answer = http.ask("GET", "/mentors/kari/why", admin)
    assert (answer.status, problem_of(answer)) == (422, "/problems/invalid-request")
