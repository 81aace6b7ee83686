"""Supabase's command line applies our migrations beside an adopter's own (docs/adopting.md, R6)."""

import os
import re
from contextlib import closing
from pathlib import Path

import pytest

from support.adoption import HARBOUR, VALLEY, Block, open_project
from support.cluster import Cluster
from support.documents import ROOT, Shell, walk

SUPABASE = ROOT / ".tools/npm/node_modules/.bin"
pytestmark = pytest.mark.skipif(
    not (SUPABASE / "supabase").exists(), reason="Supabase's command line comes with make check"
)


def test_our_migrations_and_the_mapping_are_pushed_beside_an_adopters_own(
    cluster: Cluster, tmp_path: Path
) -> None:
    """One adopter's migration is older than ours and one is newer.

    The mapping is a migration, too.
    """
    own = _folder(tmp_path)
    (push,) = walk("adopting-push")
    again = push.text.splitlines()[-1]
    with open_project(cluster, VALLEY) as club:
        with closing(_shell(tmp_path, cluster.server.url(club.db.info.dbname))) as shell:
            (own / "20250101000000_own.sql").write_text("create table public.own (id integer);")
            (own / "20990101000000_own.sql").write_text("create table public.young (id integer);")
            assert shell.type(again).code == 0
            typed = shell.type(push.text)
            assert typed.code == 0, typed.err
            club.type(Block.IDS)
            club.type(Block.ORGANISATION)
            (own / "20990102000000_map.sql").write_text(_as_migration(club.text(Block.MAP)))
            typed = shell.type(again)
            assert typed.code == 0, typed.err
        assert club.findings() == []
        assert len(club.type(Block.PREVIEW)) == len(club.expired()) > 0


def test_an_adopted_project_is_rebuilt_from_its_migrations(
    cluster: Cluster, tmp_path: Path
) -> None:
    """A branch has only the files.

    One makes room before our migrations; the mapping follows them.
    """
    own = _folder(tmp_path)
    (push,) = walk("adopting-push")
    (room,) = re.findall(r"`(\d{14}_make_room\.sql)`", (ROOT / "docs/adopting.md").read_text())
    with open_project(cluster, HARBOUR) as branch:
        (own / room).write_text(_as_migration(branch.text(Block.MAKE_ROOM)))
        later = (Block.IDS, Block.ORGANISATION, Block.MAP, Block.APP)
        for n, block in enumerate(later):
            (own / f"209901010000{n:02}_adopt.sql").write_text(_as_migration(branch.text(block)))
        with closing(_shell(tmp_path, cluster.server.url(branch.db.info.dbname))) as shell:
            typed = shell.type(push.text)
            assert typed.code == 0, typed.err
        assert branch.findings() == []


def _folder(project: Path) -> Path:
    """Create a project's folder of migrations."""
    folder = project / "supabase/migrations"
    folder.mkdir(parents=True)
    return folder


def _shell(project: Path, url: str) -> Shell:
    environ = {
        "PATH": f"{SUPABASE}:{os.environ['PATH']}", "HOME": str(project), "DO_NOT_TRACK": "1",
        "MENTOR_PAUSE": str(ROOT), "OWNER_URL": url,
    }  # fmt: skip
    return Shell(project, environ, project)


def _as_migration(block: str) -> str:
    """Remove the lines that make the block a transaction."""
    kept = [line for line in block.splitlines() if line not in {"begin;", "commit;"}]
    return "\n".join(kept) + "\n"
