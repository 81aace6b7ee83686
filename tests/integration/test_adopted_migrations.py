"""Supabase's command line applies our migrations beside an adopter's own (docs/adopting.md, R6)."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from support.adoption import VALLEY, Block, open_project
from support.cluster import Cluster
from support.documents import ROOT, Shell, walk

SUPABASE = ROOT / ".tools/npm/node_modules/.bin"
pytestmark = pytest.mark.skipif(
    not (SUPABASE / "supabase").exists(), reason="Supabase's command line comes with make check"
)


def test_our_migrations_and_the_mapping_are_pushed_beside_an_adopters_own(
    cluster: Cluster, tmp_path: Path
) -> None:
    """One of the adopter's is older than ours and one younger; the mapping is a migration too."""
    own = tmp_path / "supabase/migrations"
    own.mkdir(parents=True)
    (push,) = walk("adopting-push")
    again = push.text.splitlines()[-1]
    with open_project(cluster, VALLEY) as club:
        environ = {
            "PATH": f"{SUPABASE}:{os.environ['PATH']}", "HOME": str(tmp_path), "DO_NOT_TRACK": "1",
            "MENTOR_PAUSE": str(ROOT), "OWNER_URL": cluster.server.url(club.db.info.dbname),
        }  # fmt: skip
        with closing(Shell(tmp_path, environ, tmp_path)) as shell:
            (own / "20250101000000_own.sql").write_text("create table public.own (id integer);")
            (own / "20990101000000_own.sql").write_text("create table public.young (id integer);")
            assert shell.type(again).code == 0
            typed = shell.type(push.text)
            assert typed.code == 0, typed.err
            club.type(Block.IDS)
            club.type(Block.ORGANISATION)
            mapping = "\n".join(club.text(Block.MAP).strip().splitlines()[1:-1])
            (own / "20990102000000_map.sql").write_text(mapping)
            typed = shell.type(again)
            assert typed.code == 0, typed.err
        assert club.findings() == []
        assert len(club.type(Block.PREVIEW)) == len(club.expired()) > 0
