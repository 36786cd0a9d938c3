"""What several tests share: no network, skips that count as failures, a browser, and the book, built and served."""

import fcntl
import os
import pkgutil
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "https://github.com/example/example"  # of no repository
HANGS = 300  # seconds: a limit that only ends what would never end; nothing passes or fails by the clock
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-effective-connection-type=4G",  # a slow one, as a busy machine seems, fetches pictures from further away
)
settings.register_profile(
    "same everywhere", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same everywhere")


def pytest_configure(config):
    """Refuse the network to every Python that a test starts, the kernels of the lessons among them.

    But not to the processes that run the tests, which coverage traces: what refuses is an audit hook, and on Python
    3.11 a thread can die as it starts where there are both. `sys.settrace` calls the hook halfway, and fails in every
    other thread that calls it before the hook has returned ("Cannot install a trace function while another trace
    function is being installed"). So the workers of pytest-xdist start without the hook and set it for what they start,
    and nothing that a test starts is traced.
    """
    if config.getoption("numprocesses", None):  # the process that starts the workers
        return
    places = [str(ROOT / "tools" / "offline"), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(places)
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        os.environ.pop(name, None)


SLOW_FIXTURES = {"book", "published_book", "browser", "chromium"}
# Few tests, each of which takes long: begun last, they would leave the other process without work.
LONG = {
    *("test_backend", "test_export", "test_guide", "test_lab", "test_my_lessons", "test_narrow_screens"),
    *("test_pretrained", "test_prose", "test_video_transformer"),
}


def takes_long(item):
    """Whether it is of a lesson or of a file that is better begun early."""
    return item.path.suffix == ".ipynb" or item.path.stem in LONG


def pytest_collection_modifyitems(config, items):
    """Mark what builds the book or opens a browser as slow; what trains is marked where it stands.

    Files that take long come first, and of the others those with most tests; the Makefile lets them stay in this order.
    """
    config.option.cov_source = None  # by which nbval would trace the kernels, too; here coverage has long begun
    tests_in = Counter(item.path for item in items)
    items.sort(key=lambda item: (not takes_long(item), -tests_in[item.path]))
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
        if hasattr(item, "output_timeout"):  # a notebook's cell: nbval gives each of its outputs five seconds
            item.output_timeout = HANGS


# To count lines makes Python 3.11 two to three times slower, in the libraries too. So none are counted while tests are
# collected, in what reads the book or opens a browser, and in files that are about the book, the tools and the lessons
# or that try many cases of what other files try as well.
UNCOUNTED = {
    *("test_architecture", "test_colab", "test_formulas", "test_guide", "test_honest_set", "test_lab"),
    *("test_my_lessons", "test_notebook_text", "test_notebooks", "test_other_systems", "test_pretrained"),
    *("test_project", "test_prose", "test_real", "test_slides", "test_study", "test_tools", "test_types"),
    *("test_typography", "test_where_it_runs", "test_workflows"),
    *("test_blindness", "test_leaks", "test_lengths", "test_models", "test_properties", "test_twins"),
}


@contextmanager
def uncounted():
    """Count no lines for a while, if they are counted.

    In a worker of pytest-xdist two count, one on top of the other: pytest-cov begins once as the worker reads its
    options, and once more as its session starts. To stop one alone would let the other go on.
    """
    stopped = []
    while counting := Coverage.current():
        counting.stop()
        stopped.append(counting)
    try:
        yield
    finally:
        for counting in reversed(stopped):
            counting.start()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session):
    """Count the lines that the packages run as they are imported, and none of what else the collection does."""
    if session.config.getoption("numprocesses", None) or not Coverage.current():
        return (yield)
    for package in ("grading", "seqlib"):
        for module in pkgutil.iter_modules([ROOT / package]):
            import_module(f"{package}.{module.name}")
    with uncounted():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Count lines, in tests, fixtures and the code of both packages, only where it is of use."""
    reads_pages = SLOW_FIXTURES & set(getattr(item, "fixturenames", ()))
    if item.path.suffix != ".ipynb" and item.path.stem not in UNCOUNTED and not reads_pages:
        return (yield)
    with uncounted():
        return (yield)


def _fail_if_skipped(report):
    """With CI=true, turn a skip into a failure; an expected failure stays one."""
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"with CI=true nothing may be skipped, but: {report.longrepr[2]}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    return _fail_if_skipped((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector):
    return _fail_if_skipped((yield))


def scheduling():
    """How this thread, and whatever it starts, is scheduled, where that can be told; not on macOS."""
    return (os.sched_getscheduler(0), os.sched_getparam(0)) if hasattr(os, "sched_getscheduler") else ()


@pytest.fixture(scope="module", autouse=True)
def no_file_of_tests_takes_the_machine_for_itself():
    """A library that makes its caller a real-time thread starves everything else on the machine, hours later."""
    before = scheduling()
    yield
    assert scheduling() == before


@pytest.fixture(scope="session")
def chromium():
    """Path of a Chromium or Chrome."""
    from tools import environments

    found = environments.find_browser()
    if not found:
        pytest.skip("no Chromium is installed; this installs it: sudo apt-get install chromium")
    return found


@pytest.fixture(scope="session")
def browser(chromium):
    """A running headless Chromium."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=1000 * HANGS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(QUIET), timeout=1000 * HANGS)
        yield running
        running.close()


class Book(NamedTuple):
    """A copy of the working tree, and the book built there."""

    folder: Path
    output: str  # what the build printed
    url: str = ""  # where it is served; or, of the published book, the repository's address

    @property
    def html(self):
        return self.folder / "_build" / "html"

    def rebuild(self):
        return build_book(self.folder)._replace(url=self.url)


def copy_tree(folder):
    """Copy what git tracks or would track; so no build, no cache and nothing private comes along."""
    listed = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, text=True)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # not those deleted but not yet committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def build_book(folder):
    """Build the book there as `make book` does, with the tree's own seqlib; fail with what it printed."""
    build = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", build, "build", "-W", "--keep-going", "."],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANGS,
    )
    if done.returncode:
        pytest.fail(f"the book does not build without a warning:\n{done.stdout[-6000:]}")
    return Book(folder, done.stdout)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder of all workers."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@contextmanager
def made_once(folder, result):
    """Give whether there is no result yet, for which a folder is made anew; another worker waits meanwhile."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what one that failed has left
            folder.mkdir()
        yield not result.exists()


def built_once(folder):
    """Build the book of a clean copy in a folder, unless another worker has, or is about to: then wait for it."""
    output = folder.with_suffix(".output")
    with made_once(folder, output) as missing:
        if missing:
            output.write_text(build_book(copy_tree(folder)).output, "utf-8")
    return Book(folder, output.read_text("utf-8"))


@pytest.fixture(scope="session")
def executed_solution(shared_folder):
    """Return what gives an assignment's solution, executed once for all workers, and the folder that it ran in."""
    import nbformat

    from tools import notebooks

    def executed(assignment):
        folder = shared_folder / f"solution of {assignment.name} {assignment.edition}"
        result = folder.with_suffix(".ipynb")
        with made_once(folder, result) as missing:
            if missing:
                document = nbformat.from_dict(assignment.solution)
                notebooks.execute(document, folder)
                nbformat.write(document, result)
        return nbformat.read(result, as_version=4), folder

    return executed


@pytest.fixture(scope="session")
def book(shared_folder):
    """The book, built from a clean copy in a folder with a space in its name, and served on the loopback."""
    from tools import environments

    built = built_once(shared_folder / "the book")
    with environments.serve(built.html) as server:
        yield built._replace(url=server.address)


@pytest.fixture(scope="session")
def published_book(tmp_path_factory):
    """The book as it is built once the repository has an address; not served."""
    from tools import setup_cell

    folder = copy_tree(tmp_path_factory.mktemp("published book"))
    setup_cell.main([ADDRESS], folder)
    return build_book(folder)._replace(url=ADDRESS)
