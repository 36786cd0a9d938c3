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
from seqlib.backend import keras
from tools import costs, failures, notebooks, remedies, runs, study

MEASURED = {"right": 9, "total": 10, "seconds": 1.0, "train_accuracy": 0.9}
PLANS = [plan for plan, _ in study.PLANS.values()]


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


@pytest.mark.parametrize("planned", PLANS)
def test_no_run_is_planned_twice_and_all_clips_can_be_drawn(planned):
    runs = planned()
    assert len({study.key(run, run) for run in runs}) == len(runs)
    assert len({tuple(run) for run in runs}) == 1
    for task, options in {(run["task"], json.dumps(run["options"])) for run in runs}:
        assert len(seqlib.clips(task, 1, **json.loads(options))[0]) == 1


@pytest.mark.parametrize("planned", PLANS)
def test_the_sample_has_each_row_and_each_column(planned):
    runs, sample = planned(), study.sample(planned())
    for axis in ("row", "column"):
        assert {run[axis] for run in sample} == {run[axis] for run in runs}
    assert len(sample) < 20


@pytest.mark.parametrize(("planned", "path"), study.PLANS.values())
def test_what_is_stored_is_the_whole_plan(planned, path):
    stored, plan = study.read(path)["runs"], json.loads(json.dumps(planned()))
    kept = [{what: run[what] for what in plan[0]} for run in stored]
    assert kept == plan
    for run in stored:
        assert 0 <= run["right"] <= run["total"] == 2000
        assert 0 <= run["train_accuracy"] <= 1
        assert set(run["made"]) == set(study.provenance())


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
    assert results["runs"] == json.loads(json.dumps([plan(1)[0] | MEASURED | {"made": results["made"]}]))
    assert {"date", "machine", "python", "tensorflow", "keras", "numpy"} == set(results["made"])


def test_each_run_says_what_made_it_and_the_file_what_made_the_newest(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    for count, day in ((1, "2030-01-01"), (2, "2030-01-02")):
        monkeypatch.setattr(study, "provenance", lambda day=day: {"date": day})
        study.study(plan(count), path, counted([]))
    results = study.read(path)
    assert [run["made"]["date"] for run in results["runs"]] == ["2030-01-01", "2030-01-02"]
    assert results["made"]["date"] == "2030-01-02"


def test_a_run_without_accuracy_in_training_is_done_again_and_kept_until_then(tmp_path):
    path, calls = tmp_path / "results.json", []
    study.study(plan(3), path, counted([]))
    results = study.read(path)
    del results["runs"][0]["train_accuracy"], results["runs"][2]["train_accuracy"]
    study.write(path, results)
    with pytest.raises(KeyboardInterrupt):
        study.study(plan(3), path, counted(calls, stop_after=1))
    assert calls == [0]
    assert ["train_accuracy" in run for run in study.read(path)["runs"]] == [True, True, False]
    study.study(plan(3), path, counted(calls))
    assert calls == [0, 2]


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


def shown(plan):
    """How many clips a training shows, all epochs together: each number that there is, frozen networks left out."""
    return {run["clips"] * run["repeats"] * run["epochs"] for run in plan if run["family"] != "frozen"}


def test_each_training_of_a_sweep_takes_as_many_steps_as_the_budget_and_of_heads_half():
    budget = study.BUDGET["clips"] * study.BUDGET["epochs"]
    assert shown([*study.sweeps(), *study.rates(), *study.gates()]) == {budget}
    assert shown(study.heads()) == {budget / 2}


def test_other_rates_are_tried_where_a_training_failed_and_no_proof_says_that_it_must():
    lesson = notebooks.definitions(costs.LESSONS / "06_choosing_an_architecture.ipynb", ["matrix"])
    solved = {}
    for run in study.read(study.ROOT / "seqlib" / "study.json")["runs"]:
        chance = seqlib.TASKS[run["task"]].chance
        word = measure.outcome(run.get("train_accuracy", 1), run["right"] / run["total"], chance)
        solved.setdefault((run["row"], run["column"]), []).append(word == "solved")
    cells = {(run["row"], run["column"]) for run in study.rates()}
    assert not cells & set(lesson["BLIND"])
    assert not any(all(solved[cell]) for cell in cells)
    left_out = {cell for cell, words in solved.items() if not all(words)} - cells - set(lesson["BLIND"])
    assert {column for _, column in left_out} <= {"single frame", "CNN + GRU, pooled"}


def test_rates_lie_on_both_sides_of_the_budget_with_the_same_seeds():
    tried = {}
    for run in study.rates():
        tried.setdefault((run["row"], run["column"], run["seed"]), set()).add(run["learning_rate"])
    assert {seed for _, _, seed in tried} == {0, 1, 2}
    for rates in tried.values():
        assert len(rates) == 2
        assert min(rates) < study.BUDGET["learning_rate"] < max(rates)


def headed(name, shape=(16, 16, 16, 1), task="direction"):
    return runs.headed(seqlib.TASKS[task], shape, 0, **study.HEADS[name]["settings"])


@pytest.mark.parametrize(("name", "family"), [("3D CNN, maximum", models.conv3d), ("CNN + GRU, flat", models.cnn_rnn)])
def test_two_of_the_heads_are_the_families_as_they_are(name, family):
    ours, theirs = headed(name), family(4, (16, 16, 16, 1))
    assert measure.parameters(ours) == measure.parameters(theirs)
    assert measure.multiply_adds(ours) == measure.multiply_adds(theirs)


def test_heads_and_parameters_are_told_apart():
    """The maximum is there with more parameters than Flatten, and Flatten with fewer than the larger maximum."""
    maximum, larger, flat, smaller = (measure.parameters(headed(name)) for name in list(study.HEADS)[:4])
    assert maximum < smaller < flat < larger


@pytest.mark.parametrize("depth", [3, 1])
def test_the_listing_is_the_one_that_lesson_6_writes_out(depth):
    theirs = notebooks.definitions(costs.LESSONS / "06_choosing_an_architecture.ipynb", ["listings"])["listed_3d"](
        depth
    )
    clip, x = runs.listing(None, theirs.input_shape[1:], 0, depth)
    ours = keras.Model(clip, keras.layers.Dense(10)(runs.HEADS["flat"](x)))
    assert measure.parameters(ours) == measure.parameters(theirs)
    assert measure.multiply_adds(ours) == measure.multiply_adds(theirs)


def test_shifted_clips_are_the_same_clips_at_other_places_all_frames_alike():
    x, y = seqlib.clips("direction", 3, frames=4, resolution=8, size=(3, 4))
    moved, labels = remedies.repeated(x, y, 5, seed=0)
    assert (labels == np.tile(y, 5)).all() and len(moved) == 15
    for i, clip in enumerate(moved):
        places = [place for place in product(range(8), repeat=2) if (np.roll(x[i % 3], place, (1, 2)) == clip).all()]
        assert len(places) == 1
    assert not (moved[:3] == moved[3:6]).all()
    same, _ = remedies.repeated(x, y, 2, seed=None)
    assert (same == np.concatenate([x, x])).all()


def test_frozen_convolutions_are_the_source_s_and_stay_so():
    source, model = (
        runs.headed(seqlib.TASKS["event"], (4, 8, 8, 1), seed, body="3D CNN", head="flat", units=()) for seed in (1, 2)
    )
    remedies.freeze(model, [layer.get_weights() for layer in remedies.body(source)])
    pairs = [(own, given) for own, given in zip(model.layers, source.layers, strict=True) if own.get_weights()]
    assert [all(map(np.array_equal, own.get_weights(), given.get_weights())) for own, given in pairs] == [True] * 3 + [
        False
    ]
    assert [own.trainable for own, _ in pairs] == [False] * 3 + [True]


def test_each_remedy_has_64_clips_and_as_many_steps():
    for run in study.remedies():
        own = run["clips"] - run["settings"]["held_out"]
        steps = -(-own * run["repeats"] // 32) * run["epochs"]
        assert (run["clips"], steps) == (64, study.BUDGET["clips"] // 32 * study.FEW_EPOCHS)


def test_what_the_page_says_of_the_remedies_is_what_was_measured():
    """If a new run turns one of these round, write the list below the table of book/when_it_does_not_work.md anew."""
    right, losses = {}, {}
    for run in study.read(study.PLANS["remedies"][1])["runs"]:
        right.setdefault((run["column"], run["task"]), []).append(run["right"] / run["total"])
        losses.setdefault((run["column"], run["task"]), []).append(run["loss"])
    for task in ("direction", "event"):
        plain, head = right["Flatten", task], right["maximum", task]
        assert min(right["Flatten, shifted clips", task]) > max(head) > min(head) > max(plain)
        assert np.mean(right["maximum, shifted clips", task]) >= np.mean(right["Flatten, shifted clips", task])
        assert np.mean(right["Flatten, fewer parameters", task]) < np.mean(plain) + 0.02
        assert np.mean(right["Flatten, early stopping", task]) < np.mean(plain) + 0.02
        stopped, trained = losses["Flatten, early stopping", task], losses["Flatten", task]
        assert np.mean([loss[-1] for loss in stopped]) < np.mean([loss[-1] for loss in trained])
        assert all(loss[-1] > loss[0] for loss in trained)
    assert min(right["Flatten, dropout", "direction"]) > max(right["Flatten", "direction"])
    assert np.mean(right["Flatten, dropout", "event"]) < np.mean(right["Flatten", "event"]) + 0.02
    assert max(right["Flatten, frozen convolutions", "direction"]) < min(right["Flatten", "direction"])
    assert max(right["maximum, frozen convolutions", "direction"]) < min(right["maximum", "direction"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "column", ["Flatten, early stopping", "maximum, shifted clips", "Flatten, frozen convolutions"]
)
def test_a_remedy_says_what_it_did(column, monkeypatch):
    monkeypatch.setattr(runs, "NEW", 20)
    monkeypatch.setattr(remedies, "SOURCE_CLIPS", 32)
    monkeypatch.setattr(remedies, "SOURCE_EPOCHS", 1)
    monkeypatch.setattr(remedies, "PATIENCE", 1)
    (run,) = (run for run in study.remedies() if (run["column"], run["task"], run["seed"]) == (column, "event", 0))
    measured = study.carry_out(run | {"epochs": 3})
    assert measured["total"] == 20 and 0 <= measured["right"] <= 20 and 0 <= measured["train_accuracy"] <= 1
    assert len(measured["loss"]) == (1 if run["settings"]["held_out"] else 3)
    assert measured["epochs_done"] <= 3 and measured["trained_parameters"] > 100


@pytest.mark.parametrize(("cell", "bias"), [("gru", 4), ("lstm", 2), ("lstm", 4)])
def test_an_open_gate_keeps_its_share_of_the_state(cell, bias):
    model = runs.gated(seqlib.TASKS["order"], (3, 8, 8, 1), 0, cell=cell, gate=bias)
    layer = model.get_layer(cell)
    kernel, recurrent, biases = layer.get_weights()
    layer.set_weights([0 * kernel, 0 * recurrent, biases])  # nothing but the biases is left
    state = [np.ones((1, 32), "float32")] * (2 if cell == "lstm" else 1)
    memory = layer.cell(np.ones((1, kernel.shape[0]), "float32"), state)[1][-1]
    assert np.allclose(memory, 1 / (1 + np.exp(-bias)), atol=1e-6)


def test_an_open_gate_is_all_that_is_changed():
    ours = runs.gated(seqlib.TASKS["order"], (3, 8, 8, 1), 0, cell="gru", gate=4)
    theirs = models.cnn_rnn(seqlib.TASKS["order"], (3, 8, 8, 1), 0)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert np.array_equal(one, other) or (one.shape == (2, 96) and (one[:, 32:] == other[:, 32:]).all())


def test_a_name_means_one_cell_in_all_plans():
    for parts in (
        (study.TASKS, study.FILMS, study.ON_FEW, study.AT_32),
        (study.FAMILIES, study.HEADS, study.REMEDIES, study.GATED),
    ):
        assert len(set().union(*parts)) == sum(map(len, parts))


KILLED = """
import sys, time
from pathlib import Path
from tools import study
def carry_out(run):
    if run["seed"] == 2 and "die" in sys.argv:
        print("now", flush=True)
        time.sleep(60)
    return {"right": 1, "total": 2, "seconds": 0.0, "train_accuracy": 0.5}
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
from tools import workers
def child():
    workers.train_beside_others()
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
@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("order, wait 60, frozen CNN, no noise", "LSTM, gate +2"),
        ("order, wait 60, no noise", "CNN + GRU, gate +4"),
        ("shape, 16 x 16", "3D listing, one frame deep"),
    ],
)
def test_all_plans_measure_the_same(row, column, monkeypatch):
    for name in ("CHECKED", "NEW", "SETS"):
        monkeypatch.setattr(runs, name, 20)
    measured = study.carry_out(study.run(row, column, 0, clips=32, epochs=2))
    assert measured["total"] == 20 and measured["epochs_done"] == 2
    assert 0 <= measured["train_accuracy"] <= 1 and measured["parameters"] > 1000
    assert [len(curve) for curve in measured["history"].values()] in ([2], [2, 2])
    for twins in measured["twins"].values():
        assert 0 <= twins["right"] <= twins["total"] == 40
        assert twins["same_answer"] <= twins["sets"] == 20


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
