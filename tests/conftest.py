"""Settings of the test run."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("project", settings(deadline=None))  # a busy machine is no failure
settings.load_profile("project")
