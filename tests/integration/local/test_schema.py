"""What the picture of the tables says about a table that is not like the others."""

import psycopg

from local.schema import draw


def test_a_reference_by_a_key_that_includes_a_column_has_at_most_one_row(
    db: psycopg.Connection,
) -> None:
    """An included column is stored in the index, and does not make the key wider."""
    db.execute("create table included (mentor_id uuid primary key references peer_mentors (id))")
    db.execute(
        "create table including (mentor_id uuid references peer_mentors (id), day date,"
        " primary key (mentor_id) include (day))"
    )
    db.execute(
        "create table wider (mentor_id uuid references peer_mentors (id), day date,"
        " primary key (mentor_id, day))"
    )
    db.execute(
        "create table partly (mentor_id uuid not null references peer_mentors (id));"
        "create unique index on partly (mentor_id) where mentor_id is null"
    )
    lines = draw(db).splitlines()
    assert "    peer_mentors ||--o| included : mentor_id" in lines
    assert "    peer_mentors ||--o| including : mentor_id" in lines
    assert "    peer_mentors ||--o{ wider : mentor_id" in lines
    assert "    peer_mentors ||--o{ partly : mentor_id" in lines
