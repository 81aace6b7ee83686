"""One local stack for all end-to-end tests: the real template, deployed to the emulator."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local import sam
from support.deployed import Deployed, mentor_pause


@pytest.fixture(scope="session")
def stack_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of its own for the stack; the command line finds it by its variable."""
    folder = tmp_path_factory.mktemp("stack")
    os.environ["MENTOR_PAUSE_LOCAL"] = str(folder)
    try:
        yield folder
    finally:
        mentor_pause("local", "down")
        del os.environ["MENTOR_PAUSE_LOCAL"]


@pytest.fixture(scope="session")
def deployed(stack_folder: Path) -> Deployed:
    """The stack, up and deployed."""
    assert mentor_pause("local", "up").returncode == 0
    return Deployed(stack_folder)


@pytest.fixture(scope="session")
def build() -> Path:
    """The functions and the layer as they would be deployed, made of what the checkout holds."""
    return sam.build()


@pytest.fixture
def owner(deployed: Deployed) -> Iterator[psycopg.Connection]:
    """The owner's connection to a fresh roster: 300 mentors, 150 of them expired, pages of 100.

    The portal holds the same, and the sync does not follow by itself. Firings of an earlier test
    that still wait for their runs are taken away.
    """
    deployed.let_the_sync_follow(follow=False)
    deployed.sqs.purge_queue(QueueUrl=deployed.stack.outputs["WaitingRunsQueueUrl"])
    deployed.local.seed(mentors=300, expired=150, seed=3)
    with psycopg.connect(deployed.local.database_url(), autocommit=True) as connection:
        yield connection
