"""How fast the course is, side by side with others: ``python -m benchmarks [GROUP ...]``, as ``make bench`` calls it.

Each group of rows is measured in a process of its own, on one core and with one thread, and is written into
_build/bench.json as soon as it is there. Groups that are not named keep the rows that they have in that file. With
QUICK=1 in the environment three rows are measured, and the file holds nothing else.
"""

import argparse
import importlib
import json
import os
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECORD = "_build/bench.json"
TUNED = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**31)}  # memory is kept, not given back
GROUPS = {  # a module of this folder, and what its process finds in its environment
    "steps": ("steps", {}),
    "steps, malloc tuned": ("steps", TUNED),
    "counting": ("counting", {}),
    "first step": ("first_step", {}),
    "one answer": ("one_answer", {}),
    "ten epochs": ("ten_epochs", {}),
    "listings": ("listings", {}),
    "drawing": ("drawing", {}),
    "video": ("video", {}),
    "growth": ("growth", {}),
}
QUICK = ("steps", "counting", "drawing")
ALONE = {  # one thread, wherever threads are counted
    **dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
    "PYTHONHASHSEED": "0",
}
PEERS = ("torch", "onnxruntime", "ai-edge-litert", "opencv-python-headless", "pillow", "tensorflow-datasets")
PEERS += ("av", "imageio", "imageio-ffmpeg")


def measure(module, file):
    """Measure a group in this process, and write its rows into a file."""
    quick = os.environ.get("QUICK") == "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # before anything counts the cores
    rows = importlib.import_module(f"benchmarks.{module}").rows(quick)
    Path(file).write_text(json.dumps(rows), "utf-8")


def run(group):
    """Measure a group in a process of its own; its rows."""
    module, environment = GROUPS[group]
    file = ROOT / "_build" / "bench" / f"{module}.json"
    command = [sys.executable, "-m", "benchmarks", "--measure", module, "--into", str(file)]
    subprocess.run(command, cwd=ROOT, env=os.environ | ALONE | environment, check=True)
    return json.loads(file.read_text("utf-8"))


def main():
    """Measure groups, and write the record after each."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {'; '.join(GROUPS)} (all)")
    parser.add_argument("--measure", metavar="MODULE", help=argparse.SUPPRESS)
    parser.add_argument("--into", metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return measure(options.measure, options.into)
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"GROUP must be one of {', '.join(GROUPS)}, not {', '.join(sorted(unknown))}")

    quick = os.environ.get("QUICK") == "1"
    (ROOT / "_build" / "bench").mkdir(parents=True, exist_ok=True)
    stored = kept(quick)
    for group in options.groups or (QUICK if quick else GROUPS):
        began = time.perf_counter()
        rows = run(group)
        load = round(os.getloadavg()[0], 1)
        stored[group] = {"seconds": round(time.perf_counter() - began), "load": load, "rows": rows}
        write(stored, quick)
        print(f"{group}: {len(rows)} rows, {stored[group]['seconds']} s", flush=True)


def kept(quick):
    """Return what the record has of an earlier run of the same kind, by groups; a dict."""
    record = ROOT / RECORD
    earlier = json.loads(record.read_text("utf-8")) if record.exists() else {"quick": None}
    return earlier["groups"] if earlier["quick"] == quick and not quick else {}


def write(stored, quick):
    """Write the record, groups in their order."""
    from tools import study

    made = study.provenance() | {name: version(name) for name in PEERS}
    groups = {name: stored[name] for name in GROUPS if name in stored}
    text = json.dumps({"made": made, "quick": quick, "groups": groups}, indent=1)
    (ROOT / RECORD).write_text(re.sub(r"\[[^][{}]*\]", lambda found: " ".join(found[0].split()), text) + "\n", "utf-8")


if __name__ == "__main__":
    main()
