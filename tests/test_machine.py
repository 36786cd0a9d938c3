"""The machine: the same bytes everywhere, and what each kind of watcher cannot see, window by window."""

import hashlib

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from seqlib import machine, measure, models
from seqlib.stream import scan

CYCLE = 4  # the one with the fault
PERMUTED = ["steps exchanged", "press late", "drift"]
T = 16


def runs(fault, noise=machine.NOISE, seed=3):
    """Draw a run with one fault, and its twin."""
    cycles = CYCLE + machine.CYCLES[fault] + 2
    return [machine.run(cycles, seed, {CYCLE: fault}, twin=twin, noise=noise) for twin in (False, True)]


def windows(frames):
    """View the windows of a film, (N - T + 1, T, H, W, C)."""
    return np.moveaxis(sliding_window_view(frames, T, axis=0), -1, 1)


def test_the_bytes_are_those_of_every_machine():
    faulty = machine.run(12, 7, {1: "part turned", 5: "arm stutters", 7: "press late", 9: "steps exchanged"})
    digest = hashlib.sha256(faulty.frames.tobytes()).hexdigest()
    assert digest == "18eb550ca8fda9b52da9b55b6279af06f4a0702a0166be98ff9c45c5cf5064a2"


def test_a_slice_of_a_run_can_be_drawn_alone():
    whole = machine.run(5, 2).frames
    part = machine.run(3, 2, start=2).frames
    assert np.array_equal(whole[-len(part) :], part)


@pytest.mark.parametrize("fault", machine.FAULTS)
def test_an_event_is_where_the_pictures_differ_and_ends_with_its_cycles(fault):
    faulty, twin = runs(fault, noise=0)
    differ = (faulty.frames != twin.frames).any((1, 2, 3))
    assert np.array_equal(differ, faulty.wrong) and np.array_equal(twin.wrong, faulty.wrong)
    assert faulty.events == twin.events == [(fault, *np.flatnonzero(differ)[[0, -1]])]
    assert not machine.run(6, 3).wrong.any()


@pytest.mark.parametrize("fault", PERMUTED)
def test_a_twin_has_the_same_frames_byte_for_byte(fault):
    faulty, twin = runs(fault)
    assert sorted(map(bytes, faulty.frames)) == sorted(map(bytes, twin.frames))
    assert not np.array_equal(faulty.frames, twin.frames)


def seen(frames):
    """Say what each window of 16 frames without noise shows, in this order, but for the light: a set of tuples."""
    pictures = [bytes(frame - frame[17, 31]) for frame in frames]  # nothing ever covers that pixel
    return {tuple(pictures[i : i + T]) for i in range(len(pictures) - T + 1)}


@pytest.fixture(scope="module")
def normal():
    return seen(machine.run(60, 8, noise=0).frames)


@pytest.mark.parametrize("fault", machine.FAULTS)
def test_a_twin_is_a_normal_run(fault, normal):
    faulty, twin = runs(fault, noise=0)
    assert seen(twin.frames) <= normal and (seen(faulty.frames) <= normal) == (fault == "drift")


@pytest.mark.parametrize("fault", PERMUTED)
def test_played_backwards_every_window_of_a_fault_of_order_is_a_normal_one(fault, normal):
    """So a watcher that pools the windows' frames, in whatever order, scores no window as only a fault's would be."""
    faulty, _ = runs(fault, noise=0)
    assert [window for window in seen(faulty.frames) - normal if window[::-1] not in normal] == []


def test_every_window_of_a_stuttering_arm_shows_a_set_of_poses_that_a_normal_one_shows(normal):
    """A maximum sees no more than that, if there is no noise; an average sees how often each pose is there."""
    sets, counts = {frozenset(window) for window in normal}, {tuple(sorted(window)) for window in normal}
    faulty = seen(runs("arm stutters", noise=0)[0].frames)
    assert {frozenset(window) for window in faulty} <= sets
    assert not {tuple(sorted(window)) for window in faulty} <= counts


@pytest.mark.parametrize("family", [models.average_pooling, models.max_pooling])
def test_exchanged_steps_get_the_scores_of_their_twin_backwards(family):
    faulty, twin = runs("steps exchanged")
    _, first, last = faulty.events[0]
    model = family(2, (T, machine.SIZE, machine.SIZE, 1))
    block = slice(first - machine.REST, last + 1 + machine.REST)
    scores, twin_scores = (scan(model, film.frames[block]) for film in (faulty, twin))
    assert np.abs(scores - twin_scores[::-1]).max() < 1e-5
    assert len(scores) == last - first + 16


@pytest.mark.parametrize("fault", PERMUTED)
def test_a_single_frame_gets_the_same_scores_in_another_order(fault):
    faulty, twin = runs(fault)
    model = models.single_frame(2, (1, machine.SIZE, machine.SIZE, 1))
    scores, twin_scores = (np.sort(scan(model, film.frames), axis=0) for film in (faulty, twin))
    assert np.abs(scores - twin_scores).max() < 1e-5


def test_the_order_of_the_steps_does_change_what_a_recurrent_network_says():
    faulty, twin = runs("steps exchanged")
    model = models.cnn_rnn(2, (T, machine.SIZE, machine.SIZE, 1))
    _, first, last = faulty.events[0]
    block = slice(first - machine.REST, last + 1 + machine.REST)
    scores, twin_scores = (scan(model, film.frames[block]) for film in (faulty, twin))
    assert np.abs(scores - twin_scores[::-1]).max() > 1e-3


def test_the_light_is_no_fault_and_no_pixel_reaches_the_ends():
    frames = machine.run(40, 1).frames
    assert frames.min() > 0 and frames.max() < 255
    assert len(np.unique(np.round(frames.mean((1, 2, 3))))) > machine.LIGHT


def test_windows_are_drawn_evenly_from_all_faults():
    at = {3 * i + 2: fault for i, fault in enumerate(["arm stutters", "press late", "steps exchanged"])}
    film = machine.run(12, 0, at)
    x, y = machine.windows(film, 60, 8, every=2)
    assert x.shape == (60, 8, 32, 32, 1) and y.sum() == 30
    starts = {bytes(frame): i for i, frame in enumerate(film.frames)}
    ends = np.array([starts[bytes(window[-1])] for window in x])
    assert np.array_equal(film.wrong[ends], y == 1)
    inside = [((first <= ends[y == 1]) & (ends[y == 1] <= last)).sum() for _, first, last in film.events]
    assert inside == [10, 10, 10]
    window = x[0]
    assert np.array_equal(window, film.frames[ends[0] - 14 : ends[0] + 1 : 2])


@pytest.mark.parametrize(
    "given, error, message",
    [
        ({"cycles": 0}, ValueError, "cycles must be an integer of at least 1, not 0"),
        ({"seed": -1}, ValueError, "seed must be"),
        ({"faults": {1: "fire"}}, ValueError, "faults must be"),
        ({"faults": {5: "drift"}}, ValueError, "faults must be over before the run is: 'drift' takes cycles 5 to 12"),
        ({"faults": {1: "part missing", 3: "press late"}}, ValueError, "faults must not share a cycle"),
        ({"noise": 30}, ValueError, "noise must be a number from 0 to 12, not 30"),
        ({"twin": 1}, TypeError, "twin must be"),
    ],
)
def test_what_is_refused_is_named(given, error, message):
    with pytest.raises(error, match=message):
        machine.run(**{"cycles": 10} | given)


@pytest.mark.parametrize(
    "name, settings",
    [
        ("average_pooling", {}),
        ("cnn_rnn", {"features": "pooled"}),
        ("conv3d", {"padding": "valid"}),
        ("conv2plus1d", {"padding": "valid"}),
        ("conv3d", {}),
        ("early_fusion", {}),
    ],
)
def test_a_scan_gives_what_the_model_says_of_each_window(name, settings):
    frames = machine.run(1, 0).frames[:60, 8:24, 8:24]
    model = getattr(models, name)(3, (T, 16, 16, 1), **settings)
    expected = measure.logits(model, np.ascontiguousarray(windows(frames)))
    for length in (T, T + 1, 37, 60):
        assert np.abs(scan(model, frames[:length]) - expected[: length - T + 1]).max() < 1e-5


def test_a_scan_follows_weights_that_change_and_takes_the_last_of_answers_at_every_frame():
    frames = machine.run(1, 0).frames[:20, 8:24, 8:24]
    model = models.cnn_rnn(2, (T, 16, 16, 1), every_frame=True)
    before = scan(model, frames)
    model.set_weights([weight * 1.5 for weight in model.get_weights()])
    clips = np.ascontiguousarray(windows(frames))
    assert np.abs(scan(model, frames) - measure.logits(model, clips)[:, -1]).max() < 1e-5
    assert np.abs(scan(model, frames) - before).max() > 1e-3


def test_a_scan_refuses_what_it_cannot_scan():
    frames = machine.run(1, 0).frames
    with pytest.raises(ValueError, match="lengths=False"):
        scan(models.max_pooling(2, (T, 32, 32, 1), lengths=True), frames)
    with pytest.raises(ValueError, match=r"len\(frames\) must be an integer of at least 16, not 5"):
        scan(models.max_pooling(2, (T, 32, 32, 1)), frames[:5])
    with pytest.raises(ValueError, match="frames must"):
        scan(models.max_pooling(2, (T, 16, 16, 1)), frames)
