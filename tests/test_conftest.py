"""Test that with CI=true a skip is a failure, and that what is traced has no audit hook."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import nbformat
import pytest
from coverage import Coverage

from conftest import uncounted

pytest_plugins = "pytester"
CONFTEST = Path(__file__).with_name("conftest.py")

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
    pytester.makeconftest(CONFTEST.read_text("utf-8"))

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


# No process has both coverage's tracer and the audit hook of tools/offline: see `pytest_configure`.


def test_the_process_that_runs_the_tests_has_no_audit_hook():
    sys.audit("socket.getaddrinfo", "example.org", 80)  # looks nothing up; the hook would refuse it


def test_lines_are_counted_again_after_a_while_without():
    before = Coverage.current()
    with uncounted():
        (lambda: None)()  # coverage's tracer stops at the next call
        assert sys.gettrace() is None
    assert Coverage.current() is before and (sys.gettrace() is None) == (before is None)


@pytest.mark.slow
def test_a_kernel_has_the_audit_hook_and_is_not_traced(tmp_path):
    code = """
        import os, sys
        assert sys.gettrace() is None and "COVERAGE_PROCESS_START" not in os.environ
        try:
            sys.audit("socket.getaddrinfo", "example.org", 80)
        except PermissionError as error:
            print(error)
    """
    output = nbformat.v4.new_output("stream", text="no network here: example.org\n")
    cell = nbformat.v4.new_code_cell(textwrap.dedent(code), execution_count=1, outputs=[output])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    (tmp_path / "coveragerc").write_text("[run]\n")
    options = ["-q", "--nbval", "--nbval-current-env", "--cov=seqlib", "--cov-report=", "a.ipynb", CONFTEST]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        env=os.environ | {"COVERAGE_PROCESS_START": str(tmp_path / "coveragerc")},
        capture_output=True,
        text=True,
    )
    assert "1 passed" in done.stdout, done.stdout
