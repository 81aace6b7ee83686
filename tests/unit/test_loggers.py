"""No library of the Lambdas writes what it sends or receives into the log (E12, E13)."""

import logging

import pytest

import mentor_pause


@pytest.mark.parametrize("library", ["boto3", "botocore", "urllib3"])
def test_a_library_logs_warnings_only(library: str) -> None:
    """At DEBUG it would log whole answers; at INFO it could log addresses."""
    assert mentor_pause.__doc__
    assert not logging.getLogger(library).isEnabledFor(logging.INFO)
    assert logging.getLogger(library).isEnabledFor(logging.WARNING)
