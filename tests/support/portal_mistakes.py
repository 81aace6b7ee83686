"""Single mistakes in the portal's configuration or in the mapping (H2)."""

from local.portal_columns import Column
from support.portal_edits import (
    SETTINGS,
    TABLES,
    Break,
    certifications,
    column,
    lookup,
    mentors,
    reach,
    secured,
    unreadable,
)

MISTAKES: dict[str, tuple[Break, str, str]] = {
    "a date with a time": (
        column("hlf_validuntil", kind="DateTime", behavior="UserLocal", format="DateAndTime"),
        "column hlf_certification.hlf_validuntil",
        (
            "its values have a time (behavior UserLocal): HLF has to set its behavior, or time "
            "zone adjustment, to Date only; if the portal does not allow that, HLF has to add a "
            f"new column with this behavior ({TABLES}hlf_certification > Columns > hlf_validuntil "
            "> Advanced options)"
        ),
    ),
    "a date whose time is hidden": (
        column("hlf_validuntil", kind="DateTime", behavior="UserLocal", format="DateOnly"),
        "column hlf_certification.hlf_validuntil",
        "its values have a time (behavior UserLocal), though its format is Date only: ",
    ),
    "a date without a zone": (
        column("hlf_statusfrom", kind="DateTime", behavior="TimeZoneIndependent"),
        "column hlf_likeperson.hlf_statusfrom",
        "its values have a time (behavior TimeZoneIndependent), though its format is Date only: ",
    ),
    "a day that is text": (
        column("hlf_validuntil"),
        "column hlf_certification.hlf_validuntil",
        (
            "it is a text column, and the sync needs a date column with the behavior Date only: "
            f"HLF has to add such a column, or the mapping has to name another "
            f"({TABLES}hlf_certification > Columns)"
        ),
    ),
    "a text for a choice": (
        column("hlf_status"),
        "column hlf_likeperson.hlf_status",
        (
            "it is a text column, and the sync needs a choice column, since the mapping has values "
            "for it: "
        ),
    ),
    "a whole number for a choice": (
        column("hlf_statusreason", kind="Integer"),
        "column hlf_likeperson.hlf_statusreason",
        "it is a column of whole numbers, and the sync needs a choice column",
    ),
    "Yes/No for a choice": (
        column("hlf_status", kind="Boolean"),
        "column hlf_likeperson.hlf_status",
        "it is a Yes/No column, and the sync needs a choice column",
    ),
    "several choices for a choice": (
        column("hlf_status", kind="Virtual"),
        "column hlf_likeperson.hlf_status",
        "it is a column of another kind, and the sync needs a choice column",
    ),
    "a key that is a number": (
        lambda portal: mentors(portal).columns.update(hlf_mentornumber=Column("Integer")),
        "column hlf_likeperson.hlf_mentornumber",
        "it is a column of whole numbers, and the sync needs a text column (single line): ",
    ),
    "a mentor's key of several lines": (
        lambda portal: certifications(portal).columns.update(hlf_mentornumber=Column("Memo")),
        "column hlf_certification.hlf_mentornumber",
        "it is a text column of several lines, and the sync needs a text column (single line): ",
    ),
    "a lookup": (
        lookup,
        "column hlf_certification.hlf_mentornumber",
        (
            "it is a lookup, and the sync needs a text column (single line): HLF has to add such a "
            "column, filled with what the lookup refers to, or the mapping has to name another"
        ),
    ),
    "an id that is not the primary key": (
        lambda portal: (
            certifications(portal).columns.update(hlf_certificationid=Column()),
            setattr(certifications(portal), "id", "activityid"),
        ),
        "column hlf_certification.hlf_certificationid",
        "it is not the table's primary key: the mapping has to name activityid",
    ),
    "a column that is missing": (
        lambda portal: mentors(portal).columns.pop("hlf_statusfrom"),
        "column hlf_likeperson.hlf_statusfrom",
        (
            "the table has no such column: HLF has to add it, or the mapping has to name another "
            f"({TABLES}hlf_likeperson > Columns)"
        ),
    ),
    "a column with a typo": (
        lambda portal: mentors(portal).columns.update(
            hlf_statusform=mentors(portal).columns.pop("hlf_statusfrom")
        ),
        "column hlf_likeperson.hlf_statusfrom",
        "the table has no such column; hlf_statusform has a similar name: ",
    ),
    "a calculated column": (
        column("hlf_statusfrom", kind="DateTime", writable=False),
        "column hlf_likeperson.hlf_statusfrom",
        (
            "nobody can write it, since the portal calculates it: HLF has to make it a simple "
            f"column ({TABLES}hlf_likeperson > Columns > hlf_statusfrom > Data type)"
        ),
    ),
    "a secured column that we may neither read nor write": (
        secured(),
        "column hlf_likeperson.hlf_status",
        (
            "it has column security, and our application user may not read and update it: HLF has "
            f"to put our application user into a profile that allows this ({SETTINGS}Column "
            "security profiles)"
        ),
    ),
    "a secured column that we may only read": (
        secured("read"),
        "column hlf_likeperson.hlf_status",
        "it has column security, and our application user may not update it: ",
    ),
    "a secured day": (
        column("hlf_validuntil", kind="DateTime", secured=True, granted={"update"}),
        "column hlf_certification.hlf_validuntil",
        "it has column security, and our application user may not read it: ",
    ),
    "a secured column of which the portal says nothing": (
        unreadable,
        "column hlf_likeperson.hlf_status",
        (
            "it has column security, and the portal does not say what our application user may do "
            "with it (the portal refused the request (HTTP 403 0x80040220)): HLF has to switch its "
            "column security off, or to give a role of our application user the privilege "
            "prvReadUser, so that the check can see its rights"
        ),
    ),
    "no alternate key": (
        lambda portal: setattr(mentors(portal), "key", None),
        "alternate key hlf_likeperson.hlf_mentornumber",
        f"HLF has to define an alternate key on this column alone ({TABLES}hlf_likeperson > Keys)",
    ),
    "an alternate key of two columns": (
        lambda portal: setattr(mentors(portal), "key_with", ("hlf_chapter",)),
        "alternate key hlf_likeperson.hlf_mentornumber",
        (
            f"HLF has to define an alternate key on this column alone ({TABLES}hlf_likeperson > "
            "Keys); the key on hlf_mentornumber, hlf_chapter is not enough"
        ),
    ),
    "an index that is being built": (
        lambda portal: setattr(portal, "key_index", "InProgress"),
        "alternate key hlf_likeperson.hlf_mentornumber",
        (
            "the key's index is not active yet (InProgress): HLF has to wait until it is built "
            f"({TABLES}hlf_likeperson > Keys)"
        ),
    ),
    "an index that could not be built": (
        lambda portal: setattr(portal, "key_index", "Failed"),
        "alternate key hlf_likeperson.hlf_mentornumber",
        (
            "the key's index could not be built: two rows have the same key, or one is too long; "
            f"HLF has to correct them and activate the key again ({TABLES}hlf_likeperson > Keys)"
        ),
    ),
    "a status without its choice": (
        lambda portal: mentors(portal).columns["hlf_status"].choices.remove(100000001),
        "choices of hlf_likeperson.hlf_status",
        (
            "the column has no choice with the value 100000001: HLF has to add it, or the mapping "
            f"has to name another ({TABLES}hlf_likeperson > Columns > hlf_status > Choices)"
        ),
    ),
    "reasons without their choices": (
        lambda portal: mentors(portal).columns["hlf_statusreason"].choices.clear(),
        "choices of hlf_likeperson.hlf_statusreason",
        "the column has no choice with the value 100000020, 100000021, 100000022, 100000029: ",
    ),
    "a state without its status code": (
        lambda portal: mentors(portal).states.remove((1, 2)),
        "states of hlf_likeperson",
        (
            "the table has no status code 2 in state 1: HLF has to add it, or the mapping has to "
            f"name another ({TABLES}hlf_likeperson > Columns > statuscode > Choices)"
        ),
    ),
    "a set name with a typo": (
        lambda portal: setattr(certifications(portal), "entity_set", "hlf_certificationes"),
        "table hlf_certifications",
        (
            "the portal has no table with this entity set; hlf_certificationes has a similar name; "
            f"HLF finds the right name in {TABLES}the table > Tools > Copy set name"
        ),
    ),
    "a set name that nothing is like": (
        lambda portal: setattr(certifications(portal), "entity_set", "contacts"),
        "table hlf_certifications",
        "the portal has no table with this entity set; HLF finds the right name in ",
    ),
    "a logical name for a set name": (
        lambda portal: (
            setattr(certifications(portal), "name", "hlf_certifications"),
            setattr(certifications(portal), "entity_set", "hlf_certificationses"),
        ),
        "table hlf_certifications",
        (
            "this is the table's logical name; the mapping needs the name of its entity set, "
            "hlf_certificationses"
        ),
    ),
    "no privilege to write": (
        lambda portal: portal.privileges.remove("prvWritehlf_likeperson"),
        "privilege prvWritehlf_likeperson",
        (
            "it is missing: HLF has to give it to a role of our application user, with the access "
            f"level Organization ({SETTINGS}Security roles)"
        ),
    ),
    "no privilege to read": (
        lambda portal: portal.privileges.remove("prvReadhlf_certification"),
        "privilege prvReadhlf_certification",
        "it is missing: ",
    ),
    "a privilege on our own rows": (
        reach("Basic"),
        "privilege prvWritehlf_likeperson",
        (
            "it reaches only rows that our application user owns (Basic): HLF has to raise its "
            "access level to Organization in a role of our application user "
            f"({SETTINGS}Security roles)"
        ),
    ),
    "a privilege on rows that pass a filter": (
        reach("RecordFilter", "Anything"),
        "privilege prvWritehlf_likeperson",
        "it reaches only some rows (RecordFilter): ",
    ),
    "a privilege on our own business unit": (
        reach("Basic", "Local", "Basic"),
        "privilege prvWritehlf_likeperson",
        "it reaches only rows of our application user's own business unit (Local): ",
    ),
    "a privilege on our business unit and below": (
        reach("Local", "Deep", parent="00000000-0000-0000-0000-0000000000b1"),
        "privilege prvWritehlf_likeperson",
        "it reaches only our application user's business unit and the units below it (Deep): ",
    ),
}
"""Each mistake, with the subject of its finding and the beginning of the finding's sentence."""
