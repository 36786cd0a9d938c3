"""The study: its plan covers what is promised, and it goes on after a kill without losing or doubling a run."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import product
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest
from any_task import OUR_FAMILIES, OURS

import seqlib
from seqlib import measure, models
from tools import costs, failures, study

MEASURED = {"right": 9, "total": 10, "seconds": 1.0}


def plan(count):
    return [study.run("shape", "single frame", seed) for seed in range(count)]


def counted(calls, stop_after=None):
    """Stand for a training; keeps a list of the runs it was asked for."""

    def carry_out(run):
        if len(calls) == stop_after:
            raise KeyboardInterrupt
        calls.append(run["seed"])
        return MEASURED

    return carry_out


def test_the_matrix_has_every_cell_with_every_seed_once():
    cells = [(run["row"], run["column"], run["seed"]) for run in study.matrix()]
    assert sorted(cells) == sorted(product(study.TASKS, study.FAMILIES, study.SEEDS))


def test_the_matrix_has_the_tasks_and_families_that_the_course_is_about():
    """A task or a family that is added later need not be in the study, which takes hours."""
    tasks = {row["task"] for row in study.TASKS.values()}
    families = {column["family"] for column in study.FAMILIES.values()}
    assert set(OURS) <= tasks <= set(seqlib.TASKS)
    assert set(OUR_FAMILIES) <= families <= set(seqlib.show.FAMILIES)


@pytest.mark.parametrize("planned", [study.matrix, study.sweeps])
def test_no_run_is_planned_twice_and_all_clips_can_be_drawn(planned):
    runs = planned()
    assert len({study.key(run, run) for run in runs}) == len(runs)
    assert len({tuple(run) for run in runs}) == 1
    for task, options in {(run["task"], json.dumps(run["options"])) for run in runs}:
        assert len(seqlib.clips(task, 1, **json.loads(options))[0]) == 1


@pytest.mark.parametrize("planned", [study.matrix, study.sweeps])
def test_the_sample_has_each_row_and_each_column(planned):
    runs, sample = planned(), study.sample(planned())
    for axis in ("row", "column"):
        assert {run[axis] for run in sample} == {run[axis] for run in runs}
    assert len(sample) < 20


@pytest.mark.parametrize(("planned", "name"), study.PLANS.values())
def test_what_is_stored_is_the_whole_plan(planned, name):
    stored, plan = study.read(study.ROOT / "seqlib" / name)["runs"], json.loads(json.dumps(planned()))
    assert [{what: run[what] for what in plan[0]} for run in stored] == plan
    assert all(0 <= run["right"] <= run["total"] == 2000 for run in stored)


def test_after_an_interruption_only_what_is_missing_is_done(tmp_path):
    path, calls = tmp_path / "results.json", []
    with pytest.raises(KeyboardInterrupt):
        study.study(plan(5), path, counted(calls, stop_after=3))
    assert [run["seed"] for run in study.read(path)["runs"]] == [0, 1, 2]
    study.study(plan(5), path, counted(calls))
    assert calls == [0, 1, 2, 3, 4]
    assert [run["seed"] for run in study.read(path)["runs"]] == [0, 1, 2, 3, 4]
    study.study(plan(5), path, counted(calls))
    assert len(calls) == 5


def test_results_of_several_at_a_time_stand_beside_their_own_runs(tmp_path):
    path = tmp_path / "results.json"
    with ThreadPool(3) as pool:
        study.study(plan(5), path, lambda run: MEASURED | {"right": run["seed"]}, each=pool.imap)
    assert [(run["seed"], run["right"]) for run in study.read(path)["runs"]] == [(n, n) for n in range(5)]


def test_what_a_run_was_to_be_is_kept_beside_what_came_of_it(tmp_path):
    study.study(plan(1), tmp_path / "results.json", counted([]))
    results = study.read(tmp_path / "results.json")
    assert results["runs"] == json.loads(json.dumps([plan(1)[0] | MEASURED]))
    assert {"date", "machine", "python", "tensorflow", "keras", "numpy"} == set(results["made"])


def test_a_run_whose_plan_has_changed_is_done_again_and_not_kept_twice(tmp_path):
    path, calls = tmp_path / "results.json", []
    study.study(plan(2), path, counted(calls))
    changed = [run | {"epochs": 99} for run in plan(1)] + plan(2)[1:]
    study.study(changed, path, counted(calls))
    assert calls == [0, 1, 0]
    assert sorted((run["seed"], run["epochs"]) for run in study.read(path)["runs"]) == [(0, 99), (1, 12)]


def test_a_run_that_is_done_later_stands_where_the_plan_has_it(tmp_path):
    path, calls = tmp_path / "results.json", []
    study.study(plan(3)[1:], path, counted(calls))
    study.study(plan(4), path, counted(calls))
    assert calls == [1, 2, 0, 3]
    assert [run["seed"] for run in study.read(path)["runs"]] == [0, 1, 2, 3]


def test_each_training_of_a_sweep_takes_as_many_steps_as_the_budget():
    shown = {run["clips"] * run["repeats"] * run["epochs"] for run in study.sweeps()}
    assert shown == {study.BUDGET["clips"] * study.BUDGET["epochs"]}


KILLED = """
import sys, time
from pathlib import Path
from tools import study
def carry_out(run):
    if run["seed"] == 2 and "die" in sys.argv:
        print("now", flush=True)
        time.sleep(60)
    return {"right": 1, "total": 2, "seconds": 0.0}
study.study([study.run("shape", "single frame", seed) for seed in range(4)], Path(sys.argv[1]), carry_out)
"""


def test_a_killed_process_leaves_a_whole_file_and_the_next_one_goes_on(tmp_path):
    path = tmp_path / "results.json"
    command = [sys.executable, "-c", KILLED, str(path)]
    environment = os.environ | {"PYTHONPATH": str(study.ROOT)}
    with subprocess.Popen([*command, "die"], stdout=subprocess.PIPE, text=True, env=environment) as process:
        while "now" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert [run["seed"] for run in study.read(path)["runs"]] == [0, 1]
    printed = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
    assert "4 runs, 2 of them done before" in printed
    assert "[4/4]" in printed and "0 min left" in printed
    assert [run["seed"] for run in study.read(path)["runs"]] == [0, 1, 2, 3]
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


ORPHAN = """
import multiprocessing, os, time
from tools import study
def child():
    study.train_beside_others()
    print(os.getpid(), flush=True)
    time.sleep(60)
multiprocessing.get_context("fork").Process(target=child).start()
time.sleep(60)
"""


@pytest.mark.slow
def test_a_process_that_trains_beside_others_ends_with_its_parent():
    command = [sys.executable, "-c", ORPHAN]
    environment = os.environ | {"PYTHONPATH": str(study.ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        for _ in range(100):
            try:
                os.kill(child, 0)
            except ProcessLookupError:
                return
            time.sleep(0.1)
    pytest.fail("it goes on")


@pytest.mark.slow
@pytest.mark.parametrize("row", ["direction", "event, 1 frame of 128"])
def test_a_run_says_what_was_measured(row):
    run = study.run(row, "single frame", 0, clips=32, epochs=1)
    measured = study.carry_out(run)
    assert measured["epochs_done"] == 1 and measured["total"] == 2000
    kinds = [kind for kind in seqlib.TASKS[run["task"]].twins if kind != "shift"]
    assert list(measured["twins"]) == kinds
    if "middle" in kinds:
        assert measured["twins"]["middle"]["right"] == measured["twins"]["middle"]["total"] / 4


@pytest.mark.slow
def test_what_a_model_costs_is_measured():
    model = models.single_frame(4)
    (cost,) = costs.costs({"single frame": model}, batch=4, rounds=1, repeats=1)
    assert cost["parameters"] == measure.parameters(model)
    assert cost["multiply_adds"] == measure.multiply_adds(model)
    assert cost["step_seconds"] > 0 and cost["latency"] > 0
    assert cost["step_rounds"] == [cost["step_seconds"]]
    assert cost["peak_memory"] is None or cost["peak_memory"] > 0


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("costs.json", costs.families),
        ("listing_costs.json", costs.listings),
        ("way_costs.json", costs.ways),
    ],
)
def test_the_stored_costs_are_those_of_the_models_as_they_are(name, build):
    stored, built = study.read(study.ROOT / "seqlib" / name)["runs"], build()
    assert [cost["column"] for cost in stored] == list(built)
    for cost in stored:
        assert cost["parameters"] == measure.parameters(built[cost["column"]])
        assert cost["multiply_adds"] == measure.multiply_adds(built[cost["column"]])


@pytest.mark.slow
@pytest.mark.parametrize("name", failures.FAILURES)
def test_a_training_that_fails_says_how_after_each_epoch(name):
    sizes = {"recordings": 16} if name == "leaking" else {"clips": 64}
    run = failures.fail(name, epochs=1, **sizes)
    assert len(run["accuracy"]) == len(run["val_accuracy"]) == 1
    assert run["failure"] == name and 0 <= run["new"] <= 1


def test_the_stored_failures_are_those_of_the_tool():
    runs = {run["failure"]: run for run in study.read(study.ROOT / "seqlib" / "failures.json")["runs"]}
    assert {name: (row[1], row[3]) for name, row in failures.FAILURES.items()} == {
        name: (run["family"], run["chance"]) for name, run in runs.items()
    }
    for name, (_, _, epochs, _) in failures.FAILURES.items():
        assert len(runs[name]["accuracy"]) == len(runs[name]["val_accuracy"]) == epochs


def test_recordings_are_shared_where_it_leaks_and_only_there():
    (x, y), (validation, labels), (new, _) = failures.overheard(8)
    assert (y == labels).all()
    still = [np.median(part, axis=1) for part in (x, validation, new)]  # the shape stands still, the noise does not
    assert np.abs(still[0] - still[1]).mean() < np.abs(still[0] - still[2]).mean() / 2
