"""An answer at every frame: the models that give it, their labels, training and measures."""

import numpy as np
import pytest

import seqlib
from seqlib import measure, model_files, models, stream, training
from seqlib.backend import keras, tf

T, SIZE = 6, (16, 16, 1)
FAMILIES = {
    **{f"CNN + {cell}": (models.cnn_rnn, {"cell": cell}) for cell in models.CELLS},
    "ConvLSTM": (models.conv_lstm, {}),
    "3D CNN": (models.conv3d, {"padding": "causal"}),
    "(2+1)D": (models.conv2plus1d, {"padding": "causal"}),
}
CLIPS = np.random.default_rng(0).integers(0, 256, (12, T, *SIZE), np.uint8)
LABELS = np.random.default_rng(1).integers(0, 3, (12, T))
LENGTHS = np.array([1, 2, 3, 4, 5, 6] * 2)
BEHIND = np.arange(T) >= LENGTHS[:, None]


def built(name="CNN + gru", **options):
    build, settings = FAMILIES[name]
    return build(3, (T, *SIZE), 3, **settings, **options)


@pytest.mark.parametrize("name", FAMILIES)
def test_each_answer_is_that_of_a_stream_since_the_reset(name):
    model = built(name, every_frame=True)
    answers = np.stack(stream.Stream(model, since_reset=True).feed(CLIPS[0]))
    assert np.abs(measure.logits(model, CLIPS[:1])[0] - answers).max() <= 1e-5


@pytest.mark.parametrize("name", FAMILIES)
def test_the_last_answer_is_that_of_the_model_of_whole_clips(name):
    model, whole = built(name, every_frame=True), built(name)
    whole.set_weights(model.get_weights())
    wanted = measure.logits(whole, CLIPS)
    assert np.abs(measure.logits(model, CLIPS)[:, -1] - wanted).max() <= 1e-5
    watcher = stream.Stream(model)
    assert np.abs(watcher.feed([*CLIPS[1], *CLIPS[0]])[-1] - wanted[0]).max() <= 1e-5


@pytest.mark.parametrize("name", FAMILIES)
def test_with_lengths_the_frames_behind_the_end_change_no_answer_before_it(name, tmp_path):
    model = built(name, every_frame=True, lengths=True)
    model_files.save_model(model, tmp_path / "model.npz")
    again = model_files.load_model(tmp_path / "model.npz")
    changed = np.where(BEHIND[..., None, None, None], 255 - CLIPS, CLIPS)
    given, wanted = measure.logits(model, (CLIPS, LENGTHS)), measure.logits(again, (changed, LENGTHS))
    assert np.abs(given - wanted)[~BEHIND].max() <= 1e-5


def test_the_loss_and_the_accuracy_are_those_of_the_frames_that_are_present():
    model = built(every_frame=True, lengths=True)
    history = training.fit(model, ((CLIPS, LENGTHS), LABELS), epochs=1, learning_rate=0, batch=12).history
    scores = measure.logits(model, (CLIPS, LENGTHS))[~BEHIND].astype(float)
    losses = np.logaddexp.reduce(scores, -1) - scores[np.arange(len(scores)), LABELS[~BEHIND]]
    accuracy = measure.accuracy(model, (CLIPS, LENGTHS), LABELS)
    assert history["loss"] == pytest.approx([losses.mean()], abs=1e-5)
    assert history["accuracy"] == pytest.approx([accuracy.value])
    assert accuracy == ((scores.argmax(-1) == LABELS[~BEHIND]).sum(), LENGTHS.sum())


def served(labels):
    return tf.data.Dataset.from_tensor_slices(((CLIPS, LENGTHS), labels)).batch(5)


def test_a_label_behind_the_end_of_a_clip_changes_nothing():
    x, weights, found = (CLIPS, LENGTHS), [], []
    for labels in (LABELS, np.where(BEHIND, (LABELS + 1) % 3, LABELS)):
        model = built(every_frame=True, lengths=True)
        history = training.fit(model, served(labels), (x, labels), epochs=1).history
        weights.append(model.get_weights())
        found.append(
            (
                history,
                measure.accuracy(model, x, labels),
                measure.accuracy_by_frame(model, x, labels),
                measure.classification_report(model, x, labels),
            )
        )
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    assert found[0] == found[1]


def test_the_accuracy_of_each_frame_counts_the_clips_that_have_it():
    model = built(every_frame=True, lengths=True)
    x = CLIPS, np.minimum(LENGTHS, 4)
    by_frame = measure.accuracy_by_frame(model, x, LABELS)
    assert [accuracy.total for accuracy in by_frame] == [12, 10, 8, 6]
    assert sum(accuracy.right for accuracy in by_frame) == measure.accuracy(model, x, LABELS).right


def test_the_intervals_count_clips():
    assert measure.FrameAccuracy(90 * 16, 100 * 16, 100).low == measure.Accuracy(90, 100).low
    accuracy = measure.accuracy(built(every_frame=True), CLIPS, LABELS)
    assert (accuracy.total, accuracy.clips) == (12 * T, 12)
    lengths = np.array([6] + [1] * 11)
    uneven = measure.accuracy(built(every_frame=True, lengths=True), (CLIPS, lengths), LABELS)
    assert (uneven.total, uneven.clips) == (17, pytest.approx(17**2 / (36 + 11)))


@pytest.mark.parametrize("spread", [0.0, 0.5, 50.0])
def test_the_interval_holds_whether_the_frames_of_a_clip_agree_or_not(spread):
    random, hits, clips = np.random.default_rng(2), 0, 100
    for _ in range(400):
        shares = random.beta(0.8 * spread, 0.2 * spread, clips) if spread else random.random(clips) < 0.8
        right = random.binomial(16, shares).sum()
        accuracy = measure.FrameAccuracy(int(right), 16 * clips, clips)
        hits += accuracy.low <= 0.8 <= accuracy.high
    assert hits / 400 > 0.92


def test_a_model_that_guesses_is_at_chance_and_one_answer_for_all_reaches_the_majority():
    x, _ = seqlib.clips("event", 400)
    y = np.maximum.accumulate(seqlib.visible("event", 400), axis=1)
    clip = keras.Input(x.shape[1:])
    pixels = keras.layers.Reshape((16, -1))(keras.layers.Rescaling(1 / 64, -1)(clip))
    guess = keras.Model(clip, keras.layers.Dense(2)(pixels))
    random = np.random.default_rng(3).integers(0, 2, y.shape)
    accuracy = measure.accuracy(guess, x, random)
    assert accuracy.low <= 0.5 <= accuracy.high
    guess.layers[-1].set_weights([np.zeros((1024, 2)), np.array([1, 0])])
    report = measure.classification_report(guess, x, y, ("none so far", "a flash"))
    assert report.accuracy == report.majority == ((y == 0).sum(), y.size)
    assert report.majority.clips == 400 > report.recalls[1].clips > 100


WRONG = {
    "one label per clip": (lambda: fit(CLIPS, LABELS[:, 0]), "if it is to answer at every frame, give labels (B, T)"),
    "one label per clip, measured": (
        lambda: measure.accuracy(built(every_frame=True), CLIPS, LABELS[:, 0]),
        "if it is to answer at every frame, give labels (B, T)",
    ),
    "one label per clip, by frame": (
        lambda: measure.accuracy_by_frame(built(every_frame=True), CLIPS, LABELS[:, 0]),
        "y must be labels for every frame, shape (B, T), not (12,)",
    ),
    "labels of too few frames": (lambda: fit(CLIPS, LABELS[:, 1:]), "train[1]", "shape (12, 6), not shape (12, 5)"),
    "labels of too few frames, served": (
        lambda: fit(tf.data.Dataset.from_tensor_slices((CLIPS, LABELS[:, 1:])).batch(4)),
        "train must hold one label per frame, shape (None, 6), not (None, 5)",
    ),
    "a class too many": (lambda: fit(CLIPS, LABELS + 1), "train[1]", "from 0 to 2", "not 1 to 3"),
    "a model of whole clips": (
        lambda: measure.accuracy(built(), CLIPS, LABELS),
        "one label per clip, not 6",
        "every_frame=True",
    ),
    "3D kernels that look ahead": (
        lambda: models.conv3d(3, (T, *SIZE), every_frame=True),
        "padding must be 'causal' for an answer at every frame, not 'same'",
    ),
    "no flag": (lambda: models.cnn_rnn(3, every_frame="yes"), "every_frame must be True or False, not 'yes'"),
    "twins": (
        lambda: measure.twin_agreement(built(every_frame=True), CLIPS[None], LABELS[None, :, 0]),
        "model must end in one score per class",
    ),
}


def fit(*train):
    return training.fit(built(every_frame=True), train if len(train) == 2 else train[0], epochs=1)


@pytest.mark.parametrize("row", WRONG)
def test_what_is_wrong_is_named(row):
    call, *words = WRONG[row]
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert [word for word in words if word not in str(caught.value)] == [], caught.value


@pytest.mark.parametrize("task", seqlib.TASKS)
def test_a_shape_is_visible_where_the_pixels_show_one(task):
    x, _ = seqlib.clips(task, 40, 5, noise=0)
    assert np.array_equal(seqlib.visible(task, 40, 5), (x > 64).any((2, 3, 4)))
    assert np.array_equal(seqlib.visible(task, 7, 5, start=33, noise=3), seqlib.visible(task, 40, 5)[33:])
