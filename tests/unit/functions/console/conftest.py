"""A console whose Supabase a test plays."""

import pytest

from mentor_pause.database.person_client import Supabase
from support.console_requests import Console
from support.played_http import played as over
from support.played_supabase import Played


@pytest.fixture
def played() -> Played:
    """The project."""
    return Played()


@pytest.fixture
def console(played: Played) -> Console:
    """The console over the project."""
    return Console(Supabase("https://project.supabase.co", "key", over(played)))
