"""Brings the fixtures that users get too."""

pytest_plugins = ["consentgate.testing.plugin"]
