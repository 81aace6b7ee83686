"""A mapping is valid, or one sentence names the wrong field (H2)."""

import json
from datetime import date
from typing import Any

import httpx
import pytest

from mentor_pause.errors import ConfigurationError
from mentor_pause.portal.mapping import Mapping
from support.portal import EXAMPLE, recorded


def example(**changes: Any) -> str:
    """Return the example with changes, by paths such as `mentors__key`; None removes a field."""
    found = EXAMPLE.model_dump(mode="json")
    for path, value in changes.items():
        part, _, name = path.partition("__")
        if value is None:
            del found[part][name]
        else:
            found[part][name] = value
    return json.dumps(found)


def test_the_example_gives_the_columns_to_write() -> None:
    """Choices as numbers, state and status code together, the day as a day."""
    assert EXAMPLE.mentors.columns("inactive", "moved_away", date(2026, 11, 22)) == {
        "hlf_status": 100000002, "statecode": 1, "statuscode": 2,
        "hlf_statusreason": 100000029, "hlf_statusfrom": "2026-11-22",
    }  # fmt: skip


def test_optional_fields_can_be_left_out() -> None:
    """The sync does not write these columns; a reason without choices is text."""
    lean = Mapping.parse(
        example(mentors__states=None, mentors__reason_values=None, mentors__effective_on=None)
    )
    assert lean.mentors.columns("paused", "on_leave", date(2026, 11, 22)) == {
        "hlf_status": 100000001, "hlf_statusreason": "on_leave",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it is not JSON (EOF while parsing"),
        ("[]", "it is not a JSON object"),
        (example(mentors__key=None), "mentors.key is missing"),
        (example(mentors__key="a'b"), "mentors.key is not a name of the Web API"),
        (example(mentors__entity_set="x/y"), "mentors.entity_set is not a name of the Web API"),
        (example(mentors__colour="red"), "mentors.colour is not a field of the mapping"),
        (
            example(mentors__status_values={"active": 1, "paused": 2}),
            "mentors: status_values needs active, paused and inactive",
        ),
        (
            example(mentors__status_values={"active": 1, "paused": 1, "inactive": 2}),
            "mentors: status_values gives two statuses the same value",
        ),
        (
            example(mentors__states={"active": {"statecode": 0, "statuscode": 1}}),
            "mentors: states needs active, paused and inactive, or none of them",
        ),
        (
            example(mentors__reason_values={"on_leave": 1}),
            "mentors: reason_values needs other",
        ),
        (
            example(mentors__reason="hlf_status"),
            "mentors: key, status, reason and effective_on are columns of their own",
        ),
        (
            example(mentors__effective_on="statuscode"),
            "mentors: statecode and statuscode belong into states",
        ),
        (
            example(mentors__reason=None),
            "mentors: reason_values needs reason, the column that they are for",
        ),
        (
            example(mentors__status_values={"active": True, "paused": "2", "inactive": 10**30}),
            "mentors.status_values.active is not a whole number",
        ),
        (example(certifications__expires="soon"), "certifications.expires: Input should be"),
    ],
)
def test_a_wrong_mapping_is_one_sentence_that_names_the_field(text: str, sentence: str) -> None:
    """H2."""
    with pytest.raises(ConfigurationError, match="the portal's mapping is not valid: ") as raised:
        Mapping.parse(text)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("pasted", "sentence"),
    [
        ("https://hlf.example/api/data/v9.2/hlf_likepersons?sig=TOPSECRET",
         "is an address; write the name at its end alone; perhaps hlf_likepersons"),
        ("https://hlf.example/api/data/v9.2/hlf_likepersons(hlf_key='TOPSECRET')",
         "is an address; write the name at its end alone; perhaps hlf_likepersons"),
        ("https://user:TOPSECRET@hlf.example/", "is an address; write the name at its end alone"),
        ("Hlf_LikePersons", "digits and underscores; perhaps hlf_likepersons"),
        (" hlf_likepersons", "digits and underscores; perhaps hlf_likepersons"),
        ("/hlf_likepersons/", "digits and underscores; perhaps hlf_likepersons"),
        ("TOPSECRET~8Q", "digits and underscores"),
        ("_hlf_mentor_value", "is a lookup, which the sync cannot read; name a text column"),
        ("", "digits and underscores"),
        (17, "is not a text"),
    ],
)  # fmt: skip
def test_a_pasted_name_is_refused_in_plain_words(pasted: object, sentence: str) -> None:
    """H2: the sentence suggests a name, and repeats nothing else of the pasted text."""
    with pytest.raises(ConfigurationError) as raised:
        Mapping.parse(example(mentors__entity_set=pasted))
    assert "not valid: mentors.entity_set " in str(raised.value)
    assert str(raised.value).endswith(sentence)
    assert "TOPSECRET" not in str(raised.value)
    assert "pattern" not in str(raised.value)


def test_a_value_outside_the_mapping_is_not_a_status() -> None:
    """H5: somebody at HLF may choose such a value by hand."""
    assert EXAMPLE.mentors.status_of(100000001) == "paused"
    assert EXAMPLE.mentors.status_of(7) is None
    assert EXAMPLE.mentors.status_of(None) is None


@pytest.mark.parametrize(
    ("expires", "first_day_without"), [("on the day", 30), ("after the day", 31)]
)
def test_the_portals_day_may_be_the_last_valid_day_or_the_first_invalid_one(
    expires: str, first_day_without: int
) -> None:
    """E1: the database stores the first day without a valid certification."""
    row = {"hlf_certificationid": "1", "hlf_mentornumber": "7", "hlf_validuntil": "2027-01-30",
           "modifiedon": "2026-11-22T10:00:00Z"}  # fmt: skip
    mapping = Mapping.parse(example(certifications__expires=expires))
    portal = recorded(lambda _request: httpx.Response(200, json={"value": [row]}), mapping)
    (page,) = portal.certifications(None)
    assert page.certifications[0].expires_on == date(2027, 1, first_day_without)
