"""Changes one mentor's status by hand."""

from uuid import UUID

from cli.stacks import Stack
from local.errors import StackError
from mentor_pause.database.change_status import change_status
from mentor_pause.database.client import Database
from mentor_pause.domain.mentors import Status
from mentor_pause.errors import Conflict


def change(stack: Stack, database: Database, mentor_id: UUID, status: Status, reason: str) -> None:
    """Change a mentor's status (S2).

    Raises:
        StackError: the mentor already has that status, or the transition is not allowed.
    """
    try:
        change_status(database, mentor_id, stack.org_id, status, reason)
    except Conflict as error:
        current = database.get_mentor_status(mentor_id, stack.org_id)
        look = stack.command(f"mentor {mentor_id}")
        if current.status == status:
            raise StackError(
                f"mentor {mentor_id} is already {status}, so nothing was changed; see the mentor"
                f" with: {look}"
            ) from error
        detail = f": {error.detail}" if error.detail else ""
        raise StackError(f"{error}{detail}; see the mentor with: {look}") from error
