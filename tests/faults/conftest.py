"""Says what the faults were and what came of them, also when several workers ran the tests."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what the tests of this folder recorded as `fault`, as `figure` and as `canary`."""
    for what in ("fault", "figure", "canary"):
        lines = [
            value
            for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
            for name, value in report.user_properties
            if name == what and report.when == "call"
        ]
        if lines:
            terminalreporter.section(what)
            terminalreporter.write_line("\n".join(lines))
