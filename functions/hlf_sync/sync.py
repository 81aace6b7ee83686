"""Refuses the pages of the portal sync, plainly: the portal is not connected yet."""

from aws_lambda_powertools import Logger

from mentor_pause.events import MentorPage
from mentor_pause.pages import Remaining
from mentor_pause.runs import PageOutcome


class RefusePage:
    """Skips every mentor: the sync is not enabled."""

    def __init__(self, logger: Logger) -> None:
        """`logger` is told about each page."""
        self._logger = logger

    def __call__(self, page: MentorPage, remaining: Remaining) -> PageOutcome:  # noqa: ARG002
        """Return an outcome that skips the whole page."""
        self._logger.warning(
            "hlf_sync is not enabled; the page is skipped",
            extra={"outcome": "not_enabled", "skipped": len(page.mentor_ids)},
        )
        return PageOutcome(skipped=page.mentor_ids, note="hlf_sync is not enabled")
