"""Clips of different length: padded to one, each is answered as it is by itself."""

import inspect

import numpy as np
import pytest
from families import with_lengths

import seqlib
from seqlib import measure, models, show, training
from seqlib.backend import keras, tf

FRAMES, LENGTHS = 16, np.array([1, 2, 5, 8, 15, 16])
X, Y = seqlib.clips("order", len(LENGTHS), resolution=16, size=5)


def padded(value):
    """Give each clip its length: what comes after its end is overwritten."""
    x = X.copy()
    for clip, length in zip(x, LENGTHS, strict=True):
        clip[length:] = value
    return x


def build(family, frames=FRAMES, **settings):
    return getattr(models, family)(2, (frames, *X.shape[2:]), seed=5, **settings)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "settings"), with_lengths())
def test_a_padded_clip_is_answered_as_it_is_alone(family, settings):
    model = build(family, lengths=True, **settings)
    answers = [measure.logits(model, (padded(value), LENGTHS)) for value in (0, 64, 255)]
    assert np.array_equal(answers[0], answers[1]) and np.array_equal(answers[0], answers[2])
    if "positions" in settings:  # a shorter clip has other positions: a network of its own
        return
    for clip, length, answer in zip(X, LENGTHS, answers[0], strict=True):
        alone = build(family, int(length), **settings)
        alone.set_weights(model.get_weights())
        assert np.abs(measure.logits(alone, clip[None, :length])[0] - answer).max() < 1e-6


@pytest.mark.parametrize(("family", "settings"), with_lengths())
def test_without_lengths_a_padded_clip_is_answered_otherwise(family, settings):
    """So that the test above can fail: what comes after a clip's end counts for a model that is not told where."""
    answers = [measure.logits(build(family, **settings), padded(value)) for value in (0, 64, 255)]
    assert np.abs(answers[0] - answers[1]).max() > 1e-4 and np.abs(answers[0] - answers[2]).max() > 1e-4


@pytest.mark.parametrize(("family", "settings"), with_lengths())
def test_with_whole_clips_lengths_change_nothing(family, settings):
    plain, model = build(family, **settings), build(family, lengths=True, **settings)
    assert all(map(np.array_equal, plain.get_weights(), model.get_weights()))
    whole = np.full(len(X), FRAMES)
    assert np.array_equal(measure.logits(plain, X), measure.logits(model, (X, whole)))
    assert measure.multiply_adds(plain) == measure.multiply_adds(model)


def test_every_family_takes_lengths_but_early_fusion_which_says_why():
    assert {name for name, _ in with_lengths()} == set(show.FAMILIES) - {"early_fusion"}
    assert all("lengths" in inspect.signature(getattr(models, name)).parameters for name in show.FAMILIES)
    with pytest.raises(ValueError, match=r"lengths must be False for early fusion, .* weights for exactly T frames"):
        models.early_fusion(2, lengths=True)


@pytest.mark.slow
def test_what_stands_behind_the_end_has_no_part_in_training():
    weights = []
    for value in (0, 255):
        model = build("conv2plus1d", lengths=True)
        training.fit(model, ((padded(value), LENGTHS), Y), epochs=2, batch=4)
        weights.append(model.get_weights())
    assert all(map(np.array_equal, *weights))


@pytest.mark.slow
def test_a_dataset_with_lengths_trains_as_the_pair_does():
    x = padded(0)
    served = tf.data.Dataset.from_tensor_slices(((x, LENGTHS), Y)).shuffle(len(Y), seed=0).batch(4)
    runs = [
        training.fit(build("max_pooling", lengths=True), data, ((x, LENGTHS), Y), epochs=2, batch=4).history
        for data in (((x, LENGTHS), Y), served)
    ]
    assert runs[0]["val_loss"] == pytest.approx(runs[1]["val_loss"], abs=1e-5)


@pytest.mark.slow
def test_all_of_measure_takes_them():
    model, fed = build("average_pooling", lengths=True), (padded(0), LENGTHS)
    assert measure.accuracy(model, fed, Y).total == len(Y)
    assert sum(map(sum, measure.classification_report(model, fed, Y).confusion)) == len(Y)
    assert measure.receptive_field(model, "conv2")[0] == 1 and measure.receptive_field(model)[0] == FRAMES
    assert measure.latency(model, 1).median > 0 and measure.step_seconds(model, 2, 1).median > 0
    grown = measure.peak_memory(model, 2)
    assert grown is None or grown >= 0


def test_many_clips_are_counted_as_few_are():
    """From 500 clips on, the model is compiled."""
    model, (x, _) = build("cnn_rnn", lengths=True), seqlib.clips("order", 500, resolution=16, size=5)
    lengths = np.arange(500) % FRAMES + 1
    few = np.concatenate([measure.logits(model, (x[i : i + 100], lengths[i : i + 100])) for i in range(0, 500, 100)])
    assert np.abs(measure.logits(model, (x, lengths)) - few).max() < 1e-6


def test_twins_may_differ_in_what_stands_behind_their_end():
    x, lengths = np.stack([padded(0), padded(255)]), np.stack([LENGTHS, LENGTHS])
    report = measure.twin_agreement(build("max_pooling", lengths=True), (x, lengths), np.stack([Y, Y]))
    assert report.largest_difference == 0 and report.same_answer == report.sets == len(Y)


def test_a_model_of_ones_own_takes_lengths():
    clip, length = keras.Input(X.shape[1:]), keras.Input((1,), dtype="int32", name="lengths")
    frame_means = keras.layers.Reshape((FRAMES, -1))(keras.layers.Rescaling(1 / 255)(clip))
    answer = keras.layers.Dense(2)(keras.layers.GRU(4)(frame_means, mask=length > np.arange(FRAMES)))
    model = keras.Model([clip, length], answer)
    answers = [measure.logits(model, (padded(value), LENGTHS)) for value in (0, 255)]
    assert np.array_equal(*answers)
    training.fit(model, ((padded(0), LENGTHS), Y), epochs=1)
