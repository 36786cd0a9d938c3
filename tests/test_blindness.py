"""What each family provably cannot tell apart: untrained and trained, and that it can where a condition is broken."""

from functools import cache, partial

import numpy as np
import pytest

import seqlib
from seqlib import measure, models, training
from seqlib.backend import keras

pytestmark = pytest.mark.slow  # hundreds of networks, some of them trained

layers, ops = keras.layers, keras.ops

SMALL = {"frames": 8, "resolution": 16, "size": (4, 8)}
ROUNDING = 1e-5  # sums in another order
ORDER_FREE = {
    "average": models.average_pooling,
    "max": models.max_pooling,
    "attention": models.attention_pooling,
}
CONVOLUTIONAL = {"3D": models.conv3d, "(2+1)D": models.conv2plus1d}
WIDE = {"frames": 20, "resolution": 16, "size": (4, 8), "noise": 0, "block": 2, "gap": 4, "onset": (4, 8)}


def family(build, task, options, seed=0, trained=False):
    """A model for clips of these options; its biases too are random, as training would leave them."""
    return _family(build, task, tuple(options.items()), seed, trained)


@cache  # to be looked at by several tests, and changed by none
def _family(build, task, options, seed, trained):
    x, y = seqlib.clips(task, 96, seed + 50, **dict(options))
    model = build(seqlib.TASKS[task], x.shape[1:], seed)
    if trained:
        training.fit(model, (x, y), epochs=2, learning_rate=3e-3)
    else:
        generator = np.random.default_rng(seed)
        model.set_weights([w + 0.1 * generator.standard_normal(w.shape) for w in model.get_weights()])
    return model


def report(model, task, kind, options, n=100, seed=7):
    return measure.twin_agreement(model, *seqlib.twins(task, kind, n, seed, **options))


def is_blind(found, difference):
    assert found.largest_difference <= difference
    assert found.same_answer >= found.sets - found.close_calls
    assert found.most_right == 1 or found.close_calls
    return True


seeds = pytest.mark.parametrize(("seed", "trained"), [(0, False), (1, False), (2, True)])


@seeds
@pytest.mark.parametrize("name", ORDER_FREE)
@pytest.mark.parametrize(
    ("task", "kind", "options"),
    [
        ("direction", "reverse", SMALL),
        ("direction", "reverse", SMALL | {"noise": 0, "frames": 5}),
        ("order", "swap", SMALL),
        ("order", "swap", {"frames": 11, "resolution": 21, "size": 5, "noise": 18}),
    ],
)
def test_order_free_pooling_gives_twins_that_are_the_same_frames_one_answer(name, task, kind, options, seed, trained):
    found = report(family(ORDER_FREE[name], task, options, seed, trained), task, kind, options)
    assert is_blind(found, 0 if name == "max" else ROUNDING)
    if kind == "swap" and not found.close_calls:
        assert found.accuracy.value == 0.5
    if kind == "reverse" and not found.close_calls:
        assert found.accuracy.value <= 0.5


@seeds
@pytest.mark.parametrize("name", ORDER_FREE)
def test_order_free_pooling_does_not_care_for_any_order(name, seed, trained):
    model = family(ORDER_FREE[name], "direction", SMALL, seed, trained)
    x, _ = seqlib.clips("shape", 50, 9, **SMALL)
    order = np.random.default_rng(seed).permutation(8)
    differ = np.abs(measure.logits(model, x) - measure.logits(model, x[:, order])).max()
    assert differ <= (0 if name == "max" else ROUNDING)


@pytest.mark.parametrize("build", [partial(models.attention_pooling, positions=True), models.cnn_rnn, models.conv3d])
def test_a_family_that_is_told_or_sees_the_order_is_not_blind_to_it(build):
    for task, kind in (("direction", "reverse"), ("order", "swap")):
        found = report(family(build, task, SMALL), task, kind, SMALL)
        assert found.largest_difference > 100 * ROUNDING


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_unit_of_the_convolutional_families_sees_five_frames(name):
    assert measure.receptive_field(family(CONVOLUTIONAL[name], "order", WIDE), "conv3")[0] == 5


@seeds
@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_convolutions_with_global_pooling_cannot_tell_swapped_blocks_that_are_far_apart(name, seed, trained):
    """Clean, gap and margins of R - 1 = 4 frames, time stride 1: the same bits, and half of the answers right."""
    model = family(CONVOLUTIONAL[name], "order", WIDE, seed, trained)
    found = report(model, "order", "swap", WIDE)
    assert is_blind(found, 0)
    assert found.accuracy.value == 0.5


@seeds
@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_nor_when_a_block_began(name, seed, trained):
    model = family(CONVOLUTIONAL[name], "order", WIDE, seed, trained)
    found = report(model, "order", "shift", WIDE)
    assert found.largest_difference == 0
    assert found.same_answer == found.sets


@pytest.mark.parametrize("name", CONVOLUTIONAL)
@pytest.mark.parametrize(
    "broken",
    [
        {"gap": 2, "onset": (4, 8)},  # both blocks within five frames
        {"onset": 0},  # no margin before
        {"onset": 12},  # none behind
        {"noise": 8},
    ],
    ids=str,
)
def test_where_a_condition_is_broken_they_can(name, broken):
    options = WIDE | broken
    assert report(family(CONVOLUTIONAL[name], "order", options), "order", "swap", options).largest_difference > 1e-3


@seeds
def test_max_pooling_cannot_count_frames_that_stand_still(seed, trained):
    """No noise, and each clip has a blank frame and one with the shape: the same two frames, so the same maximum."""
    options = SMALL | {"speed": 0, "noise": 0}
    found = report(family(models.max_pooling, "duration", options, seed, trained), "duration", "stretch", options)
    assert is_blind(found, 0)
    assert found.accuracy.value == 0.25


STILL = {"resolution": 16, "size": (4, 8), "speed": 0, "noise": 0}  # for 2, 6, 10 and 14 of 16 frames, from frame 1


def longer_stays(build, options, seed=0, trained=False):
    """The second and third of the four durations alone."""
    model = family(build, "duration", options, seed, trained)
    x, y = seqlib.twins("duration", "stretch", 100, 7, **options)
    return measure.twin_agreement(model, x[1:3], y[1:3])


@seeds
@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_convolutions_with_global_pooling_cannot_tell_a_long_stay_from_a_longer_one(name, seed, trained):
    """Both fill a window of 5 frames and leave 5 blank ones behind: the same windows, so the same maximum."""
    found = longer_stays(CONVOLUTIONAL[name], STILL, seed, trained)
    assert found.largest_difference == 0
    assert found.same_answer == found.sets
    assert found.most_right <= 1  # or 0: the answer may be one of the other two


@pytest.mark.parametrize("name", CONVOLUTIONAL)
@pytest.mark.parametrize("broken", [{"frames": 8}, {"speed": 1}, {"noise": 8}], ids=str)
def test_where_the_shorter_fits_into_a_window_or_the_shape_moves_they_can(name, broken):
    assert longer_stays(CONVOLUTIONAL[name], STILL | broken).largest_difference > 1e-3


@pytest.mark.parametrize("broken", [{"speed": 1}, {"noise": 8}], ids=str)
def test_a_trail_or_noise_tells_max_pooling_something(broken):
    options = SMALL | {"speed": 0, "noise": 0} | broken
    found = report(family(models.max_pooling, "duration", options), "duration", "stretch", options)
    assert found.largest_difference > 1e-3


def test_an_average_can_count_them():
    options = SMALL | {"speed": 0, "noise": 0}
    found = report(family(models.average_pooling, "duration", options), "duration", "stretch", options)
    assert found.largest_difference > 1e-2


# A recurrent network on spatially averaged features


def around(x, before, after):
    """Pad height and width periodically."""
    for axis in (2, 3):
        front = ops.take(x, range(x.shape[axis] - before, x.shape[axis]), axis=axis)
        back = ops.take(x, range(after), axis=axis)
        x = ops.concatenate([front, x, back] if before else [x, back], axis=axis)
    return x


def pooled_gru(task, clip_shape, seed, padding):
    """The family cnn_rnn on pooled features; ``padding`` is that of its convolutions."""
    keras.utils.set_random_seed(seed)
    clip = keras.Input(clip_shape)
    x = layers.Rescaling(1 / 64, offset=-1)(clip)
    for filters, stride in ((16, 2), (32, 2), (16, 1)):
        if padding == "circular":
            x = around(x, before=int(stride == 1), after=1)  # as "same" does, but with what lies on the other side
        kind = "valid" if padding == "circular" else "same"
        x = layers.Conv3D(filters, (1, 3, 3), (1, stride, stride), padding=kind, activation="relu")(x)
    x = layers.MaxPooling3D((1, 2, 2))(x)
    x = ops.mean(x, axis=(2, 3))
    x = layers.GRU(32)(x)
    return keras.Model(clip, layers.Dense(len(task.classes))(x))


EXACT = {"frames": 8, "resolution": 32, "speed": 8, "noise": 0}  # 8: what three halvings make of the stride


@seeds
def test_a_recurrent_network_on_averaged_features_cannot_see_motion(seed, trained):
    build = partial(pooled_gru, padding="circular")
    found = report(family(build, "direction", EXACT, seed, trained), "direction", "reverse", EXACT)
    assert is_blind(found, ROUNDING)


@pytest.mark.parametrize(
    ("padding", "broken"),
    [("zeros", {}), ("circular", {"speed": 7}), ("circular", {"speed": 0.5}), ("circular", {"noise": 8})],
    ids=str,
)
def test_what_it_sees_where_a_condition_is_broken(padding, broken):
    options = EXACT | broken
    build = partial(pooled_gru, padding=padding)
    found = report(family(build, "direction", options), "direction", "reverse", options)
    assert found.largest_difference > 100 * ROUNDING


def test_that_network_is_the_family_but_for_its_padding():
    shape = (8, 32, 32, 1)
    ours, theirs = models.cnn_rnn(4, shape, features="pooled"), pooled_gru(seqlib.TASKS["direction"], shape, 0, "zeros")
    convolutions = 6  # three kernels and their biases
    theirs.set_weights(ours.get_weights()[:convolutions] + theirs.get_weights()[convolutions:])
    x, _ = seqlib.clips("direction", 8, frames=8)

    def features(model):
        recurrent = next(layer for layer in model.layers if isinstance(layer, layers.GRU))
        return keras.Model(model.input, recurrent.input)(x).numpy()

    assert np.abs(features(ours) - features(theirs)).max() < ROUNDING
