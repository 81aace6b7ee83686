"""A mentor's story is told in plain sentences, with the next command (G6)."""

from typing import Any

import pytest

from cli.show.why import next_step, show_story, tell

MENTOR, RUN, PLANNER = "11111111-0000-4000-8000-000000000001", "RUN", "PLANNER"
AT = "2026-11-26T02:00:09+00:00"
CHANGE = {
    "from": "active", "to": "paused", "reason": "certification_expired", "at": AT, "by": "job",
    "expires_on": "2026-11-20",
    "run": {
        "job_run_id": RUN, "job_name": "certification_expiry", "as_of": "2026-11-26",
        "started_at": AT, "triggered_by": "schedule", "plan_hash": "HASH", "plan_of": None,
        "withdraws": None, "approved_by": None, "approved_at": None, "approval_note": None,
    },
}  # fmt: skip
PLAN = {
    "job_run_id": PLANNER, "as_of": "2026-11-26", "plan_hash": "HASH", "action": "hold",
    "why": "never_warned", "expires_on": "2026-11-20", "approved_by": None, "approved_at": None,
    "is_current": True,
}  # fmt: skip
EXPIRED = {"as_of": "2026-11-26", "expires_on": "2026-11-20", "why": "never_warned"}
VALID = {"as_of": "2026-11-26", "expires_on": "2027-05-31", "why": None}


def story(**more: Any) -> dict[str, Any]:
    """Return the story of an active mentor with a valid certification."""
    return {
        "mentor_id": MENTOR, "status": "active", "version": 1, "status_changed_at": AT,
        "answer": "valid", "rule": VALID, "last_change": None, "plan": None, "warnings": [],
        "messages": [], "portal": None, "changes": [], "last_look": None,
        "next_check": {"as_of": "2026-11-27", "pauses_on": None},
    } | more  # fmt: skip


APPROVED = PLAN | {"approved_by": "user 7", "approved_at": AT}
STORIES = {
    "valid": story(),
    "no_certification": story(answer="no_certification", rule=VALID | {"expires_on": None}),
    "will_be_paused": story(answer="will_be_paused", rule=EXPIRED),
    "held": story(answer="held", rule=EXPIRED, plan=PLAN),
    "held and approved": story(answer="held", rule=EXPIRED, plan=APPROVED),
    "held without a plan": story(answer="held", rule=EXPIRED),
    "changed since the plan": story(
        answer="held", rule=EXPIRED, plan=APPROVED | {"is_current": False}
    ),
    "paused_by_run": story(
        answer="paused_by_run", status="paused", rule=EXPIRED, last_change=CHANGE
    ),
    "renewed_and_paused": story(
        answer="renewed_and_paused", status="paused", rule=VALID, last_change=CHANGE
    ),
    "paused_by_hand": story(
        answer="paused_by_hand", status="paused", last_change=CHANGE | {"run": None}
    ),
    "paused before the history": story(answer="paused_by_hand", status="paused"),
    "inactive": story(answer="inactive", status="inactive"),
}


@pytest.mark.parametrize(
    ("name", "sentence", "step"),
    [
        ("valid", "the run of 2027-05-31 pauses the mentor unless it is renewed", None),
        ("no_certification", "no certification that could expire", None),
        ("will_be_paused", "the next run, for 2026-11-27, pauses the mentor",
         "run certification_expiry --follow"),
        ("held", f"the pause waits for an approval of the plan of run {PLANNER}",
         f"approve {PLANNER} --plan HASH --note TEXT"),
        ("held and approved", "no run has paused the mentor yet; approved by user 7",
         f"approve {PLANNER} --plan HASH --note TEXT"),
        ("held without a plan", "the plan of the next run decides about the pause",
         "run certification_expiry --follow"),
        ("changed since the plan", "the plan of the next run decides about the pause",
         "run certification_expiry --follow"),
        ("paused_by_run",
         f"run {RUN} for 2026-11-26 paused the mentor: the certification expired on 2026-11-20",
         None),
        ("renewed_and_paused", "it was renewed until 2027-05-31; a person has to resume",
         f"mentor {MENTOR} --set active --reason certification_renewed"),
        ("paused_by_hand", "not the nightly run but a person or a program paused", None),
        ("paused before the history", "the history does not say who paused the mentor", None),
        ("inactive", "no run pauses an inactive mentor", None),
    ],
)  # fmt: skip
def test_every_answer_has_its_sentence_and_its_next_command(
    name: str, sentence: str, step: str | None
) -> None:
    """The first line has the status, and since when."""
    told = list(tell(STORIES[name]))
    status = STORIES[name]["status"]
    assert told[0] == f"{MENTOR} is {status} since 2026-11-26 02:00:09 UTC"
    assert sentence in " ".join(told[1:])
    assert next_step(STORIES[name], str) == step


def test_the_details_name_runs_people_days_and_deliveries(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """G6: an approved pause of a mentor whose date was moved, and whose e-mail bounced."""
    run = CHANGE["run"] | {  # type: ignore[operator]
        "plan_of": PLANNER, "approved_by": "user 7", "approved_at": AT, "approval_note": "right",
    }  # fmt: skip
    show_story(
        STORIES["paused_by_run"] | {
            "last_change": CHANGE | {"run": run}, "plan": APPROVED,
            "warnings": [
                {"expires_on": "2027-01-01", "stage": 30, "warned_on": "2026-12-02"},
                {"expires_on": "2027-01-01", "stage": 90, "warned_on": "2026-10-03"},
            ],
            "changes": [
                {"at": AT, "by": "portal", "job_run_id": None, "from": "2027-01-01",
                 "to": "2026-11-20"},
                {"at": AT, "by": "service", "job_run_id": None, "from": "2027-01-01", "to": None},
            ],
            "messages": [{"kind": "paused", "created_at": AT, "state": "bounced"}],
            "portal": {"synced_version": 1, "synced_at": AT, "is_synced": False},
            "last_look": {"job_run_id": RUN, "as_of": "2026-11-26", "finished_at": AT},
        },
        "mentor-pause {}".format,
    )  # fmt: skip
    assert capsys.readouterr().out.splitlines()[2:] == [
        "certification on 2026-11-26: until 2026-11-20, never warned",
        (
            "last change: active to paused, 2026-11-26 02:00:09 UTC, by a run,"
            " reason certification_expired"
        ),
        f"run {RUN} of certification_expiry for 2026-11-26, requested by schedule",
        f"it released the plan of run {PLANNER}, HASH",
        "approved by user 7, 2026-11-26 02:00:09 UTC: right",
        (
            f"newest plan, of run {PLANNER} for 2026-11-26: hold, never warned;"
            " approved by user 7, 2026-11-26 02:00:09 UTC"
        ),
        "warned of 2027-01-01 on 2026-10-03, 2026-12-02",
        "2026-11-26 02:00:09 UTC: portal moved the date from 2027-01-01 to 2026-11-20",
        "2026-11-26 02:00:09 UTC: service took away the certification until 2027-01-01",
        "message to the mentor, 2026-11-26 02:00:09 UTC: paused, bounced",
        "HLF's portal does not have this status yet",
        f"last look: run {RUN} for 2026-11-26, ended 2026-11-26 02:00:09 UTC",
        "next look: 2026-11-27",
        "next: mentor-pause run hlf_sync --follow",
    ]
