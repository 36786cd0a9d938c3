"""Runs of a study in several processes: on every core, on Dask's workers, and in shards that are merged afterwards.

Whatever is killed, each run stands once in the results file, and the file is the same.
"""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from functools import partial

import pytest

from tools import study, workers

MEASURED = {"total": 10, "train_accuracy": 0.9}


def plan(count):
    return [study.run("shape", "single frame", seed) for seed in range(count)]


def measured(run):
    """Stand for a training."""
    return MEASURED | {"right": run["seed"], "seconds": time.time()}


def counted(calls):
    """Stand for a training; keeps a list of the runs it was asked for."""

    def carry_out(run):
        calls.append(run["seed"])
        return measured(run)

    return carry_out


def seeds(path):
    return [run["seed"] for run in study.read(path)["runs"]]


def dying(run, folder):
    """Stand for a training whose process is killed, the first time that it comes to seed 2."""
    if run["seed"] == 2 and not (folder / "killed").exists():
        (folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return measured(run)


def without_when_and_where(path):
    """Return a results file's text, but for seconds, date and machine."""
    return re.sub(r'"(seconds|date|machine)": ("[^"]*"|[^",}]+)', "", path.read_text("utf-8"))


@pytest.fixture
def as_planned(tmp_path):
    """What six runs leave in the results file, done one after the other."""
    path = tmp_path / "in_order.json"
    study.study(plan(6), path, measured)
    return without_when_and_where(path)


def killing(run):
    """Stand for a training that takes too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def nothing():
    """Prepare a process for a run that needs nothing."""


def on_two_workers():
    pytest.importorskip("distributed", reason="make installs it")
    return workers.on_dask("local", nothing)


@pytest.mark.parametrize(
    "on_two",
    [
        pytest.param(lambda: workers.on_every_core(2, nothing), id="cores"),
        pytest.param(on_two_workers, id="Dask", marks=pytest.mark.slow),
    ],
)
def test_one_of_two_processes_is_killed_and_the_file_is_the_same(tmp_path, as_planned, on_two, monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 2)
    path = tmp_path / "results.json"
    with on_two() as each:
        study.study(plan(6), path, partial(dying, folder=tmp_path), each)
    assert (tmp_path / "killed").exists()
    assert without_when_and_where(path) == as_planned


def test_a_run_that_kills_each_process_ends_the_study_and_what_is_done_is_kept(tmp_path):
    path = tmp_path / "results.json"
    study.study(plan(1), path, measured)
    with workers.on_every_core(1, nothing) as each, pytest.raises(ChildProcessError, match="memory"):
        study.study(plan(2), path, killing, each)
    assert seeds(path) == [0]
    assert multiprocessing.active_children() == []


def test_results_are_kept_as_they_come_and_stand_where_the_plan_has_them(tmp_path):
    path, kept = tmp_path / "results.json", []

    def last_first(do, left):
        for run in reversed(left):
            yield do(run)
            kept.append(seeds(path))

    study.study(plan(3), path, measured, last_first)
    assert kept == [[2], [1, 2], [0, 1, 2]]


SHARD = """
import os, signal, sys
from pathlib import Path
from tools import study, workers
def carry_out(run):
    if run["seed"] == 2 and "die" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"total": 10, "train_accuracy": 0.9, "right": run["seed"], "seconds": 2.0}
plan = [study.run("shape", "single frame", seed) for seed in range(6)]
plan, path = study.shard(plan, Path(sys.argv[1]), sys.argv[2])
study.study(plan, path, carry_out)
"""


def test_one_of_two_shards_is_killed_and_their_files_merge_to_the_same(tmp_path, as_planned, capsys):
    path = tmp_path / "results.json"
    environment = os.environ | {"PYTHONPATH": str(study.ROOT)}
    commands = [[sys.executable, "-c", SHARD, str(path), f"{number}/2"] for number in (1, 2)]
    processes = [subprocess.Popen([*command, "die"], env=environment) for command in commands]
    assert sorted(process.wait() for process in processes) == [-signal.SIGKILL, 0]
    study.merge(plan(6), path)
    done = seeds(path)
    assert 2 not in done and 3 <= len(done) < 6
    assert f"2 shards read, {6 - len(done)} of 6 runs are missing" in capsys.readouterr().out
    for command in commands:
        subprocess.run(command, check=True, env=environment)
    study.merge(plan(6), path)
    assert without_when_and_where(path) == as_planned
    assert [found.name for found in tmp_path.glob("results*")] == [path.name]


@pytest.mark.parametrize("count", [1, 3, 13])
def test_each_run_is_in_one_shard_and_slow_families_are_spread(tmp_path, count):
    parts = [study.shard(study.matrix(), tmp_path / "a.json", f"{i}/{count}")[0] for i in range(1, count + 1)]
    names = [study.key(run, run) for part in parts for run in part]
    assert sorted(names) == sorted(study.key(run, run) for run in study.matrix())
    for part in parts:
        assert abs(len(part) - len(names) / count) < 1
        assert sum(run["column"] == "ConvLSTM" for run in part) < len(part) / 3
        assert [run["seed"] for run in part] == sorted(run["seed"] for run in part)


def test_a_shard_leaves_out_what_is_done_and_one_that_has_nothing_to_do_ends(tmp_path):
    path = tmp_path / "results.json"
    study.study(plan(3), path, measured)
    assert [run["seed"] for run in study.shard(plan(4), path, "1/1")[0]] == [3]
    part, beside = study.shard(plan(3), path, "1/2")
    study.study(part, beside, killing)
    assert part == [] and not beside.exists()


@pytest.mark.parametrize("which", ["0/2", "3/2", "2", "a/b", "1/2/3", "-1/2"])
def test_a_shard_that_is_none_is_refused(tmp_path, which):
    with pytest.raises(SystemExit, match=f"SHARD must be i/n, .* not {which}"):
        study.shard(plan(2), tmp_path / "results.json", which)


def test_a_shard_of_another_plan_is_not_thrown_away(tmp_path, capsys):
    path = tmp_path / "results.json"
    beside = study.shard_path(path, 1, 2)
    study.study(plan(2), beside, measured)
    study.merge(plan(1), path)
    assert seeds(path) == [0]
    assert beside.exists() and "1 of its runs are not in the plan" in capsys.readouterr().out


def test_the_environment_says_who_carries_out_which_part(tmp_path, monkeypatch, capsys):
    calls, path = [], tmp_path / "results.json"
    monkeypatch.setattr(workers, "chosen", lambda: nullcontext(map))
    for name in ("QUICK", "SHARD", "MERGE"):
        monkeypatch.delenv(name, raising=False)
    for number in (1, 2):
        monkeypatch.setenv("SHARD", f"{number}/2")
        study.conduct(plan(5), path, counted(calls))
    assert sorted(calls) == [0, 1, 2, 3, 4] and not path.exists()
    monkeypatch.setenv("MERGE", "1")
    study.conduct(plan(5), path, counted(calls))
    assert seeds(path) == [0, 1, 2, 3, 4] and len(calls) == 5
