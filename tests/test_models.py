"""The model families: what they are, what they see, and that they can be built again and stored."""

import inspect
from functools import cache, partial

import numpy as np
import pytest

import seqlib
from seqlib import models, show
from seqlib.backend import keras, tf

CLIP_SHAPE = (6, 16, 16, 1)
OPTIONS = {"frames": 6, "resolution": 16, "size": (4, 8)}

FAMILIES = {  # every family, with each of its settings
    ", ".join([name, *(f"{key}={value}" for key, value in settings.items())]): partial(
        getattr(models, name), **settings
    )
    for name, family in show.FAMILIES.items()
    for settings in family.settings
}
families = pytest.mark.parametrize("name", FAMILIES)


@cache
def built(name):
    """A family's model for four classes and clips of the usual shape, to look at and not to change."""
    return FAMILIES[name](4)


def test_the_table_has_a_row_for_each_function():
    """A family without a row would have no colour, and no test."""
    assert {name for name in models.__all__ if inspect.isfunction(getattr(models, name))} == set(show.FAMILIES)


def same(weights, others):
    return len(weights) == len(others) and all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))


def answers(model, x):
    return model(x, training=False).numpy()


@pytest.mark.parametrize(
    ("task", "clip_shape", "classes"),
    [
        (seqlib.TASKS["shape"], (16, 32, 32, 1), 4),
        (seqlib.TASKS["order"], CLIP_SHAPE, 2),
        (7, (3, 16, 24, 3), 7),
        (np.int64(3), (1, 8, 8, 1), 3),
        (2, [5, 9, 9, 2], 2),
    ],
)
@families
def test_a_family_takes_uint8_clips_and_gives_logits(name, task, clip_shape, classes):
    model = FAMILIES[name](task, clip_shape)
    assert isinstance(model, keras.Model)
    assert not model.compiled
    assert model.name == name.partition(",")[0]
    assert model.input_shape == (None, *clip_shape)
    assert model.output_shape == (None, classes)
    logits = answers(model, np.random.default_rng(0).integers(0, 256, (5, *clip_shape), np.uint8))
    assert logits.dtype == np.float32
    assert logits.shape == (5, classes)
    assert not np.allclose(logits.sum(1), 1)  # logits, not probabilities


@families
def test_the_first_layer_that_does_anything_makes_the_background_zero(name):
    first = next(layer for layer in built(name).layers if not isinstance(layer, keras.layers.InputLayer))
    assert isinstance(first, keras.layers.Rescaling)
    assert first(np.array([0, 64, 128], np.uint8)).numpy().tolist() == [-1, 0, 1]


@families
def test_a_seed_gives_the_same_weights_whatever_was_drawn_before(name):
    weights = FAMILIES[name](4, CLIP_SHAPE, seed=3).get_weights()
    keras.utils.set_random_seed(99)
    keras.random.normal((5,))
    assert same(weights, FAMILIES[name](4, CLIP_SHAPE, seed=3).get_weights())
    for seed in (0, 2**32 - 1):
        assert not same(weights, FAMILIES[name](4, CLIP_SHAPE, seed=seed).get_weights())


@pytest.mark.parametrize("frames", [1, 2, 5, 6, 16])
def test_single_frame_reads_the_middle_frame_and_no_other_bit_for_bit(frames):
    model = models.single_frame(4, (frames, 16, 16, 1))
    x = np.random.default_rng(frames).integers(0, 256, (4, frames, 16, 16, 1), np.uint8)
    middle = frames // 2
    for t in range(frames):
        changed = x.copy()
        changed[:, t] = 255 - changed[:, t]
        differs = (answers(model, changed) != answers(model, x)).any(1)
        assert differs.all() if t == middle else not differs.any()


def test_middle_twins_get_the_same_bits():
    model = models.single_frame(4, CLIP_SHAPE)
    x, _ = seqlib.twins("direction", "middle", 30, **OPTIONS)
    first, *others = (answers(model, member) for member in x)
    for other in others:
        assert np.array_equal(first, other)


@families
def test_a_stored_model_answers_the_same(name, tmp_path):
    model = FAMILIES[name](4, CLIP_SHAPE)
    x, _ = seqlib.clips("shape", 8, **OPTIONS)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(answers(again, x), answers(model, x))
    assert again.input_shape == model.input_shape


@families
def test_every_weight_is_trained(name):
    """All that a family holds has a gradient; else it would be counted and learn nothing."""
    model = FAMILIES[name](4, CLIP_SHAPE)
    x, y = seqlib.clips("shape", 64, **OPTIONS)
    with tf.GradientTape() as tape:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, model(x, training=True))
    gradients = tape.gradient(loss, model.trainable_weights)
    assert len(gradients) == len(model.weights)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        shift_of_scores = weight.path.endswith("score/bias")  # a softmax does not change with it
        assert shift_of_scores or np.abs(gradient).max() > 0, weight.path


def test_budgets_are_comparable():
    """Each family has between half and twice the parameters of the plain 2D CNN, save for what is said here."""
    plain = built("single_frame").count_params()
    ratios = {name: built(name).count_params() / plain for name in FAMILIES}
    assert {name for name, ratio in ratios.items() if not 0.5 <= ratio <= 2} == set()


@families
def test_multiply_adds_of_a_family_are_known(name):
    assert seqlib.measure.multiply_adds(built(name)) > 10**6


@families
def test_width_multiplies_the_filters_and_units_of_every_layer_but_the_last(name):
    """Last axes: filters or units, for recurrent cells a multiple of them, of the scores of attention always one."""
    plain, half, double = (FAMILIES[name](4, CLIP_SHAPE, width=width) for width in (1, 0.5, 2))
    assert same(plain.get_weights(), FAMILIES[name](4, CLIP_SHAPE).get_weights())
    for weight, fewer, more in zip(plain.weights, half.weights, double.weights, strict=True):
        fixed = weight.path.startswith(("logits", "score"))
        assert (2 * fewer.shape[-1], more.shape[-1] / 2) == (weight.shape[-1],) * 2 or (
            fixed and weight.shape[-1] == fewer.shape[-1] == more.shape[-1]
        ), weight.path
    assert answers(half, np.zeros((1, *CLIP_SHAPE), np.uint8)).shape == (1, 4)


@families
def test_the_narrowest_network_has_a_unit_in_each_layer(name):
    model = FAMILIES[name](4, CLIP_SHAPE, width=1 / 16)
    assert min(min(weight.shape) for weight in model.weights) == 1
    assert np.isfinite(answers(model, np.zeros((1, *CLIP_SHAPE), np.uint8))).all()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (partial(models.cnn_rnn, cell="rnn"), "cell must be one of 'simple', 'gru', 'lstm', not 'rnn'"),
        (partial(models.cnn_rnn, features="mean"), "features must be one of 'flat', 'pooled', not 'mean'"),
        (partial(models.attention_pooling, positions=1), "positions must be True or False, not 1"),
    ],
)
def test_a_wrong_setting_is_named(build, words):
    with pytest.raises((TypeError, ValueError), match=words):
        build(4)


in_time = pytest.mark.parametrize("build", [models.conv3d, models.conv2plus1d])


def maps(model, x):
    return keras.Model(model.input, model.get_layer("conv3").output)(x).numpy()


def padded(build, padding, frames=9, size=(17, 22), weights=None):
    model = build(4, (frames, *size, 1), padding=padding)
    if weights:
        model.set_weights(weights)
    return model


@in_time
def test_how_a_3d_cnn_pads_in_time_changes_the_maps_near_the_ends_alone(build):
    x = np.random.default_rng(0).integers(0, 256, (2, 9, 17, 22, 1), np.uint8)
    same = padded(build, "same")
    causal, valid = (padded(build, padding, weights=same.get_weights()) for padding in ("causal", "valid"))
    assert maps(valid, x).shape[1] == 5
    assert np.abs(maps(same, x)[:, 2:-2] - maps(valid, x)).max() <= 1e-6
    assert np.abs(maps(causal, x)[:, 4:] - maps(valid, x)).max() <= 1e-6


@in_time
def test_with_causal_padding_no_map_depends_on_a_later_frame(build):
    x = np.random.default_rng(0).integers(0, 256, (1, 9, 16, 16, 1), np.uint8)
    for t in range(9):
        changed = x.copy()
        changed[:, t] = 255 - changed[:, t]
        first = {}
        for padding in ("causal", "same"):
            model = padded(build, padding, size=(16, 16))
            differs = (maps(model, changed) != maps(model, x)).any((0, 2, 3, 4))
            first[padding] = int(differs.argmax())
        assert first == {"causal": t, "same": max(0, t - 2)}


@in_time
def test_without_padding_in_time_a_clip_needs_five_frames(build):
    with pytest.raises(ValueError, match=r"clip_shape\[0\], with padding='valid', must be an integer .*5.* not 4"):
        build(4, (4, 16, 16, 1), padding="valid")
    with pytest.raises(ValueError, match="lengths must be False with padding='valid', not True"):
        build(4, CLIP_SHAPE, padding="valid", lengths=True)
    with pytest.raises(ValueError, match="padding must be"):
        build(4, CLIP_SHAPE, padding="full")


@in_time
def test_a_causal_clips_answer_ends_with_its_length(build):
    model = build(4, (9, 16, 16, 1), padding="causal", lengths=True)
    short = padded(build, "causal", 6, (16, 16), model.get_weights())
    x = np.random.default_rng(0).integers(0, 256, (2, 9, 16, 16, 1), np.uint8)
    assert np.abs(answers(model, (x, np.array([[6], [6]]))) - answers(short, x[:, :6])).max() <= 1e-6
