"""The changes of SQL."""

from pathlib import Path

from local.places import ROOT
from mutants.sql import SqlChange, read_sql

FUNCTION = """\
-- A function; and this is no condition.
create or replace function public.pick(p_id uuid)
returns text
language plpgsql
as $$
begin
    perform private.assert_member(p_id);
    update public.rows as r set state = 'taken', seen = 1
    where r.id = p_id and r.rank < 5 and r.day between 1 and 2 and coalesce(r.name, 'none') = 'a';
    if p_id is null or p_id = p_id then
        return 'no';
    end if;
    return (select max(r.id) from public.rows as r where r.id = p_id for update);
end
$$;
grant execute on function public.pick to service_role;
"""
POLICY = """\
create table public.rows (id uuid check (id is not null));
create policy own on public.rows for select to authenticated
using (id in (select private.my_ids()) or is_open);
"""


def listed(tmp_path: Path, text: str) -> list[SqlChange]:
    """Return all changes of a schema file."""
    file = tmp_path / "pick.sql"
    file.write_text(text)
    return [change for source in read_sql(file) for change in source.changes(0)]


def changes(tmp_path: Path, text: str) -> dict[str, str]:
    """Return the statements of each change, by what changes; equal changes count once."""
    return {f"{c.mutant.before} -> {c.mutant.after}": c.statements for c in listed(tmp_path, text)}


def test_a_condition_is_dropped_up_to_the_next_one(tmp_path: Path) -> None:
    """The rest of the statement stays."""
    made = changes(tmp_path, FUNCTION)
    dropped = made["and r.rank < 5 -> nothing"]
    assert "where r.id = p_id and r.day between 1 and 2 and" in " ".join(dropped.split())
    assert "and r.day between 1 and 2 -> nothing" in made
    assert "r.id = p_id -> true" in made


def test_comparisons_numbers_arguments_and_statements_change(tmp_path: Path) -> None:
    """Each part that decides something has a change of its own."""
    made = changes(tmp_path, FUNCTION)
    for change in (
        "< -> <=",
        "5 -> 6",
        "or p_id = p_id -> nothing",
        "p_id is null or p_id = p_id -> false",
        "perform private.assert_member(p_id); -> nothing",
        "return 'no'; -> nothing",
        "coalesce(r.name, 'none') -> (r.name)",
        "coalesce(r.name, 'none') -> coalesce('none')",
        "for update -> nothing",
        "max -> min",
    ):
        assert change in made


def test_an_assignment_is_no_comparison(tmp_path: Path) -> None:
    """`set state = 'taken'` stays an assignment."""
    made = [change.statements for change in listed(tmp_path, FUNCTION)]
    assert not [text for text in made if "state <> 'taken'" in text]
    assert any("r.id <> p_id" in text for text in made)


def test_only_the_statement_that_changes_runs_again(tmp_path: Path) -> None:
    """Grants and comments of the file stay as the migrated database has them."""
    assert not [text for text in changes(tmp_path, FUNCTION).values() if "grant" in text]


def test_a_policy_is_created_again(tmp_path: Path) -> None:
    """It is dropped first, in the same statements."""
    made = changes(tmp_path, POLICY)
    dropped = made["or is_open -> nothing"]
    assert dropped.startswith("drop policy own on public.rows; create policy own")
    assert dropped.endswith("using (id in (select private.my_ids()) );")


def test_every_function_has_changes() -> None:
    """The program finds each function of the schema files."""
    files = sorted((ROOT / "supabase/schemas/functions").glob("*.sql"))
    assert files
    for file in files:
        assert [list(source.changes(0)) for source in read_sql(file)], file
