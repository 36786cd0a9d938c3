"""The study of watchers: its plan, its rules, and what chapter 8 says of what was measured."""

import json
import sys
from collections import Counter
from contextlib import nullcontext

import numpy as np
import pytest

from conftest import ROOT
from seqlib import machine
from tools import study, watching, workers

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import watchers

RUNS = study.read(ROOT / watchers.RESULTS)["runs"]
COLUMNS = watchers.by_column(RUNS)


def test_every_watcher_has_every_seed_once_and_the_hours_that_the_chapter_promises():
    planned = watching.plan()
    assert len({study.key(run, run) for run in planned}) == len(planned) == 5 * len(watching.COLUMNS)
    assert {(run["hours"], run["test_hours"], run["events"]) for run in planned} == {(12, 3, 50)}


def test_the_stored_runs_are_those_of_the_plan_in_its_order():
    planned = json.loads(json.dumps(watching.plan()))
    assert study.sorted_by(planned, study.done_before(planned, [ROOT / watchers.RESULTS])) == RUNS


def test_a_quick_study_is_a_small_one_of_each_watcher_in_a_file_of_its_own(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setenv("QUICK", "1")
    for name in ("SHARD", "MERGE", "DASK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(workers, "chosen", lambda: nullcontext(map))
    monkeypatch.setattr(study, "ROOT", tmp_path)
    monkeypatch.setattr(
        watching, "carry_out", lambda run: asked.append(run) or {"right": 1, "total": 2, "train_accuracy": None}
    )
    watching.main()
    assert [run["column"] for run in asked] == list(watching.COLUMNS)
    assert all(run["events"] == 1 and run["hours"] < 0.1 for run in asked)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")] == ["_build/quick/machine.json"]


def test_no_seed_of_the_machine_is_used_twice():
    kinds = [watching.TRAINING, watching.THRESHOLD, watching.NORMAL, watching.FAULTY]
    seeds = [kind + seed for kind in kinds for seed in watching.SEEDS]
    assert len(set(seeds)) == len(seeds)


def test_faults_are_ten_seconds_apart_and_equally_many():
    at, cycles = watching.schedule(3, watching.BETWEEN)
    film = machine.run(cycles, 0, at, noise=0)
    gaps = [after.first - before.last for before, after in zip(film.events, film.events[1:], strict=False)]
    assert min(gaps) > 10 * machine.RATE
    assert Counter(event.fault for event in film.events) == dict.fromkeys(machine.FAULTS, 3)


def test_a_score_at_every_third_frame_is_about_every_third_frame():
    from seqlib import measure, models

    frames = machine.run(1, 0).frames[:70, 8:24, 8:24]
    model = models.cnn_rnn(2, (4, 16, 16, 1))
    clips = np.stack([frames[[end - 9, end - 6, end - 3, end]] for end in range(9, 70)])
    answers = measure.logits(model, clips)
    expected = answers[:, 1] - answers[:, 0]
    scores = watching.score(model, frames, every=3)
    assert np.abs(scores[9:] - expected).max() < 1e-5 and (scores[:9] == scores[9:].min()).all()


def test_found_and_false_are_counted_by_the_chapters_rules():
    scores, twin = np.zeros(1000), np.zeros(1000)
    scores[[100, 400]], twin[405] = 2, 1
    compared = watching.compare(scores, twin, [100, 400], [405], [(90, 95), (400, 410), (700, 720)])
    assert (compared["found"], compared["twin_found"], compared["total"]) == (2, 1, 3)
    assert compared["delays"] == [10, 0] and compared["most_apart"] == 2
    assert compared["above_twins"] == pytest.approx((1 + (2 * 3 - 1) / 9) / 2)


@pytest.mark.slow
@pytest.mark.parametrize("column", ["single frame", "prediction error"])
def test_a_run_says_what_it_measured(column, monkeypatch):
    monkeypatch.setattr(watching, "EVENTS_IN_TRAINING", 1)
    run = next(run for run in watching.plan() if run["column"] == column) | watching.QUICK
    measured = watching.carry_out(run)
    assert set(measured["faults"]) == set(machine.FAULTS)
    assert all(cell["total"] == 1 for cell in measured["faults"].values()) and measured["total"] == 6
    assert measured["tested_hours"] >= run["test_hours"] and np.isfinite(measured["threshold"])
    if column == "single frame":
        assert all(measured["faults"][fault]["most_apart"] < 1e-5 for fault in watchers.ORDER)


def test_what_is_stored_was_planned():
    planned = {study.key(run, run) for run in watching.plan()}
    assert RUNS and {study.key(run, watching.plan()[0]) for run in RUNS} <= planned
    assert set(COLUMNS) == set(watching.COLUMNS) and set(watchers.INVISIBLE) <= set(COLUMNS)
    assert all(run["tested_hours"] >= run["test_hours"] for run in RUNS)


@pytest.mark.parametrize("column", watchers.INVISIBLE)
def test_what_is_proven_to_be_invisible_was_never_found_more_often_than_its_twins(column):
    for run in COLUMNS[column]:
        for fault in watchers.INVISIBLE[column]:
            cell = run["faults"][fault]
            assert cell["found"] <= cell["twin_found"]
            assert cell["above_twins"] < 0.65  # of 50 against 50 without any difference, 99% lie below


@pytest.mark.parametrize("column", ["single frame", "reconstruction error"])
def test_twins_of_single_frames_have_the_same_highest_scores(column):
    cells = [run["faults"][fault] for run in COLUMNS[column] for fault in watchers.ORDER]
    assert max(cell["most_apart"] for cell in cells) < 1e-3  # of logits of some tens, in batches of other frames


@pytest.mark.parametrize("column", ["average pooling", "max pooling"])
def test_exchanged_steps_have_the_highest_scores_of_their_twins_if_nothing_reads_the_order(column):
    cells = [run["faults"]["steps exchanged"] for run in COLUMNS[column]]
    assert max(cell["most_apart"] for cell in cells) < 1e-2


def test_what_the_chapter_says_of_the_table_is_what_was_measured():
    """If a new run turns one of these round, write the text below the table of book/08_real_time.md anew."""
    verdicts = {
        (column, fault): watchers.verdict(column, fault, runs)
        for column, runs in COLUMNS.items()
        for fault in machine.FAULTS
    }
    for fault in ("part missing", "part turned"):
        assert {column for column in COLUMNS if verdicts[column, fault] != "seen"} <= {"prediction error"}
    ordered = {"3D CNN", "CNN + GRU", "CNN + GRU, every third frame"}
    assert {column for column in COLUMNS if verdicts[column, "steps exchanged"] == "seen"} == ordered
    assert [column for column in COLUMNS if verdicts[column, "drift"] == "seen"] == ["CNN + GRU, every third frame"]
    for column in ("single frame", "reconstruction error", "max pooling"):  # which cannot count
        assert not any(run["faults"]["arm stutters"]["found"] for run in COLUMNS[column])
