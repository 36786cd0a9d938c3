"""Test that with CI=true a skip is a failure, and that the process that runs the tests has no audit hook."""

import sys
from pathlib import Path

import pytest

pytest_plugins = "pytester"

TESTS = """
    import pytest

    @pytest.mark.skip(reason="by a mark")
    def test_marked():
        pass

    def test_skips_itself():
        pytest.skip("by itself")

    @pytest.mark.xfail
    def test_known():
        assert False

    def test_passes():
        pass
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run tests in a folder of their own under this folder's conftest.py."""
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text())

    def run(ci, **tests):
        monkeypatch.setenv("CI", ci)
        pytester.makepyfile(**tests)
        return pytester.runpytest("-rs", "-p", "no:cacheprovider")

    return run


def test_a_skip_is_a_failure_where_nothing_may_be_skipped(run):
    result = run("true", test_some=TESTS)
    result.assert_outcomes(passed=1, xfailed=1, failed=1, errors=1)  # a mark skips in the set-up
    result.stdout.fnmatch_lines(["*nothing may be skipped, but: *by itself*"])


def test_a_skip_is_a_skip_elsewhere(run):
    run("", test_some=TESTS).assert_outcomes(passed=1, xfailed=1, skipped=2)


def test_a_module_may_not_be_skipped_either(run):
    skipped = "import pytest; pytest.importorskip('no_such_module_anywhere')"
    assert run("true", test_module=skipped).ret != 0
    assert run("", test_module=skipped, test_other="def test_passes(): pass").ret == 0


def test_the_process_that_runs_the_tests_has_no_audit_hook_of_ours():
    """See `pytest_configure`: beside coverage's tracer it could end a thread as it starts."""
    sys.audit("socket.getaddrinfo", "example.org", 80)  # looks nothing up; the hook of tools/offline would refuse it
