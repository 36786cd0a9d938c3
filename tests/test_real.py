"""The study on real pictures: its clips ask what they say, and what is stored is what was planned."""

import json

import numpy as np
import pytest

from tools import real, study

RESULTS = json.loads((study.ROOT / "seqlib" / "real.json").read_text("utf-8"))
CELLS = [(task, kind) for task in real.TASKS for kind in real.PICTURES]


@pytest.mark.parametrize(("task", "kind"), CELLS)
def test_clips_are_bytes_of_their_shape_with_labels_as_often_as_each_other(task, kind):
    x, y = real.clips(task, kind, 16, 3)
    options = real.TASKS[task]
    assert x.shape == (16, options["frames"], options["side"], options["side"], 1) and x.dtype == np.uint8
    assert np.bincount(y).tolist() == [16 // len(set(y.tolist()))] * round(1 / real.CHANCE[task])
    again, _ = real.clips(task, kind, 16, 3)
    assert (again == x).all()
    assert (real.clips(task, kind, 16, 4)[0] != x).any() and (real.clips(task, kind, 16, 3, True)[0] != x).any()


@pytest.mark.parametrize("kind", real.PICTURES)
def test_a_picture_moves_as_its_label_says(kind, monkeypatch):
    monkeypatch.setitem(real.TASKS, "direction", real.TASKS["direction"] | {"noise": 0})
    x, y = real.clips("direction", kind, 16, 5)
    for clip, label in zip(x[..., 0], y, strict=True):
        step = real.STEP_Y[label], real.STEP_X[label]
        moved = {pixels: np.roll(clip[4], (pixels * step[0], pixels * step[1]), (0, 1)) for pixels in (1, 2)}
        inside = slice(2, -2), slice(2, -2)  # what comes in at the border of a photograph is new
        assert any((clip[5][inside] == frame[inside]).all() for frame in moved.values())


@pytest.mark.parametrize("kind", real.PICTURES)
def test_twins_hold_the_same_frames(kind):
    middle, labels = real.twins("direction", kind, 8, 3)["middle"]
    assert (middle[:, :, 8] == middle[0, :, 8]).all() and labels[:, 0].tolist() == [0, 1, 2, 3]
    for task, name in (("direction", "reverse"), ("order", "swap")):
        x, y = real.twins(task, kind, 8, 3)[name]
        assert (y[0] != y[1]).all() and (x[0] != x[1]).any()
        assert (np.sort(x[0], axis=1) == np.sort(x[1], axis=1)).all()


@pytest.mark.parametrize("kind", real.PICTURES)
def test_the_order_is_that_of_the_label(kind, monkeypatch):
    monkeypatch.setitem(real.TASKS, "order", real.TASKS["order"] | {"noise": 0})
    x, y = real.clips("order", kind, 8, 3)
    shown = (x != real.BACKGROUND).any((2, 3, 4))
    assert (shown.sum(1) == 2 * real.BLOCK).all()
    assert (shown.argmax(1) >= real.ONSETS[0]).all() and set(y.tolist()) == {0, 1}


@pytest.mark.parametrize("kind", real.PICTURES)
def test_a_flash_is_in_one_frame_of_the_clips_that_have_one(kind, monkeypatch):
    monkeypatch.setitem(real.TASKS, "event", real.TASKS["event"] | {"noise": 0})
    x, y = real.clips("event", kind, 8, 3)
    usual = np.median(x, axis=1, keepdims=True)
    assert ((x != usual).any((2, 3, 4)).sum(1) == y).all()


def test_the_plan_is_small_and_what_is_stored_is_of_it():
    plan = json.loads(json.dumps(real.plan()))
    assert len(plan) == 90
    known = {study.key(run, plan[0]) for run in plan}
    runs = RESULTS["runs"]
    assert {study.key(run, plan[0]) for run in runs} <= known
    assert {(run["row"], run["column"]) for run in runs} == {(run["row"], run["column"]) for run in plan}
    assert all(0 <= run["right"] <= run["total"] == 1000 and 0 <= run["train_accuracy"] <= 1 for run in runs)


def test_what_is_proved_holds_for_real_pictures():
    for run in RESULTS["runs"]:
        twins = run["twins"]
        if run["column"] == "single frame" and "middle" in twins:
            assert twins["middle"]["right"] * 4 == twins["middle"]["total"]
        if run["column"] in ("average pooling", "max pooling"):
            for kind in twins.keys() - {"middle"}:
                assert twins[kind]["right"] * 2 <= twins[kind]["total"] + 1  # a sum may decide one close call


@pytest.mark.slow
def test_a_run_is_carried_out_as_planned():
    planned = real.plan()[0] | {"clips": 16, "epochs": 1}
    measured = real.carry_out(planned)
    assert (
        measured["total"] == 1000 and measured["epochs_done"] == 1 and set(measured["twins"]) == {"middle", "reverse"}
    )
