"""Fixtures: a real PostgreSQL, a database of its own for each test; moto inside the process."""

import os
import secrets
from collections.abc import Iterator

import boto3
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

from local import database
from local.postgres import Server
from support.cluster import Cluster
from support.night import Clients, make_clients
from support.roster import Roster

settings.register_profile(
    "mentor-pause",
    deadline=None,  # each example talks to a database
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("mentor-pause")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server with Supabase's roles and a migrated template database."""
    server = Server(tmp_path_factory.mktemp("postgres"), durable=False)
    server.start()
    try:
        owner = server.url("postgres")
        database.create_database(owner, "template_mentor_pause")
        database.create_supabase_roles(server.url("template_mentor_pause"))
        database.migrate(server.url("template_mentor_pause"))
        passwords = {role: secrets.token_hex(8) for role in database.JOB_ROLES}
        for role, password in passwords.items():
            database.let_log_in(owner, role, password)
        yield Cluster(server, passwords)
    finally:
        server.stop()


@pytest.fixture
def db(cluster: Cluster) -> Iterator[psycopg.Connection]:
    """The owner's connection to a fresh database."""
    with cluster.database() as connection:
        yield connection


@pytest.fixture
def roster(db: psycopg.Connection) -> Roster:
    """Helpers that put mentors into the database."""
    return Roster(db)


@pytest.fixture(scope="session")
def aws() -> Iterator[Clients]:
    """AWS as moto plays it, inside this process."""
    real = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_")}
    os.environ |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    try:
        with mock_aws():
            yield make_clients(boto3.Session(region_name="eu-north-1"))
    finally:
        del os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        os.environ |= real
