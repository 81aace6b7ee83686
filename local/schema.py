"""Draws the tables from the database itself: `python -m local.schema > docs/schema.md`."""

from itertools import groupby

import psycopg

from local.scratch import scratch_database

_TITLE = """# The tables

`make schema` draws this page from the migrated database, and a test compares the two. PK marks the
primary key, FK a foreign key, UK a unique column. A column is never null unless it is marked *may
be empty*. The full text of each table is in `supabase/schemas/tables`.

```mermaid
erDiagram
"""

_COLUMNS = """
    select c.relname, a.attname, format_type(a.atttypid, null), not a.attnotnull,
        exists (select from pg_constraint as k
            where k.conrelid = c.oid and k.contype = 'p' and a.attnum = any(k.conkey)),
        exists (select from pg_constraint as k
            where k.conrelid = c.oid and k.contype = 'f' and a.attnum = any(k.conkey)),
        exists (select from pg_constraint as k
            where k.conrelid = c.oid and k.contype = 'u' and k.conkey = array[a.attnum])
    from pg_class as c
    inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
    order by c.relname, a.attnum
"""

_REFERENCES = """
    select k.confrelid::regclass::text, k.conrelid::regclass::text, a.attname, a.attnotnull,
        exists (select from pg_index as i
            where i.indrelid = k.conrelid and i.indisunique and i.indpred is null
                and i.indnkeyatts = 1 and i.indkey[0] = a.attnum)  -- the rest is only included
    from pg_constraint as k
    inner join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
    where k.contype = 'f' and k.connamespace = 'public'::regnamespace
    order by 1, 2, 3
"""

_COMMENTS = """
    select c.relname, obj_description(c.oid, 'pg_class')
    from pg_class as c
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
    order by c.relname
"""


def draw(connection: psycopg.Connection) -> str:
    """Return the page: an entity-relationship diagram in Mermaid, and a list of the tables."""
    lines: list[str] = []
    for table, columns in groupby(connection.execute(_COLUMNS).fetchall(), lambda row: row[0]):
        lines += [f"    {table} {{", *(_column(*column[1:]) for column in columns), "    }"]
    for referred, table, column, required, single in connection.execute(_REFERENCES).fetchall():
        ends = f"{'||' if required else '|o'}--{'o|' if single else 'o{'}"
        lines.append(f"    {referred} {ends} {table} : {column}")
    described = [
        f"| `{table}` | {comment} |" for table, comment in connection.execute(_COMMENTS).fetchall()
    ]
    return "\n".join(
        [
            _TITLE + "\n".join(lines),
            "```",
            "",
            "| table | content |",
            "| --- | --- |",
            *described,
            "",
        ]
    )


def _column(name: str, kind: str, empty: bool, primary: bool, foreign: bool, unique: bool) -> str:
    keys = [key for key, has in (("PK", primary), ("FK", foreign), ("UK", unique)) if has]
    marks = f" {', '.join(keys)}" if keys else ""
    # Mermaid knows types of one word.
    word = {"timestamp with time zone": "timestamptz"}.get(kind, kind).replace(" ", "_")
    return f"        {word} {name}{marks}" + (' "may be empty"' if empty else "")


def main() -> None:
    """Print the page."""
    with scratch_database() as url, psycopg.connect(url) as connection:
        print(draw(connection), end="")  # noqa: T201


if __name__ == "__main__":
    main()
