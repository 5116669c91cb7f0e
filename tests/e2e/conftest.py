"""Fixtures of the end-to-end tests."""

from datetime import timedelta

import pytest

from bot.services import deliver


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's second between two posts, shortened where the pace of a thread is not what is looked at."""
    monkeypatch.setattr(deliver, "POST_SPACING", timedelta(seconds=0.02))
    monkeypatch.setattr(deliver, "EDIT_SPACING", timedelta(seconds=0.1))
