"""What the drift's report logs, answers and measures (H5, E13)."""

import json

import pytest

from portal_drift.measure import MeasureDrift
from support.drift import measure, measuring, report, row_of
from support.metrics import emitted
from support.roster import Roster
from support.sync import PortalRows, SyncNight


def test_the_log_names_only_our_ids_and_the_answer_names_all_mentors(
    night: SyncNight, roster: Roster, portal: PortalRows, capsys: pytest.CaptureFixture[str]
) -> None:
    """H5, E13: a key of the portal is for the caller, not for the log."""
    mentor = roster.add_mentor()
    portal.add("Kari Nordmann")
    row_of(portal, "Kari Nordmann")["modifiedon"] = "2099-12-31T00:00:00Z"
    answer, (_, line) = report(night, lambda: measuring(night))
    assert (answer["status"], answer["differing"], answer["compared"]) == ("measured", 2, 2)
    named = answer["differences"]
    assert isinstance(named, list)
    assert {str(found["key"]) for found in named} == {str(mentor), "Kari Nordmann"}
    assert (line["differing"], line["mentor_ids_differing"]) == (2, [str(mentor)])
    assert "Kari" not in json.dumps(line)
    assert emitted(capsys) == {
        "PortalMentorsDiffering": [2],
        "PortalCertificationsDiffering": [0],
        "PortalOldestDifferenceAge": [answer["oldest_seconds"]],
        "PortalDriftUnmeasured": [0],
        "PortalMentorsWaiting": [0],
    }
    json.dumps(answer)


def test_without_a_measurement_there_are_no_metrics_of_the_drift(
    night: SyncNight, roster: Roster, capsys: pytest.CaptureFixture[str]
) -> None:
    """H5: `PortalDriftUnmeasured` is 0 while the portal is off, and 1 after a failure."""
    roster.add_mentor()
    assert report(night, lambda: measuring(night), "off")[0] == {"status": "off"}
    assert emitted(capsys) == {"PortalDriftUnmeasured": [0]}
    assert night.portal.requests == []
    night.fail("down", times=1000)
    answer, (_, line) = report(night, lambda: measuring(night))
    assert emitted(capsys) == {"PortalDriftUnmeasured": [1], "PortalMentorsWaiting": [0]}
    assert (answer["status"], line["reason"]) == ("failed", answer["error"])
    assert "no answer" in str(answer["error"])

    def surprise() -> MeasureDrift:
        raise KeyError("Kari Nordmann")

    answer, _ = report(night, surprise)
    assert answer.items() >= {"status": "failed", "error": "KeyError"}.items()
    assert report(night, lambda: measuring(night), "perhaps")[0] == {
        "status": "failed", "error": "the parameter s is neither on nor off",
    }  # fmt: skip
    assert emitted(capsys)["PortalDriftUnmeasured"] == [1]


def test_unreadable_rows_are_in_the_log_and_in_the_answer(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5, R3: each is named by its place."""
    portal.add("HLF-7")
    row_of(portal, "HLF-7")["hlf_mentornumber"] = "\ud800"
    answer, lines = report(night, lambda: measuring(night))
    named = "row 1 of page 1 (hlf_mentornumber has a character that no text may have)"
    assert (answer["unreadable"], answer["unreadable_rows"]) == (1, [named])
    (line,) = [li for li in lines if li["message"] == "rows of the portal cannot be read"]
    assert (line["count"], line["rows"]) == (1, [named])


def test_the_answer_names_at_most_a_thousand_and_counts_all(
    night: SyncNight, roster: Roster
) -> None:
    """Lambda's answer has a limit."""
    roster.add_mentors(1001)
    answer = measure(night).as_json(1000)
    named = answer["differences"]
    assert isinstance(named, list)
    assert (answer["differing"], len(named)) == (1001, 1000)
