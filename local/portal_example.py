"""The portal that docs/portal-mapping.json describes: its tables, and rows for a roster."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from local.portal_columns import Column, Row, Table
from local.portal_tables import Portal
from local.template import ROOT
from mentor_pause.portal.mapping import Mapping, MentorMapping

MAPPING = ROOT / "docs/portal-mapping.json"


def example_mapping() -> Mapping:
    """Return the mapping."""
    return Mapping.parse(MAPPING.read_text())


def example_portal(client_secret: str) -> Portal:
    """Return the portal, without rows."""
    mapping = example_mapping()
    mentors, certifications = mapping.mentors, mapping.certifications
    return Portal(
        [
            Table(
                "hlf_likeperson", mentors.entity_set, "hlf_likepersonid", mentors.key,
                _mentor_columns(mentors),
                {(s.statecode, s.statuscode) for s in mentors.states.values()},
            ),
            Table(
                "hlf_certification", certifications.entity_set, certifications.id, None,
                {
                    certifications.mentor_key: Column(),
                    certifications.expires_on: Column("DateTime"),
                },
            ),
        ],
        client_secret,
        {"prvReadhlf_likeperson", "prvWritehlf_likeperson", "prvReadhlf_certification"},
    )  # fmt: skip


def _mentor_columns(names: MentorMapping) -> dict[str, Column]:
    reasons = set((names.reason_values or {}).values())
    return {
        names.key: Column(),
        names.status: Column("Picklist", set(names.status_values.values())),
        str(names.reason): Column("Picklist", reasons),
        str(names.effective_on): Column("DateTime"),
    }


def mirror_roster(owner_url: str) -> dict[str, list[Row]]:
    """Mark every mentor as synced in the database, and return the portal's rows for it.

    The state is as after some nights: no mentor waits, and all certifications are stored.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    with psycopg.connect(owner_url) as connection:
        db = connection.cursor(row_factory=dict_row)
        db.execute(
            "update public.certifications set portal_id = id::text, portal_modified_on = %s", (now,)
        )
        db.execute(
            "insert into public.portal_sync_state (mentor_id, synced_version)"
            " select id, version from public.peer_mentors"
        )
        db.execute(
            "insert into public.portal_watermarks (org_id, watermark)"
            " select id, %s from public.organisations",
            (now,),
        )
        states = _states(db)
        certifications = db.execute(
            "select c.portal_id, c.mentor_id, c.expires_on from public.certifications as c"
        ).fetchall()
    return _rows(states, certifications, f"{now:%Y-%m-%dT%H:%M:%SZ}")


def _states(db: psycopg.Cursor[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the portal should hold of every mentor, read page by page."""
    (org,) = db.execute("select id from public.organisations").fetchall()
    states: list[dict[str, Any]] = []
    after = None
    while page := db.execute(
        "select * from public.list_all_portal_states(%s, %s, 500)", (org["id"], after)
    ).fetchall():
        states += page
        after = page[-1]["mentor_id"]
    return states


def _rows(
    states: list[dict[str, Any]], certifications: list[dict[str, Any]], modified_on: str
) -> dict[str, list[Row]]:
    mapping = example_mapping()
    ours, theirs = mapping.mentors, mapping.certifications
    keys = {state["mentor_id"]: state["portal_key"] for state in states}
    after = timedelta(days=1 if theirs.expires == "after the day" else 0)
    return {
        ours.entity_set: [
            {
                ours.key: state["portal_key"],
                **ours.columns(state["status"], state["reason"], state["effective_on"]),
                "modifiedon": modified_on,
            }
            for state in states
        ],
        theirs.entity_set: [
            {
                theirs.id: certification["portal_id"],
                theirs.mentor_key: keys[certification["mentor_id"]],
                theirs.expires_on: (certification["expires_on"] - after).isoformat(),
                "modifiedon": modified_on,
            }
            for certification in certifications
        ],
    }
