"""Measurements against numbers worked out by hand."""

import html.parser
import math
import os
import re
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import seqlib
from seqlib import measure
from seqlib.backend import keras, running_on, tf

layers = keras.layers


def from_pixel(kernel, bias=None, shape=(2, 2, 2, 1)):
    """A model whose logits are ``kernel * v + bias``, where v is the first pixel of the clip."""
    clip = keras.Input(shape)
    first = clip[:, 0, 0, 0, :1]
    head = layers.Dense(len(kernel))
    model = keras.Model(clip, head(first))
    bias = np.zeros(len(kernel)) if bias is None else np.array(bias)
    head.set_weights([np.array([kernel], np.float32), bias.astype(np.float32)])
    return model


def clips_with(values):
    """Clips of noise whose first pixels are ``values``; any leading axes."""
    values = np.array(values)
    x = np.random.default_rng(0).integers(0, 256, (*values.shape, 2, 2, 2, 1), np.uint8)
    x[..., 0, 0, 0, 0] = values
    return x


ORACLE = [0, 1, 2, 3], [0, -0.5, -2, -4.5]  # the class is the pixel's value


# Accuracy


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [  # solutions p of |right/total - p| = 1.959964 sqrt(p (1 - p) / total), found by bisection
        (50, 100, 0.403832, 0.596168),
        (90, 100, 0.825634, 0.944771),
        (1, 10, 0.017876, 0.404150),
        (0, 10, 0.0, 0.277533),
        (10, 10, 0.722467, 1.0),
        (1, 1, 0.206549, 1.0),
        (512, 2048, 0.231726, 0.269210),
        (2000, 2000, 0.998083, 1.0),
    ],
)
def test_the_wilson_interval(right, total, low, high):
    accuracy = measure.Accuracy(right, total)
    assert accuracy.value == right / total
    assert accuracy.low == pytest.approx(low, abs=1e-6)
    assert accuracy.high == pytest.approx(high, abs=1e-6)


@pytest.mark.parametrize("total", [1, 7, 100, 2000])
def test_the_wilson_interval_solves_its_equation_and_stays_within_0_and_1(total):
    for right in range(0, total + 1, max(1, total // 20)):
        accuracy = measure.Accuracy(right, total)
        assert 0 <= accuracy.low <= accuracy.value <= accuracy.high <= 1
        for end in (accuracy.low, accuracy.high):
            if end not in (0, 1):
                spread = 1.959964 * math.sqrt(end * (1 - end) / total)
                assert abs(accuracy.value - end) == pytest.approx(spread, rel=1e-6)
    assert measure.Accuracy(0, total).low == 0
    assert measure.Accuracy(total, total).high == 1


def test_an_accuracy_reads_well():
    words = str(measure.Accuracy(1234, 2000)).replace(" %", "%")
    for part in ("61.7%", "1,234 of 2,000", "59.5", "63.8"):
        assert part in words


@pytest.mark.parametrize(
    ("own", "new", "chance", "word"),
    [
        (1.0, 1.0, 0.25, "solved"),
        (0.96, 0.96, 0.5, "solved"),
        (0.5, 0.5, 0.5, "collapsed"),
        (0.25, 0.26, 0.25, "collapsed"),
        (0.2, 0.0, 0.25, "collapsed"),
        (1.0, 0.5, 0.5, "memorised"),
        (1.0, 0.7, 0.25, "memorised"),
        (0.7, 0.5, 0.5, "memorised"),
        (0.9, 0.84, 0.25, "hard"),
        (0.62, 0.6, 0.5, "hard"),
        (0.5, 0.9, 0.0, "solved"),
    ],
)
def test_a_training_ends_in_one_of_four_ways(own, new, chance, word):
    assert measure.outcome(own, new, chance) == word


def test_better_on_new_clips_is_never_a_worse_outcome():
    ranks = ("collapsed", "memorised", "hard", "solved")
    for chance in (0.25, 0.5):
        for own in np.linspace(0, 1, 41):
            words = [measure.outcome(own, new, chance) for new in np.linspace(0, 1, 101)]
            assert [ranks.index(word) for word in words] == sorted(ranks.index(word) for word in words)
            assert words[-1] == "solved"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ((1.1, 0.5, 0.5), ValueError, r"own must be a number from 0 to 1, not 1\.1"),
        ((0.5, "0.5", 0.5), TypeError, "new must be a number from 0 to 1, not '0.5'"),
        ((0.5, 0.5, 1), ValueError, "chance must be below 1, not 1"),
    ],
)
def test_an_outcome_is_refused_by_name(given, error, message):
    with pytest.raises(error, match=message):
        measure.outcome(*given)


@pytest.mark.parametrize("batch", [1, 4, 256])
def test_accuracy_counts_right_answers(batch):
    values = [0, 1, 2, 3, 3, 2, 1, 0, 0, 0]
    labels = np.array([0, 1, 2, 3, 0, 0, 0, 0, 1, 2])
    assert measure.accuracy(from_pixel(*ORACLE), clips_with(values), labels, batch) == (5, 10)
    assert measure.accuracy(from_pixel(*ORACLE), clips_with(values), np.array(values), batch) == (10, 10)
    assert measure.accuracy(from_pixel([0, 0], [0, 1]), clips_with(values), labels % 2, batch) == (3, 10)


def test_a_constant_model_is_right_as_often_as_its_class_is_there():
    x, y = seqlib.clips("shape", 40, frames=2, resolution=8, size=3)
    for answer in range(4):
        constant = from_pixel([0] * 4, np.eye(4)[answer], (2, 8, 8, 1))
        assert measure.accuracy(constant, x, y) == (10, 40)


def test_logits_are_the_models_own_in_the_order_of_the_clips():
    model = from_pixel([1, -2, 0.5])
    values = np.arange(11)
    found = measure.logits(model, clips_with(values), batch=4)
    assert found.dtype == np.float32
    assert np.array_equal(found, np.outer(values, [1, -2, 0.5]))


class Recorder(layers.Layer):
    """Keeps how many clips it was given at once, and whether to train."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def call(self, x, training=None):
        if hasattr(x, "numpy"):  # and not while the model is made
            self.calls.append((len(x), training))
        return x


def test_a_model_answers_in_batches_as_large_as_told_and_each_member_of_a_set_in_its_own():
    model, x = from_pixel(*ORACLE), clips_with(np.zeros((2, 11)))
    ways = {
        "logits": lambda recorded: measure.logits(recorded, x[0], 4),
        "accuracy": lambda recorded: measure.accuracy(recorded, x[0], np.zeros(11, int), 4),
        "twins": lambda recorded: measure.twin_agreement(recorded, x, np.zeros((2, 11), int), 4),
    }
    for name, way in ways.items():
        recorder = Recorder()
        way(keras.Sequential([keras.Input((2, 2, 2, 1)), recorder, model]))
        assert recorder.calls == [(4, False), (4, False), (3, False)] * (2 if name == "twins" else 1)


def test_what_is_measured_is_the_model_that_answers_and_not_the_one_that_trains():
    """Dropout at 0.999 would leave hardly a logit, and next to nothing to be seen."""
    clip = keras.Input((2, 2, 2, 1))
    model = keras.Model(clip, layers.Dropout(0.999)(layers.Flatten()(clip)))
    x = clips_with(np.arange(9))
    assert np.array_equal(measure.logits(model, x), x.reshape(9, 8))
    assert measure.twin_agreement(model, np.stack([x, x]), np.zeros((2, 9), int)).largest_difference == 0
    assert measure.receptive_field(model, samples=1) == (2, 2, 2)


@pytest.mark.parametrize(
    ("call", "allowed"),
    [
        (lambda model: measure.logits(model, clips_with([0]), batch=0), "batch must be an integer of at least 1,"),
        (lambda model: measure.step_seconds(model, batch=0), "batch must be an integer of at least 1,"),
        (lambda model: measure.step_seconds(model, repeats=0), "repeats must be an integer of at least 1,"),
        (lambda model: measure.latency(model, repeats=0), "repeats must be an integer of at least 1,"),
        (lambda model: measure.receptive_field(model, samples=0), "samples must be an integer of at least 1,"),
        (lambda model: measure.receptive_field(model, seed=2**31), "seed must be an integer from 0 to 2147483647,"),
        (lambda model: measure.receptive_field(model, layer="convolution"), "layer must be one of"),
    ],
)
def test_an_error_begins_with_the_name_of_what_is_wrong(call, allowed):
    with pytest.raises(ValueError) as caught:
        call(from_pixel(*ORACLE))
    assert str(caught.value).startswith(allowed)


# Twins


def test_an_oracle_is_right_on_all_members():
    values = np.array([[0, 1, 2], [1, 0, 3]])
    report = measure.twin_agreement(from_pixel(*ORACLE), clips_with(values), values)
    assert report.accuracy == (6, 6)
    assert (report.sets, report.same_answer, report.most_right, report.close_calls) == (3, 0, 2, 0)
    assert report.all_right == 3
    # logits are c v - c^2 / 2, so the largest difference is 3 times that of the values, 3 (2 - 3) or 3 (1 - 0)
    assert report.largest_difference == pytest.approx(3)


def test_a_constant_model_gives_every_member_the_same():
    values = np.arange(20).reshape(4, 5)
    labels = np.tile(np.arange(4)[:, None], 5)
    report = measure.twin_agreement(from_pixel([0] * 4, [0, 0, 2, 0]), clips_with(values), labels)
    assert report == measure.TwinReport(measure.Counts(5, 20), 5, 5, 1, 0.0, 0, 0)


def test_sets_are_compared_member_by_member():
    values = [[0, 1, 1, 3], [0, 1, 2, 0], [0, 1, 1, 0]]
    labels = np.array([[0, 0, 1, 3], [1, 0, 2, 1], [2, 0, 2, 1]])
    report = measure.twin_agreement(from_pixel(*ORACLE), clips_with(values), labels, batch=3)
    assert report.accuracy == (1 + 0 + 2 + 1, 12)
    assert report.sets == 4
    assert report.same_answer == 2
    assert (report.most_right, report.all_right) == (2, 0)
    assert report.largest_difference == pytest.approx(9)


def test_close_calls_are_sets_with_a_member_whose_two_best_logits_nearly_tie():
    """The gap of the two best logits is the pixel times 2e-5: below 1e-4 for pixels below 5. A third is far off."""
    model = from_pixel([0, 2e-5, 0], [0, 0, -9])
    values = [[0, 4, 9, 200], [9, 4, 6, 200]]
    report = measure.twin_agreement(model, clips_with(values), np.zeros((2, 4), int))
    assert report.close_calls == 2
    assert report.largest_difference == pytest.approx(18e-5, rel=1e-3)


def test_close_calls_count_sets_and_not_members_and_a_gap_of_1e_4_is_none():
    model = from_pixel([0, 1e-4, 0], [0, 0, -9])
    values = [[0, 0, 0, 1, 200], [1, 1, 1, 1, 200]]
    assert measure.twin_agreement(model, clips_with(values), np.zeros((2, 5), int)).close_calls == 3


def test_a_twin_report_reads_well():
    report = measure.TwinReport(measure.Counts(512, 2048), 512, 510, 1, 2.5e-6, 3, 7)
    assert str(report) == (
        "all members right in 7 of 512 sets; at most 1 right in a set\n"
        "same answer for all members in 510 of 512 sets; right: 512 of 2,048 clips, 25.0%\n"
        "largest difference of logits within a set 2.5e-06; close calls 3"
    )
    assert str(report.accuracy) == "25.0% (512 of 2,048)"  # an interval would speak of clips that answer independently


# Classification report


@pytest.mark.parametrize(
    ("scores", "relevant", "by_hand"),
    [
        ([0.9, 0.8, 0.3, 0.1], [1, 0, 1, 0], (1 / 1 + 2 / 3) / 2),
        ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], (1 / 1 + 2 / 3) / 2),
        ([4, 3, 2, 1], [1, 1, 0, 0], 1),
        ([4, 3, 2, 1], [0, 0, 0, 1], 1 / 4),
        ([4, 3, 2, 1], [1, 1, 1, 1], 1),
        ([5, 5, 5, 5], [0, 1, 0, 0], 1 / 4),  # equal scores pass the threshold together
        ([0.9, 0.5, 0.5, 0.1], [0, 1, 0, 1], (1 / 3 + 2 / 4) / 2),
        ([0.9, 0.5, 0.5, 0.1], [0, 0, 1, 1], (1 / 3 + 2 / 4) / 2),
        ([math.inf, 1, -math.inf], [1, 0, 1], (1 / 1 + 2 / 3) / 2),
        ([7], [1], 1),
    ],
)
def test_average_precision_is_a_sum_over_thresholds(scores, relevant, by_hand):
    assert measure.average_precision(scores, np.array(relevant, bool)) == pytest.approx(by_hand, rel=1e-12)


def test_the_average_precision_of_a_random_ranking_is_about_the_share():
    rng = np.random.default_rng(0)
    relevant = np.arange(10_000) % 20 == 0
    found = [measure.average_precision(rng.random(10_000), relevant) for _ in range(5)]
    assert np.mean(found) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(
    ("scores", "relevant", "error", "parts"),
    [
        ([1, 2], [True], ValueError, ["relevant ", "shape (2,)", "(1,)"]),
        ([1, 2], [False, False], ValueError, ["relevant ", "True at least once", "with 0 times True"]),
        ([], np.zeros(0, bool), ValueError, ["relevant ", "True at least once"]),
        ([1, 2], [0, 1], TypeError, ["relevant ", "bool", "y == 1", "not int64"]),
        ([[1, 2]], [True, False], ValueError, ["scores ", "one axis", "(1, 2)"]),
        ([1, math.nan], [True, False], ValueError, ["scores ", "not NaN", "1 of 2"]),
    ],
)
def test_average_precision_refuses_what_it_cannot_rank(scores, relevant, error, parts):
    with pytest.raises(error) as caught:
        measure.average_precision(scores, relevant)
    assert str(caught.value).startswith(parts[0])
    for part in parts:
        assert part in str(caught.value)


def test_a_model_that_always_gives_the_frequent_class_is_shown_for_what_it_is():
    always_normal = from_pixel([0, 0], [1, 0])
    labels = np.array([0] * 95 + [1] * 5)
    report = measure.classification_report(always_normal, clips_with(labels), labels, ["normal", "fall"])
    assert report.confusion == ((95, 0), (5, 0))
    assert report.accuracy == report.majority == (95, 100)
    assert report.recalls == ((95, 95), (0, 5))
    assert report.average_precisions == pytest.approx((0.95, 0.05))
    assert str(report).splitlines() == [
        "accuracy 95.0% (95 of 100, 95% interval 88.8% to 97.8%)",
        "majority baseline 95.0% (95 of 100): always 'normal'",
        "class   recall                                           average precision  share",
        "normal  100.0% (95 of 95, 95% interval 96.1% to 100.0%)  0.950              95.0%",
        "fall    0.0% (0 of 5, 95% interval 0.0% to 43.4%)        0.050              5.0%",
        "confusion matrix; rows are labels, columns are answers",
        "        normal  fall",
        "normal      95     0",
        "fall         5     0",
    ]


def test_a_report_counts_labels_down_and_answers_across():
    answers, labels = [0, 1, 2, 3, 3, 1, 0, 2, 2], np.array([0, 1, 2, 3, 1, 1, 2, 2, 2])
    report = measure.classification_report(from_pixel(*ORACLE), clips_with(answers), labels, batch=4)
    assert report.confusion == ((1, 0, 0, 0), (0, 2, 0, 1), (1, 0, 3, 0), (0, 0, 0, 1))
    assert report.accuracy == (7, 9)
    assert report.majority == (4, 9)
    assert report.recalls == ((1, 1), (2, 3), (3, 4), (1, 1))
    assert report.classes == ("0", "1", "2", "3")
    assert report.average_precisions[0] == pytest.approx(1 / 2)  # two clips have its pixel: one is class 2


def test_a_class_without_clips_and_a_class_without_others_are_told_as_such():
    report = measure.classification_report(from_pixel(*ORACLE), clips_with([1, 1, 2]), np.array([1, 1, 1]))
    assert report.recalls == (None, (2, 3), None, None)
    assert report.average_precisions == (None, None, None, None)
    assert str(report).count("no clips") == 3
    assert "always '1'" in str(report)


@pytest.mark.parametrize("scale", [1, 1000], ids=["probabilities", "saturated probabilities"])
def test_logits_and_their_probabilities_are_ranked_alike(scale):
    """Of saturated float32 probabilities most are equal; the logits still rank."""
    values, labels = [1, 5, 3, 2, 4, 0], np.array([0, 1, 0, 1, 1, 0])
    model = from_pixel([0, scale], [0, -2.5 * scale])
    report = measure.classification_report(model, clips_with(values), labels)
    assert report.average_precisions == pytest.approx(((1 + 1 + 3 / 4) / 3, (1 + 1 + 3 / 4) / 3))
    probabilities = keras.Model(model.input, layers.Softmax()(model.output))
    same = measure.classification_report(probabilities, clips_with(values), labels)
    assert same.confusion == report.confusion
    if scale == 1:
        assert same == report


@pytest.mark.parametrize(
    ("classes", "error", "parts"),
    [
        (["a", "b", "c"], ValueError, ["classes must be 4 names", "not 3"]),
        ("abcd", TypeError, ["classes must be a sequence of str", "'abcd'"]),
    ],
)
def test_a_report_takes_one_name_for_each_class(classes, error, parts):
    with pytest.raises(error) as caught:
        measure.classification_report(from_pixel(*ORACLE), clips_with([0]), np.array([0]), classes)
    for part in parts:
        assert part in str(caught.value)


# Receptive field


def stack(clip_shape, *steps):
    clip = keras.Input(clip_shape)
    x = clip
    for step in steps:
        x = step(x)
    return keras.Model(clip, x)


def formula(*steps):
    """R = 1 + sum of (kernel - 1) * dilation * the strides of all layers before; one axis."""
    field, jump = 1, 1
    for kernel, stride, dilation in steps:
        field += (kernel - 1) * dilation * jump
        jump *= stride
    return field


@pytest.mark.parametrize(
    "steps",  # (kernel, stride, dilation) in time of successive convolutions; R frames
    [
        [(3, 1, 1)],
        [(1, 1, 1)],
        [(3, 1, 1), (3, 1, 1)],
        [(5, 2, 1), (3, 1, 1)],
        [(3, 1, 2)],
        [(3, 1, 1), (3, 1, 2), (3, 1, 4)],
        [(2, 2, 1), (2, 2, 1), (2, 2, 1)],
        [(3, 3, 1), (4, 1, 2)],
    ],
)
def test_temporal_receptive_field_of_convolutions(steps):
    keras.utils.set_random_seed(1)
    convolutions = [
        layers.Conv3D(2, (k, 1, 1), strides=(s, 1, 1))
        if d == 1
        else layers.Conv3D(2, (k, 1, 1), dilation_rate=(d, 1, 1))
        for k, s, d in steps
    ]
    assert measure.receptive_field(stack((40, 1, 1, 1), *convolutions)) == (formula(*steps), 1, 1)


@pytest.mark.parametrize("pooling", [layers.MaxPooling3D, layers.AveragePooling3D])
def test_receptive_field_of_convolutions_and_pooling_in_three_axes(pooling):
    keras.utils.set_random_seed(2)
    model = stack(
        (24, 20, 30, 1),
        layers.Rescaling(1 / 255),
        layers.Conv3D(4, (3, 3, 5), activation="relu"),
        pooling((2, 1, 2)),
        layers.Conv3D(4, (3, 5, 3), activation="relu"),
        pooling((1, 2, 2)),
    )
    expected = (
        formula((3, 1, 1), (2, 2, 1), (3, 1, 1), (1, 1, 1)),
        formula((3, 1, 1), (1, 1, 1), (5, 1, 1), (2, 2, 1)),
        formula((5, 1, 1), (2, 2, 1), (3, 1, 1), (2, 2, 1)),
    )
    assert expected == (8, 8, 12)
    assert measure.receptive_field(model) == expected


def test_receptive_field_of_a_layer_within():
    keras.utils.set_random_seed(3)
    inner = layers.Conv3D(2, 3, padding="same", name="inner")
    model = stack((9, 9, 9, 1), inner, layers.Conv3D(2, 5, padding="same", name="outer"), layers.GlobalMaxPooling3D())
    assert measure.receptive_field(model, "inner") == (3, 3, 3)
    assert measure.receptive_field(model, "outer") == (7, 7, 7)
    assert measure.receptive_field(model) == (9, 9, 9)  # global pooling sees the whole clip


def test_receptive_field_is_cut_off_at_the_borders():
    keras.utils.set_random_seed(4)
    model = stack((4, 6, 3, 1), layers.Conv3D(2, 5, padding="same"))
    assert measure.receptive_field(model) == (4, 5, 3)


def test_receptive_field_is_that_of_the_middle_unit():
    """Any other would be nearer to a border, and cut off."""
    keras.utils.set_random_seed(5)
    model = stack((5, 7, 9, 1), layers.Conv3D(2, (5, 7, 9), padding="same"))
    assert measure.receptive_field(model) == (5, 7, 9)


def test_receptive_field_spans_from_the_first_to_the_last_input_that_matters():
    clip = keras.Input((10, 8, 8, 1))
    apart = layers.Flatten()(clip[:, 2:9:6, 3:5, 7:])
    head = layers.Dense(3)
    model = keras.Model(clip, head(apart))
    assert measure.receptive_field(model) == (7, 2, 1)
    head.set_weights([np.zeros((4, 3)), np.zeros(3)])
    assert measure.receptive_field(model) == (0, 0, 0)


def test_a_2d_cnn_on_one_frame_sees_one_frame():
    assert measure.receptive_field(seqlib.models.single_frame(4, (5, 16, 16, 1))) == (1, 16, 16)


# Time


def small_model():
    keras.utils.set_random_seed(0)
    return stack(
        (2, 4, 4, 1), layers.Rescaling(1 / 255), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)
    )


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("clock", [measure.latency, measure.step_seconds])
def test_timing_is_in_order_and_leaves_the_model_alone(clock, compiled):
    model = small_model()
    if compiled:
        model.compile(keras.optimizers.SGD(0.5), "mse")
    optimizer = model.optimizer if compiled else None
    before = model.get_weights()
    timing = clock(model, repeats=5)
    assert 0 < timing.lower_quartile <= timing.median <= timing.upper_quartile
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.compiled is compiled
    if compiled:
        assert model.optimizer is optimizer
        assert int(optimizer.iterations) == 0


class Slow(layers.Layer):
    """Takes 20 ms, and keeps what it was given."""

    given = []  # noqa: RUF012 - one list for the layer and its copies

    def call(self, x):
        def wait(values):
            time.sleep(0.02)
            self.given.append(tuple(values.shape))
            return values

        later = tf.py_function(wait, [x], x.dtype)
        later.set_shape(x.shape)
        return later


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a process's peak")
def test_training_takes_the_memory_of_what_it_keeps():
    """Each clip has 16 maps of a quarter of a megabyte, which are kept for the way back."""
    clip = keras.Input((4, 128, 128, 1))
    x = layers.Conv3D(16, 1)(clip)
    model = keras.Model(clip, layers.Dense(2)(layers.GlobalMaxPooling3D()(x)))
    maps = 4 * 128 * 128 * 16 * 4
    large = np.ones(2**30, np.uint8)  # that this process is large, or was, does not hide it
    del large
    few, many = measure.peak_memory(model, batch=4), measure.peak_memory(model, batch=24)
    assert 20 * maps <= many - few <= 100 * maps


SCRIPT = """
import seqlib

print("begins")
print(seqlib.measure.peak_memory(seqlib.models.single_frame(4), batch=4))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a process's peak")
def test_memory_is_measured_from_a_script_without_a_guard_which_runs_once(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT, "utf-8")
    home = str(Path(seqlib.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": home},
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stderr
    begins, grown = run.stdout.split()
    assert begins == "begins"
    assert int(grown) > 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a process's peak")
def test_a_model_that_another_process_cannot_build_is_an_error_that_names_its_layer():
    mine = type("Slow", (Slow,), {"__module__": "of_this_process"})  # Keras 3.8 would import it from a file of tests
    model = stack((2, 4, 4, 1), mine(name="mine"), layers.Flatten(), layers.Dense(3))
    with pytest.raises(RuntimeError, match=r"\Amodel could not be trained in a separate process: .*Slow"):
        measure.peak_memory(model)


@pytest.mark.parametrize(
    ("clock", "clips"), [(measure.latency, 1), (partial(measure.step_seconds, batch=5), 5)], ids=["answer", "step"]
)
def test_what_is_timed_is_the_whole_model_on_as_many_clips_as_are_told(clock, clips):
    model = stack((2, 4, 4, 1), Slow(), layers.Flatten(), layers.Dense(3))
    Slow.given.clear()
    timing = clock(model, repeats=3)
    assert timing.lower_quartile >= 0.02
    assert set(Slow.given) == {(clips, 2, 4, 4, 1)}
    assert len(Slow.given) >= 3


def test_quartiles_are_those_of_the_repeats_after_warming_up(monkeypatch):
    """With a clock under control: the call after warming up takes 1 second, the next 2, then 3, 4 and 5."""
    ticks = iter(np.cumsum([0, 9, 1, 0, 2, 0, 3, 0, 4, 0, 5]))
    monkeypatch.setattr(measure.time, "perf_counter", lambda: float(next(ticks)))
    assert measure._timed(lambda: None, 5) == (3, 2, 4)


# Claims


def test_claims_that_hold_are_shown_with_what_was_measured():
    checked = measure.check_claims(
        ("single frame is at chance", 0.25, "==", 0.25),
        ("the shape is told", np.float32(0.957), ">=", 0.9),
        ("latency", 0.012, "<=", 0.02),
        ("twins differ", False, "==", False),
    )
    assert len(checked) == 4
    for words in (repr(checked), checked._repr_html_()):
        for part in ("single frame is at chance", "0.25", "0.957", "≥ 0.9", "0.012", "≤ 0.02"):
            assert part in words
    assert len(repr(checked).splitlines()) == 4 + 1


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ((1, "==", 1), True),
        ((1, "==", 1.0001), False),
        ((2, ">=", 2), True),
        ((1.9, ">=", 2), False),
        ((2, "<=", 2), True),
        ((2.1, "<=", 2), False),
        ((math.nan, ">=", 0), False),
        ((math.nan, "<=", 0), False),
        ((math.nan, "==", math.nan), False),
    ],
)
def test_a_claim_holds_or_does_not(claim, holds):
    if holds:
        measure.check_claims(("it", *claim))
    else:
        with pytest.raises(AssertionError, match="it"):
            measure.check_claims(("it", *claim))


def test_every_broken_claim_is_listed_with_its_figures_and_no_other():
    with pytest.raises(AssertionError) as caught:
        measure.check_claims(("first", 0.31, "<=", 0.3), ("second", 1, "==", 1), ("third", 5, ">=", 7))
    words = str(caught.value)
    for part in ("first", "0.31", "<= 0.3", "third", "5", ">= 7"):
        assert part in words
    assert "second" not in words


def test_claims_read_line_by_line_row_by_row_and_broken_ones_one_after_the_other():
    checked = measure.check_claims(("weights", 1234567, "==", 1234567), ("share", 0.98765, ">=", 0.9))
    assert repr(checked) == f"weights: 1,234,567 (= 1,234,567) holds\nshare: 0.9877 (≥ 0.9) holds\n{running_on()}"
    table = checked._repr_html_()
    cells = ["weights", "1,234,567", "= 1,234,567", "yes", "share", "0.9877", "≥ 0.9", "yes"]
    assert re.findall("<td>(.*?)</td>", table) == cells
    assert re.sub("<(t[hd])>.*?</\\1>|</?(table|tr)>", "", table) == f"<caption>{running_on()}</caption>"
    with pytest.raises(AssertionError, match=r"\Afirst: 0.31 is not <= 0.3; third: 5 is not >= 7. Run on "):
        measure.check_claims(("first", 0.31, "<=", 0.3), ("second", 1, "==", 1), ("third", 5, ">=", 7))


def test_the_table_of_claims_is_escaped_html_with_a_header_row():
    rows, tags = [], []
    parser = html.parser.HTMLParser()

    def start(tag, attributes):
        tags.append(tag)
        if tag == "tr":
            rows.append([])
        elif tag in ("th", "td"):
            rows[-1].append([tag, ""])

    def data(text):
        if tags[-1] != "caption":
            rows[-1][-1][1] += text

    parser.handle_starttag, parser.handle_data = start, data
    parser.feed(measure.check_claims(("1 < 2 & <script>alert(1)</script>", 1, "<=", 2))._repr_html_())
    assert set(tags) <= {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    header, claim = rows
    assert [cell[0] for cell in header] == ["th"] * 4
    assert [cell[1] for cell in header] == ["claim", "measured", "bound", "holds"]
    assert claim[0][1] == "1 < 2 & <script>alert(1)</script>"
    assert len(claim) == 4
