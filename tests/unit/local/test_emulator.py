"""The emulator's process gets none of the user's own settings."""

from pathlib import Path

import pytest

from local.emulator import environment


@pytest.mark.parametrize(
    "name", ["SMTP_HOST", "AWS_PROFILE", "SUPABASE_SERVICE_ROLE_KEY", "PYTHONPATH"]
)
def test_a_setting_of_the_user_does_not_reach_the_emulator(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With SMTP_HOST it would pass the mails of the local stack on to a real mail server."""
    monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("OTHER", "kept")
    found = environment(tmp_path, 4566)
    assert name not in found
    assert found["OTHER"] == "kept"
