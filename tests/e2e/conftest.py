"""A local stack for each group of end-to-end tests, started by the README's first block."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from local import sam
from support.deployed import Deployed, run_program
from support.documents import ROOT, Shell, Typed, walk


@pytest.fixture(scope="session")
def stack_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a new stack; a variable tells the command line where it is."""
    folder = tmp_path_factory.mktemp("stack")
    os.environ["MENTOR_PAUSE_LOCAL"] = str(folder)
    try:
        yield folder
    finally:
        run_program("local", "down")
        del os.environ["MENTOR_PAUSE_LOCAL"]


@pytest.fixture(scope="session")
def shell(stack_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A newcomer's shell in the checkout, without the variables of the test run."""
    ours = ("MAKE", "MFLAGS", "PYTEST_", "AWS_", "SUPABASE_", "PORTAL_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    with closing(Shell(ROOT, env, tmp_path_factory.mktemp("shell"))) as shell:
        yield shell


@pytest.fixture(scope="session")
def first_night(shell: Shell) -> Typed:
    """The result of the README's first block, which starts the stack and runs a night."""
    is_current = shell.type("make -q setup").code == 0
    assert is_current, "make would now install the environment of these very tests: make setup"
    (make_nightly, *_) = walk("readme", [ROOT / "README.md"])
    done = shell.type(make_nightly.text)
    assert done.code == 0, done.err
    return done


@pytest.fixture(scope="session")
def deployed(stack_folder: Path, first_night: Typed) -> Deployed:
    """The running, deployed stack."""
    deployed = Deployed(stack_folder)
    deployed.wait_for_the_sync()
    return deployed


@pytest.fixture(scope="session")
def build() -> Path:
    """The built functions and layers of this checkout."""
    return sam.build()


@pytest.fixture
def owner(deployed: Deployed) -> Iterator[psycopg.Connection]:
    """The owner's connection to a fresh roster: 300 mentors, 150 expired, pages of 100.

    The portal has the same mentors, and no sync follows a run by itself. Waiting triggers of an
    earlier test are removed.
    """
    deployed.let_the_sync_follow(follow=False)
    deployed.sqs.purge_queue(QueueUrl=deployed.stack.outputs["WaitingRunsQueueUrl"])
    deployed.local.seed(mentors=300, expired=150, seed=3)
    with psycopg.connect(deployed.local.database_url(), autocommit=True) as connection:
        yield connection
