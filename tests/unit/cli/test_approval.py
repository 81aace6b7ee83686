"""An approval asks for its release once, also if the command is repeated (G4)."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pytest

from cli.approval import approve_plan, release_request
from cli.failures import NotInOrder
from local.errors import StackError
from mentor_pause.domain.runs import run_id_of
from mentor_pause.errors import Conflict, Forbidden, MentorPauseError, NotFound
from support.command_line import type_command

if TYPE_CHECKING:
    from cli.stacks import Stack
    from mentor_pause.database.client import Database

ORG, RUN, NEWEST = UUID(int=9), UUID(int=7), UUID(int=8)
HASH, NEW_HASH = "ab" * 32, "cd" * 32


def release_id(trigger_id: str) -> UUID:
    """Return the id of the release that a trigger starts."""
    return run_id_of("certification_expiry", ORG, trigger_id)


class Plans:
    """A database that has rows of some releases, and refuses approvals with an error."""

    def __init__(
        self, statuses: dict[UUID, str] | None = None, refusal: MentorPauseError | None = None
    ) -> None:
        """`statuses` are those of the releases."""
        self._statuses, self._refusal = statuses or {}, refusal

    def get_execution(self, _org_id: UUID, job_run_id: UUID) -> Any:
        """Return the row of a release, if there is one."""
        status = self._statuses.get(job_run_id)
        if status is None:
            return None
        if status == "never began":
            return SimpleNamespace(status="failed", processed_count=None)
        return SimpleNamespace(status=status, processed_count=0)

    def approve_plan(self, *_arguments: object) -> None:
        """Refuse."""
        assert self._refusal is not None
        raise self._refusal

    def assert_org_scope(self, _org_id: UUID, _slug: str) -> Any:
        """Return the organisation's day."""
        return SimpleNamespace(today=None)

    def get_brake_figures(self, _org_id: UUID, _as_of: object) -> Any:
        """Return the plan that holds mentors now."""
        return SimpleNamespace(held_by=NEWEST, plan_hash=NEW_HASH)


STACK = cast(
    "Stack",
    SimpleNamespace(org_id=ORG, command="mentor-pause {}".format, outputs={"HlfOrgSlug": "hlf"}),
)


@pytest.mark.parametrize(
    ("statuses", "trigger_id"),
    [
        ([], f"approval-{RUN}"),
        (["refused"], f"approval-{RUN}"),
        (["never began"], f"approval-{RUN}"),
        (["running"], f"approval-{RUN}"),
        (["completed"], f"approval-{RUN}"),
        (["failed"], f"approval-{RUN}-2"),
        (["failed", "completed"], f"approval-{RUN}-2"),
        (["failed", "failed"], f"approval-{RUN}-3"),
    ],
)
def test_a_repeated_command_asks_for_the_same_release_unless_it_failed(
    statuses: list[str], trigger_id: str
) -> None:
    """The run's id follows from the trigger, so two commands never start two releases."""
    names = [f"approval-{RUN}", f"approval-{RUN}-2", f"approval-{RUN}-3"]
    known = {release_id(name): status for name, status in zip(names, statuses, strict=False)}
    event = release_request(STACK, cast("Database", Plans(known)), RUN)
    assert (event["trigger_id"], event["releases"]) == (trigger_id, str(RUN))
    assert "as_of" not in event


@pytest.mark.parametrize(
    ("refusal", "kind", "sentence"),
    [
        (
            Conflict("this is not the newest plan", "PT409", "3 are new", "plan_changed"),
            NotInOrder,
            (
                f"this is not the newest plan: 3 are new; see whom it holds with: mentor-pause runs"
                f" {NEWEST}; if it is right: mentor-pause approve {NEWEST} --plan {NEW_HASH} --note"
                " TEXT"
            ),
        ),
        (
            Conflict("the plan holds nobody", "PT409", "all are paused", "nothing_held"),
            NotInOrder,
            f"the plan holds nobody: all are paused; see the run with: mentor-pause runs {RUN}",
        ),
        (
            Forbidden("you asked for this run", "PT403", "ask another", "own_run"),
            NotInOrder,
            (
                "you asked for this run; ask another operator to type: mentor-pause approve"
                f" {RUN} --plan {HASH} --note TEXT"
            ),
        ),
        (
            NotFound("there is no such plan", "PT404", "give another id", "run_not_found"),
            StackError,
            "there is no such plan: give another id; list the runs with: mentor-pause runs",
        ),
    ],
)
def test_every_refusal_ends_with_the_next_command(
    refusal: MentorPauseError, kind: type[Exception], sentence: str
) -> None:
    """R6: also for an old hash, which is refused with what has changed."""
    with pytest.raises(kind) as raised:
        approve_plan(STACK, cast("Database", Plans(refusal=refusal)), RUN, HASH, "the note")
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--plan", "ab", "--note", "right"), "a plan's hash has 64 hexadecimal digits"),
        (("--plan", HASH, "--note", " x "), "say in 3 to 500 printable characters why"),
        (("--plan", HASH, "--note", "a\nb"), "say in 3 to 500 printable characters why"),
        (("--plan", HASH), "Missing option '--note'"),
        (("--note", "right"), "Missing option '--plan'"),
    ],
)
def test_a_wrong_hash_or_note_is_refused_before_anything_is_opened(
    words: tuple[str, ...], sentence: str
) -> None:
    """Exit code 2, and one sentence."""
    shown = type_command("approve", str(RUN), *words)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert sentence in shown.stderr
