"""Bad input: every error names the argument, what was given and what is allowed."""

import inspect
import math

import numpy as np
import pytest

import seqlib
from seqlib import arguments, measure, models, show, tasks, training
from seqlib.backend import keras, tf

NAN, INF = math.nan, math.inf
TINY = {"frames": 3, "resolution": 8, "size": (3, 4), "noise": 0}
TINY_SHAPE = (3, 8, 8, 1)


def refuses(kind, words, call, /, *args, **options):
    with pytest.raises(kind) as caught:
        call(*args, **options)
    for word in words:
        assert word in str(caught.value), f"{word!r} is not in {caught.value}"


CLIPS = [
    (ValueError, {"task": "motion"}, ["task", "'shape', 'direction', 'order', 'event', 'duration'", "not 'motion'"]),
    (ValueError, {"task": "Shape"}, ["task", "'shape'", "not 'Shape'"]),
    (TypeError, {"task": 0}, ["task", "'shape', 'direction', 'order'", "not 0"]),
    (TypeError, {"task": None}, ["task", "'shape'", "not None"]),
    (ValueError, {"n": 0}, ["n ", "integer from 1 to 4294967296", "not 0"]),
    (ValueError, {"n": -3}, ["n ", "integer from 1 to 4294967296", "not -3"]),
    (TypeError, {"n": 1.5}, ["n ", "integer from 1 to 4294967296", "not 1.5"]),
    (TypeError, {"n": 4.0}, ["n ", "integer from 1 to 4294967296", "not 4.0"]),
    (TypeError, {"n": True}, ["n ", "integer from 1 to 4294967296", "not True"]),
    (TypeError, {"n": np.True_}, ["n ", "integer from 1 to 4294967296", "True"]),
    (TypeError, {"n": "12"}, ["n ", "integer from 1 to 4294967296", "not '12'"]),
    (TypeError, {"n": None}, ["n ", "integer from 1 to 4294967296", "not None"]),
    (TypeError, {"n": [3]}, ["n ", "integer from 1 to 4294967296", "[3]"]),
    (TypeError, {"n": np.array([3, 4])}, ["n ", "integer from 1 to 4294967296", "array([3, 4])"]),
    (ValueError, {"n": 2**32 + 1}, ["n ", "from 1 to 4294967296", "4294967297"]),
    (ValueError, {"seed": -1}, ["seed", "integer from 0 to 4294967295", "not -1"]),
    (ValueError, {"seed": 2**32}, ["seed", "integer from 0 to 4294967295", "not 4294967296"]),
    (TypeError, {"seed": 0.5}, ["seed", "integer from 0", "not 0.5"]),
    (TypeError, {"seed": True}, ["seed", "integer from 0", "not True"]),
    (TypeError, {"seed": "0"}, ["seed", "integer from 0", "not '0'"]),
    (TypeError, {"seed": None}, ["seed", "integer from 0", "not None"]),
    (ValueError, {"start": -1}, ["start", "integer from 0", "not -1"]),
    (ValueError, {"start": 2**32 - 3, "n": 4}, ["start", "from 0 to 4294967292", "not 4294967293"]),
    (TypeError, {"start": 2.0}, ["start", "integer from 0", "not 2.0"]),
    (ValueError, {"frames": 0}, ["frames", "from 1", "not 0"]),
    (ValueError, {"frames": -16}, ["frames", "from 1", "not -16"]),
    (TypeError, {"frames": 16.0}, ["frames", "integer from 1", "not 16.0"]),
    (TypeError, {"frames": True}, ["frames", "integer from 1", "not True"]),
    (ValueError, {"task": "direction", "frames": 1}, ["frames", "from 2", "not 1"]),
    (ValueError, {"task": "order", "frames": 2}, ["frames", "from 3", "not 2"]),
    (ValueError, {"task": "event", "frames": 0}, ["frames", "from 1", "not 0"]),
    (ValueError, {"task": "duration", "frames": 7}, ["frames", "from 8", "not 7"]),
    (ValueError, {"resolution": 7}, ["resolution", "from 8", "not 7"]),
    (ValueError, {"resolution": 21}, ["resolution", "at least twice the largest size, 22", "not 21"]),
    (ValueError, {"resolution": 32, "size": (8, 17)}, ["resolution", "34", "not 32"]),
    (ValueError, {"resolution": 10**6}, ["resolution", "not 1000000"]),
    (TypeError, {"resolution": (32, 32)}, ["resolution", "integer", "(32, 32)"]),
    (TypeError, {"resolution": 32.5}, ["resolution", "integer", "not 32.5"]),
    (ValueError, {"task": "event", "resolution": 15}, ["resolution", "at least twice the largest size, 16", "not 15"]),
    (ValueError, {"size": 1}, ["size", "from 2", "not 1"]),
    (ValueError, {"size": 0}, ["size", "from 2", "not 0"]),
    (ValueError, {"size": (11, 8)}, ["size", "(lowest, highest)", "(11, 8)"]),
    (ValueError, {"size": 8.5}, ["size", "integer", "not 8.5"]),
    (ValueError, {"size": (8, NAN)}, ["size", "integer", "nan"]),
    (TypeError, {"size": (8, 9, 10)}, ["size", "(lowest, highest)", "(8, 9, 10)"]),
    (TypeError, {"size": ()}, ["size", "(lowest, highest)", "()"]),
    (TypeError, {"size": "8"}, ["size", "(lowest, highest)", "not '8'"]),
    (TypeError, {"size": True}, ["size", "(lowest, highest)", "not True"]),
    (TypeError, {"size": {8, 9}}, ["size", "(lowest, highest)"]),
    (ValueError, {"speed": 1.1}, ["speed", "multiple of 0.125", "not 1.1"]),
    (ValueError, {"speed": (1, 1.99)}, ["speed", "multiple of 0.125", "(1, 1.99)"]),
    (ValueError, {"speed": -1}, ["speed", "from 0", "not -1"]),
    (ValueError, {"speed": 16}, ["speed", "from 0 to 15.875", "not 16"]),
    (ValueError, {"speed": (1, 10), "resolution": 8, "size": 4}, ["speed", "from 0 to 3.875", "(1, 10)"]),
    (ValueError, {"speed": 10**400}, ["speed", "from 0"]),
    (ValueError, {"speed": NAN}, ["speed", "multiple of 0.125", "not nan"]),
    (ValueError, {"speed": (0, INF)}, ["speed", "multiple of 0.125", "inf"]),
    (TypeError, {"speed": "fast"}, ["speed", "multiple of 0.125", "not 'fast'"]),
    (ValueError, {"brightness": 64}, ["brightness", "(lowest, highest)", "from 65 to 191", "not 64"]),
    (ValueError, {"brightness": 192}, ["brightness", "from 65 to 191", "not 192"]),
    (ValueError, {"brightness": (60, 100)}, ["brightness", "from 65 to 191", "(60, 100)"]),
    (ValueError, {"brightness": (112, 88)}, ["brightness", "(lowest, highest)", "(112, 88)"]),
    (ValueError, {"brightness": 100.5}, ["brightness", "one integer", "not 100.5"]),
    (ValueError, {"brightness": NAN}, ["brightness", "one integer", "not nan"]),
    (ValueError, {"task": "event", "brightness": (88, INF)}, ["brightness", "from 65 to 191", "inf"]),
    (TypeError, {"brightness": "bright"}, ["brightness", "from 65 to 191", "not 'bright'"]),
    (TypeError, {"brightness": True}, ["brightness", "from 65 to 191", "not True"]),
    (TypeError, {"brightness": (80, 90, 100)}, ["brightness", "(lowest, highest)", "(80, 90, 100)"]),
    (ValueError, {"noise": -0.5}, ["noise", "number from 0 to 18", "not -0.5"]),
    (ValueError, {"noise": NAN}, ["noise", "number from 0 to 18", "not nan"]),
    (ValueError, {"noise": np.float32("nan")}, ["noise", "number from 0 to 18", "nan"]),
    (ValueError, {"noise": INF}, ["noise", "number from 0 to 18", "not inf"]),
    (ValueError, {"noise": 18.01}, ["noise", "number from 0 to 18", "not 18.01"]),
    (ValueError, {"noise": 10**400}, ["noise", "number from 0 to 18"]),
    (TypeError, {"noise": True}, ["noise", "number from 0 to 18", "not True"]),
    (TypeError, {"noise": "8"}, ["noise", "number from 0 to 18", "not '8'"]),
    (TypeError, {"noise": 8j}, ["noise", "number from 0 to 18", "8j"]),
    (ValueError, {"block": 0}, ["block", "from 1 to 16", "not 0"]),
    (ValueError, {"block": 17}, ["block", "from 1 to 16", "not 17"]),
    (TypeError, {"block": 2.5}, ["block", "from 1 to 16", "not 2.5"]),
    (ValueError, {"task": "event", "block": 1}, ["block", "must be left out", "not 1", "'event'", "the answer"]),
    (ValueError, {"task": "duration", "block": 6}, ["block", "must be left out", "not 6", "'duration'", "the answer"]),
    (ValueError, {"task": "duration", "block": "6"}, ["block", "must be left out", "not '6'"]),
    (ValueError, {"task": "event", "gap": 3}, ["gap", "must be left out", "not 3", "'event'", "one block"]),
    (ValueError, {"task": "duration", "gap": 3}, ["gap", "must be left out", "not 3", "'duration'"]),
    (ValueError, {"gap": 3}, ["gap", "left out", "not 3", "'shape'"]),
    (ValueError, {"task": "direction", "gap": 3}, ["gap", "left out", "not 3", "'direction'"]),
    (ValueError, {"task": "order", "gap": 0}, ["gap", "from 1", "not 0"]),
    (TypeError, {"task": "order", "gap": "3"}, ["gap", "from 1", "not '3'"]),
    (ValueError, {"task": "order", "block": 6}, ["frames", "at least 18", "blocks of 6", "gap of 6", "not 16"]),
    (ValueError, {"task": "order", "gap": 13}, ["frames", "at least 17", "not 16"]),
    (ValueError, {"task": "order", "block": 2, "gap": 6, "onset": 7}, ["onset", "from 0 to 6", "not 7"]),
    (ValueError, {"onset": 1}, ["onset", "from 0 to 0", "not 1"]),
    (ValueError, {"block": 4, "onset": -1}, ["onset", "from 0 to 12", "not -1"]),
    (ValueError, {"block": 4, "onset": (5, 3)}, ["onset", "(lowest, highest)", "(5, 3)"]),
    (ValueError, {"block": 4, "onset": (0, 13)}, ["onset", "from 0 to 12", "(0, 13)"]),
    (TypeError, {"block": 4, "onset": "1"}, ["onset", "from 0 to 12", "not '1'"]),
    (ValueError, {"task": "event", "onset": 16}, ["onset", "from 0 to 15", "not 16"]),
    (ValueError, {"task": "duration", "onset": (0, 3)}, ["onset", "from 0 to 2", "(0, 3)"]),
    (TypeError, {"colour": 3}, ["unexpected keyword argument 'colour'"]),
    (ValueError, {"task": "direction", "block": 1}, ["block", "from 2", "not 1"]),
    (ValueError, {"task": "direction", "speed": 0}, ["speed", "from 0.125", "not 0"]),
    (ValueError, {"resolution": 512}, ["size", "at most 1 size", "(8, 11)"]),
]


def test_good_input_is_not_refused():
    seqlib.clips("shape", 4)


@pytest.mark.parametrize("task", seqlib.TASKS)
def test_an_option_that_is_none_has_the_default_of_its_task(task):
    none = dict.fromkeys(tasks.DEFAULTS)
    x, y = seqlib.clips(task, 4)
    same_x, same_y = seqlib.clips(task, 4, **none)
    assert np.array_equal(x, same_x) and np.array_equal(y, same_y)
    served_x, served_y = next(iter(seqlib.dataset(task, 4, batch=4, **none)))
    assert sorted(clip.tobytes() for clip in served_x.numpy()) == sorted(clip.tobytes() for clip in x)
    assert np.array_equal(np.sort(served_y), np.sort(y))
    for kind in seqlib.TASKS[task].twins:
        assert np.array_equal(seqlib.twins(task, kind, 4, **none)[0], seqlib.twins(task, kind, 4)[0])


@pytest.mark.parametrize("function", [seqlib.clips, seqlib.twins, seqlib.dataset])
def test_every_option_can_be_given_by_its_name_alone(function):
    parameters = inspect.signature(function).parameters
    assert list(parameters)[-len(tasks.DEFAULTS) :] == list(tasks.DEFAULTS)
    for option in tasks.DEFAULTS:
        assert parameters[option].kind == inspect.Parameter.KEYWORD_ONLY and parameters[option].default is None


@pytest.mark.parametrize(("kind", "options", "words"), CLIPS)
def test_clips_refuses(kind, options, words):
    refuses(kind, words, seqlib.clips, **({"task": "shape", "n": 4} | options))


@pytest.mark.parametrize(("kind", "options", "words"), [case for case in CLIPS if "onset" not in case[1]])
def test_twins_and_dataset_refuse_what_clips_refuses(kind, options, words):
    refuses(kind, words, seqlib.dataset, **({"task": "shape", "n": 4} | options))
    if not {"frames", "block"} & set(options):  # `shift` has a shorter block of its own
        refuses(kind, words, seqlib.twins, **({"task": "shape", "kind": "shift", "n": 4} | options))


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        (ValueError, {"kind": "mirror"}, ["kind", "'middle', 'reverse', 'shift'", "not 'mirror'"]),
        (ValueError, {"kind": "swap"}, ["kind", "'middle', 'reverse', 'shift'", "not 'swap'"]),
        (ValueError, {"task": "shape", "kind": "reverse"}, ["kind", "'shift'", "not 'reverse'"]),
        (ValueError, {"task": "order", "kind": "middle"}, ["kind", "'swap', 'shift'", "not 'middle'"]),
        (ValueError, {"task": "event", "kind": "stretch"}, ["kind", "'shift'", "not 'stretch'"]),
        (ValueError, {"task": "duration", "kind": "swap"}, ["kind", "'stretch', 'shift'", "not 'swap'"]),
        (ValueError, {"task": "duration", "kind": "stretch", "block": 2}, ["block", "must be left out", "not 2"]),
        (ValueError, {"task": "event", "kind": "shift", "block": 1}, ["block", "must be left out", "not 1"]),
        (ValueError, {"task": "duration", "kind": "shift", "onset": 1}, ["onset", "two different frames", "0 to 2"]),
        (TypeError, {"kind": None}, ["kind", "'middle', 'reverse', 'shift'", "not None"]),
        (TypeError, {"kind": 2}, ["kind", "'middle', 'reverse', 'shift'", "not 2"]),
        (ValueError, {"task": "motion"}, ["task", "'direction'", "not 'motion'"]),
        (ValueError, {"kind": "shift", "onset": 3}, ["onset", "two different frames", "3"]),
        (ValueError, {"kind": "shift", "onset": (4, 4)}, ["onset", "two different frames", "from 0 to 8", "(4, 4)"]),
        (ValueError, {"kind": "shift", "onset": (0, 9)}, ["onset", "from 0 to 8", "(0, 9)"]),
        (ValueError, {"kind": "shift", "block": 16}, ["block", "16 of 16 frames"]),
    ],
)
def test_twins_refuses(kind, options, words):
    refuses(kind, words, seqlib.twins, **({"task": "direction", "kind": "middle", "n": 4} | options))


@pytest.mark.parametrize(
    ("kind", "batch", "words"),
    [
        (ValueError, 0, ["batch", "at least 1", "not 0"]),
        (TypeError, 3.0, ["batch", "at least 1", "not 3.0"]),
        (TypeError, True, ["batch", "at least 1", "not True"]),
    ],
)
def test_dataset_refuses_a_wrong_batch(kind, batch, words):
    refuses(kind, words, seqlib.dataset, "shape", 4, batch=batch)


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        (TypeError, {"task": "shape"}, ["task", "integer of at least 2", "not 'shape'"]),
        (ValueError, {"task": 1}, ["task", "integer of at least 2", "not 1"]),
        (TypeError, {"task": True}, ["task", "integer of at least 2", "not True"]),
        (ValueError, {"clip_shape": (16, 32, 32)}, ["clip_shape", "(T, H, W, C)", "(16, 32, 32)"]),
        (ValueError, {"clip_shape": 16}, ["clip_shape", "(T, H, W, C)", "not 16"]),
        (ValueError, {"clip_shape": (0, 32, 32, 1)}, ["clip_shape[0]", "at least 1", "not 0"]),
        (ValueError, {"clip_shape": (16, 3, 32, 1)}, ["clip_shape[1]", "at least 8", "not 3"]),
        (ValueError, {"clip_shape": (16, 32, 2, 1)}, ["clip_shape[2]", "at least 8", "not 2"]),
        (TypeError, {"clip_shape": (16, 32, 32, None)}, ["clip_shape[3]", "at least 1", "not None"]),
        (ValueError, {"seed": -1}, ["seed", "from 0 to 4294967295", "not -1"]),
        (TypeError, {"seed": 1.0}, ["seed", "from 0 to 4294967295", "not 1.0"]),
        (ValueError, {"width": 0}, ["width", "from 0.0625 to 16", "not 0"]),
        (TypeError, {"width": "half"}, ["width", "from 0.0625 to 16", "not 'half'"]),
    ],
)
def test_single_frame_refuses(kind, options, words):
    refuses(kind, words, models.single_frame, **({"task": 4} | options))


@pytest.fixture(scope="module")
def model():
    return models.single_frame(4, TINY_SHAPE)


@pytest.fixture(scope="module")
def clips():
    return seqlib.clips("shape", 8, **TINY)


RESCALE = ".astype(np.uint8)"


def wrong_clips(x):
    """Clips that no function takes, and the words of the error."""
    return [
        (TypeError, x.astype(np.float32) / 255, ["uint8", "not float32", RESCALE]),
        (TypeError, x.astype(np.int64), ["uint8", "not int64", RESCALE]),
        (TypeError, x > 0, ["uint8", "not bool", RESCALE]),
        (TypeError, x.tolist(), ["uint8 array", "list"]),
        (TypeError, tf.constant(x), ["uint8 array", "Tensor"]),
        (TypeError, None, ["uint8 array", "NoneType"]),
        (ValueError, x[0], ["uint8 array of shape", str(x.shape[1:])]),
        (ValueError, x[..., 0], ["uint8 array of shape", str(x.shape[:-1])]),
        (ValueError, x[:0], ["uint8 array of shape", "(0, "]),
    ]


def clips_of_another_shape(x):
    shape = [str(TINY_SHAPE)]
    return [
        (ValueError, x[:, :2], [*shape, "not (2, 8, 8, 1)"]),
        (ValueError, x[:, :, :, 1:], [*shape, "not (3, 8, 7, 1)"]),
        (ValueError, np.repeat(x, 3, -1), [*shape, "not (3, 8, 8, 3)"]),
    ]


def wrong_labels(y):
    allowed = "integer labels from 0 to 3, shape (8,)"
    return [
        (TypeError, y.astype(float), [allowed, "not float64"]),
        (TypeError, y == 1, [allowed, "not bool"]),
        (TypeError, y.tolist(), [allowed, "not list"]),
        (TypeError, None, [allowed, "not NoneType"]),
        (ValueError, y[:7], [allowed, "not shape (7,)"]),
        (ValueError, y[:, None], [allowed, "not shape (8, 1)"]),
        (ValueError, np.eye(4, dtype=int)[y], [allowed, "not shape (8, 4)"]),
        (ValueError, y + 1, [allowed, "not 1 to 4"]),
        (ValueError, y - 1, [allowed, "not -1 to 2"]),
    ]


def test_measuring_refuses_wrong_clips(model, clips):
    x, y = clips
    for kind, wrong, words in wrong_clips(x) + clips_of_another_shape(x):
        refuses(kind, ["x ", *words], measure.accuracy, model, wrong, y)
        refuses(kind, ["x ", *words], measure.logits, model, wrong)


def test_measuring_refuses_wrong_labels(model, clips):
    x, y = clips
    for kind, wrong, words in wrong_labels(y):
        refuses(kind, ["y ", *words], measure.accuracy, model, x, wrong)


def test_measuring_refuses_wrong_batches(model, clips):
    refuses(ValueError, ["batch", "at least 1", "not 0"], measure.accuracy, model, *clips, batch=0)
    refuses(TypeError, ["batch", "at least 1", "not None"], measure.logits, model, clips[0], batch=None)


def test_a_model_with_another_input_is_refused(clips):
    x, y = clips
    one_frame = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(4)])
    larger = models.single_frame(4, (3, 16, 16, 1))
    for model, taken in [(one_frame, "(8, 8, 1)"), (larger, "(3, 16, 16, 1)")]:
        refuses(ValueError, ["x ", taken, "not (3, 8, 8, 1)"], measure.accuracy, model, x, y)
        refuses(ValueError, ["train[0]", taken, "not (3, 8, 8, 1)"], training.fit, model, (x, y))
        refuses(
            ValueError, ["train ", taken, "not (3, 8, 8, 1)"], training.fit, model, seqlib.dataset("shape", 8, **TINY)
        )


def test_twin_agreement_refuses(model):
    x, y = seqlib.twins("direction", "middle", 3, **TINY)
    refuses(ValueError, ["x ", "(k, n, T, H, W, C)", "(3, 3, 8, 8, 1)"], measure.twin_agreement, model, x[0], y)
    refuses(TypeError, ["x ", "not float64", RESCALE], measure.twin_agreement, model, x / 255, y)
    refuses(ValueError, ["x ", "not (2, 8, 8, 1)"], measure.twin_agreement, model, x[:, :, :2], y)
    refuses(ValueError, ["y ", "shape (4, 3)", "(3,)"], measure.twin_agreement, model, x, y[0])
    refuses(ValueError, ["y ", "shape (4, 3)", "(3, 4)"], measure.twin_agreement, model, x, y.T)
    refuses(ValueError, ["y ", "0 to 3", "5 to 8"], measure.twin_agreement, model, x, y + 5)


@pytest.mark.parametrize(
    ("function", "options", "kind", "words"),
    [
        (measure.latency, {"repeats": 0}, ValueError, ["repeats", "at least 1", "not 0"]),
        (measure.latency, {"repeats": 2.5}, TypeError, ["repeats", "at least 1", "not 2.5"]),
        (measure.peak_memory, {"batch": 0}, ValueError, ["batch", "at least 1", "not 0"]),
        (measure.step_seconds, {"repeats": -1}, ValueError, ["repeats", "at least 1", "not -1"]),
        (measure.step_seconds, {"batch": 0}, ValueError, ["batch", "at least 1", "not 0"]),
        (measure.receptive_field, {"layer": "conv"}, ValueError, ["layer", "'clip'", "not 'conv'"]),
        (measure.receptive_field, {"layer": 2}, TypeError, ["layer", "'clip'", "not 2"]),
        (measure.receptive_field, {"samples": 0}, ValueError, ["samples", "at least 1", "not 0"]),
        (measure.receptive_field, {"seed": -1}, ValueError, ["seed", "from 0", "not -1"]),
    ],
)
def test_costs_refuse(model, function, options, kind, words):
    refuses(kind, words, function, model, **options)


def test_fit_refuses_wrong_clips_and_labels(model, clips):
    x, y = clips
    for kind, wrong, words in wrong_clips(x) + clips_of_another_shape(x):
        refuses(kind, ["train[0]", *words], training.fit, model, (wrong, y))
        refuses(kind, ["validation[0]", *words], training.fit, model, clips, (wrong, y))
    for kind, wrong, words in wrong_labels(y):
        refuses(kind, ["train[1]", *words], training.fit, model, (x, wrong))
        refuses(kind, ["validation[1]", *words], training.fit, model, clips, (x, wrong))


@pytest.mark.parametrize("wrong", ["clips", 3, None, np.zeros((2, 3)), "xy", (1, 2, 3)])
def test_fit_refuses_what_is_neither_a_pair_nor_a_dataset(model, clips, wrong):
    refuses(TypeError, ["train ", "pair (x, y) or a tf.data.Dataset"], training.fit, model, wrong)
    if wrong is not None:
        refuses(TypeError, ["validation ", "pair (x, y) or a tf.data.Dataset"], training.fit, model, clips, wrong)


def test_fit_refuses_datasets_of_something_else(model, clips):
    x, y = clips
    slices = tf.data.Dataset.from_tensor_slices
    refuses(TypeError, ["train ", "dataset of (x, y)"], training.fit, model, slices(x).batch(4))
    refuses(TypeError, ["train ", "dataset of (x, y)"], training.fit, model, slices({"x": x, "y": y}).batch(4))
    refuses(TypeError, ["train ", "dataset of (x, y)"], training.fit, model, slices((x, y, y)).batch(4))
    refuses(TypeError, ["train ", "(x, y)"], training.fit, model, slices(({"clip": x}, y)).batch(4))
    refuses(
        TypeError,
        ["train ", "uint8", "not float32", "tf.cast(tf.round(x * 255), tf.uint8)"],
        training.fit,
        model,
        slices((x / np.float32(255), y)).batch(4),
    )
    refuses(ValueError, ["train ", "not (3, 8, 8, 1)", "batch(32)"], training.fit, model, slices((x, y)))
    refuses(ValueError, ["validation ", str(TINY_SHAPE)], training.fit, model, clips, slices((x[:, :2], y)).batch(4))


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        (ValueError, {"epochs": 0}, ["epochs", "at least 1", "not 0"]),
        (TypeError, {"epochs": 1.0}, ["epochs", "at least 1", "not 1.0"]),
        (TypeError, {"epochs": True}, ["epochs", "at least 1", "not True"]),
        (ValueError, {"learning_rate": -0.1}, ["learning_rate", "from 0 to 1", "not -0.1"]),
        (ValueError, {"learning_rate": NAN}, ["learning_rate", "from 0 to 1", "not nan"]),
        (ValueError, {"learning_rate": 10}, ["learning_rate", "from 0 to 1", "not 10"]),
        (TypeError, {"learning_rate": "fast"}, ["learning_rate", "from 0 to 1", "not 'fast'"]),
        (ValueError, {"seed": -1}, ["seed", "from 0 to 4294967295", "not -1"]),
        (TypeError, {"seed": None}, ["seed", "from 0 to 4294967295", "not None"]),
    ],
)
def test_fit_refuses(model, clips, kind, options, words):
    refuses(kind, words, training.fit, model, clips, **options)


def test_a_refused_fit_leaves_the_model_as_it_was(clips):
    model = models.single_frame(4, TINY_SHAPE)
    before = model.get_weights()
    with pytest.raises(TypeError):
        training.fit(model, (clips[0] / 255, clips[1]))
    assert not model.compiled
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("picture", [show.film_strip, show.animation])
def test_pictures_refuse(picture, clips):
    x, _ = clips
    refuses(TypeError, ["clips", "not float64", RESCALE], picture, x / 255)
    refuses(ValueError, ["clips", "shape", "(8, 8, 1)"], picture, x[0, 0])
    refuses(TypeError, ["clips", "uint8"], picture, "clips")
    refuses(ValueError, ["names", "8 names", "not 2"], picture, x, ["a", "b"])
    refuses(ValueError, ["names", "1 names", "not 2"], picture, x[0], ["a", "b"])


def test_describe_refuses(clips):
    x, _ = clips
    refuses(ValueError, ["clip ", "(T, H, W, C)", str(x.shape)], show.describe, x)
    refuses(TypeError, ["clip ", "not float64", RESCALE], show.describe, x[0] / 255)


@pytest.mark.parametrize(
    ("picture", "options", "kind", "words"),
    [
        (show.film_strip, {"every": 0}, ValueError, ["every", "at least 1", "not 0"]),
        (show.film_strip, {"every": 1.5}, TypeError, ["every", "at least 1", "not 1.5"]),
        (show.film_strip, {"mark": 3}, ValueError, ["mark", "[0, 1, 2]", "not 3"]),
        (show.film_strip, {"mark": -1}, ValueError, ["mark", "at least 0", "not -1"]),
        (show.film_strip, {"mark": True}, TypeError, ["mark", "at least 0", "not True"]),
        (show.film_strip, {"names": "ab"}, TypeError, ["names", "sequence of str", "'ab'"]),
        (show.film_strip, {"mark": 1, "every": 2}, ValueError, ["mark", "[0, 2]", "not 1"]),
        (show.film_strip, {"below": "abc"}, TypeError, ["below", "sequence of str", "'abc'"]),
        (show.film_strip, {"below": ["a"]}, ValueError, ["below", "3 texts", "not 1"]),
        (show.film_strip, {"mark": "1"}, TypeError, ["mark", "at least 0", "not '1'"]),
        (show.animation, {"scale": 0}, ValueError, ["scale", "from 1", "not 0"]),
        (show.animation, {"scale": 1.5}, TypeError, ["scale", "from 1", "not 1.5"]),
        (show.animation, {"frames_per_second": 0}, ValueError, ["frames_per_second", "from 0.5 to 50", "not 0"]),
        (show.animation, {"frames_per_second": NAN}, ValueError, ["frames_per_second", "from 0.5 to 50", "not nan"]),
        (show.animation, {"frames_per_second": "8"}, TypeError, ["frames_per_second", "from 0.5 to 50", "not '8'"]),
    ],
)
def test_picture_options_are_checked(clips, picture, options, kind, words):
    refuses(kind, words, picture, clips[0][0], **options)


@pytest.mark.parametrize(
    ("kind", "history", "options", "words"),
    [
        (ValueError, {}, {}, ["history", "'accuracy' or 'val_accuracy'", "[]"]),
        (ValueError, {"loss": [1.0]}, {}, ["history", "'accuracy'", "['loss']"]),
        (ValueError, {"accuracy": []}, {}, ["history", "at least one epoch"]),
        (ValueError, {"accuracy": [0.5]}, {"family": "conv4d"}, ["family", "'conv3d'", "not 'conv4d'"]),
        (TypeError, {"accuracy": [0.5]}, {"family": None}, ["family", "'single_frame'", "not None"]),
    ],
)
def test_learning_curves_refuses(kind, history, options, words):
    refuses(kind, words, show.learning_curves, history, **options)


def test_a_claim_with_an_unknown_relation_is_refused():
    refuses(ValueError, ["relation", "'==', '>=', '<='", "not '>'"], measure.check_claims, ("much", 1, ">", 0))


def test_labels_of_any_integer_type_are_taken():
    for kind in (np.int64, np.int32, np.uint8, np.uint64):
        assert arguments.labels("y", np.array([0, 3], kind), (2,), 4).dtype == kind
