"""Training: the same call gives the same weights, an interruption keeps what there is, and one line is shown."""

import hashlib
import io
import os
import random
import re
import subprocess
import sys
from itertools import pairwise

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import seqlib
from seqlib import training
from seqlib.backend import keras, tf
from seqlib.show import FAMILIES

OPTIONS = {"frames": 3, "resolution": 8, "size": (3, 4)}
SHAPE = (3, 8, 8, 1)
SCORES = ("loss", "accuracy", "val_loss", "val_accuracy")


def small_model(seed=1, name="small"):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(4)]
    return keras.Sequential([keras.Input(SHAPE), *layers], name=name)


def same(weights, others):
    return all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))


@pytest.fixture
def clips():
    return seqlib.clips("shape", 96, **OPTIONS)


def digest(anything):
    return hashlib.sha256(repr(anything).encode()).hexdigest()


# Datasets


def passes(dataset, count=2):
    """The clips and labels of some passes, each as a list of (clip's bytes, label) in the order served."""
    return [
        [(clip.tobytes(), int(label)) for x, y in dataset for clip, label in zip(x.numpy(), y.numpy(), strict=True)]
        for _ in range(count)
    ]


def test_a_dataset_serves_every_clip_with_its_label_once_a_pass_each_time_in_another_order():
    x, y = seqlib.clips("order", 50, 3, start=7, frames=3, resolution=8, size=3)
    drawn = [(clip.tobytes(), int(label)) for clip, label in zip(x, y, strict=True)]
    served = passes(seqlib.dataset("order", 50, 3, start=7, batch=8, frames=3, resolution=8, size=3), 3)
    for order in served:
        assert digest(sorted(order)) == digest(sorted(drawn))
        assert digest(order) != digest(drawn)
    assert len(set(map(digest, served))) == 3


def test_a_dataset_has_batches_of_the_asked_size_and_types():
    dataset = seqlib.dataset("shape", 20, batch=8, **OPTIONS)
    sizes = [(x.shape, x.dtype, y.shape, y.dtype) for x, y in dataset]
    assert sizes == [((b, *SHAPE), tf.uint8, (b,), tf.int64) for b in (8, 8, 4)]
    assert len(dataset) == 3


@pytest.mark.parametrize("draws", [0, 3])
def test_the_orders_follow_from_the_global_seed_at_the_call(draws):
    orders = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        dataset = seqlib.dataset("shape", 30, **OPTIONS)
        for _ in range(draws * len(orders)):
            tf.random.normal(())
        orders.append(digest(passes(dataset)))
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


# Fit


def test_fit_trains_in_place_and_returns_a_history_and_seconds(clips):
    model = small_model()
    before = model.get_weights()
    run = training.fit(model, clips, seqlib.clips("shape", 32, 1, **OPTIONS), epochs=3)
    assert not same(before, model.get_weights())
    assert set(run.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    for values in run.history.values():
        assert len(values) == 3
        assert all(type(value) is float for value in values)
    assert run.seconds > 0
    assert run.interrupted is False


def test_without_validation_there_is_none_in_the_history(clips):
    assert set(training.fit(small_model(), clips, epochs=1).history) == {"loss", "accuracy"}


def test_fit_learns_what_can_be_learned():
    """Label = where the bright pixel is: a linear model must find that."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, 4, 256)
    x = np.zeros((256, *SHAPE), np.uint8)
    x[np.arange(256), 1, 2 * y, 3] = 255
    history = training.fit(small_model(), (x, y), (x, y), epochs=5, learning_rate=0.05).history
    assert history["loss"][-1] < history["loss"][0] / 2
    assert history["val_accuracy"][-1] == 1


@pytest.mark.slow
def test_training_stops_after_the_first_epoch_that_reaches_what_was_asked(clips):
    """The first of twelve epochs reaches 0; only some later one reaches what only learning can; none reaches more."""
    data = {"train": clips, "validation": clips, "epochs": 12}
    assert len(training.fit(small_model(), **data, stop_at=0).history["loss"]) == 1
    whole = training.fit(small_model(), **data, learning_rate=0.01).history["val_accuracy"]
    aim = sorted(set(whole))[-2]
    first = next(i for i, reached in enumerate(whole) if reached >= aim)
    stopped = training.fit(small_model(), **data, learning_rate=0.01, stop_at=aim).history["val_accuracy"]
    assert first > 0 and stopped == whole[: first + 1]


def test_where_to_stop_takes_validation_clips_and_is_a_share(clips):
    with pytest.raises(ValueError, match="validation must be given"):
        training.fit(small_model(), clips, stop_at=0.9)
    with pytest.raises(ValueError, match="stop_at must be a number from 0 to 1, not 99"):
        training.fit(small_model(), clips, clips, stop_at=99)


def test_the_last_validation_accuracy_is_that_of_the_model(clips):
    model = small_model()
    x, y = seqlib.clips("shape", 40, 1, **OPTIONS)
    run = training.fit(model, clips, (x, y), epochs=2)
    right = (model(x).numpy().argmax(-1) == y).mean()
    assert run.history["val_accuracy"][-1] == pytest.approx(right)


def convolutional():
    """With dropout and a small 3D convolution, whose gradients are summed by many threads."""
    keras.utils.set_random_seed(5)
    layers = [keras.layers.Conv3D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dropout(0.5)]
    return keras.Sequential([keras.Input(SHAPE), keras.layers.Rescaling(1 / 255), *layers, keras.layers.Dense(4)])


@pytest.mark.parametrize("served", ["pair", "dataset"])
def test_the_same_weights_clips_and_seed_end_in_the_same_weights(served):
    """Whatever random state Python, NumPy and TensorFlow are in before; a dataset brings an order of its own."""
    ends, histories = [], []
    for state in (11, None):
        model = convolutional()
        data = (seqlib.clips if served == "pair" else seqlib.dataset)("shape", 96, **OPTIONS)
        if state is not None:
            keras.utils.set_random_seed(state)
        histories.append(training.fit(model, data, epochs=2, seed=4).history)
        ends.append(model.get_weights())
    assert same(*ends)
    assert histories[0] == histories[1]


REPEAT = """
import hashlib, json
import seqlib
from seqlib import models, training
from seqlib.backend import tf

BUILDS = {name: (getattr(models, name), {}) for name in %r}
BUILDS |= {f"cnn_rnn, {cell}": (models.cnn_rnn, {"cell": cell}) for cell in ("simple", "lstm")}
clips = seqlib.clips("direction", 64)
for name, (build, settings) in BUILDS.items():
    model = build(4, **settings)
    history = training.fit(model, clips, epochs=1).history
    weights = b"".join(weight.tobytes() for weight in model.get_weights())
    print("#", name, hashlib.sha256(weights).hexdigest(), json.dumps(history))
tf.image.random_flip_left_right(tf.zeros((4, 4, 3)))  # without a seed, as other people's pipelines have it
"""


@pytest.mark.slow
def test_every_family_ends_in_the_same_weights_twice_in_two_processes_without_a_global_switch():
    """Bit for bit, on one CPU with one number of threads; and what else runs in the process stays free to be random."""
    command = [sys.executable, "-c", REPEAT % (list(FAMILIES),)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [[line for line in process.communicate()[0].splitlines() if line.startswith("#")] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert len(ends[0]) == len(FAMILIES) + 2
    assert ends[0] == ends[1]


def test_another_seed_ends_in_other_weights(clips):
    ends = []
    for seed in (4, 5):
        model = convolutional()
        training.fit(model, clips, epochs=1, seed=seed)
        ends.append(model.get_weights())
    assert not same(*ends)


def test_fit_seeds_python_numpy_and_tensorflow(clips):
    drawn = []
    for _ in range(2):
        training.fit(small_model(), clips, epochs=1, seed=3)
        drawn.append((random.random(), np.random.rand(), float(tf.random.normal(()))))  # noqa: NPY002
    assert drawn[0] == drawn[1]


def test_a_dataset_of_unknown_length_is_fine(clips):
    def generate():
        for start in range(0, 96, 32):
            yield clips[0][start : start + 32], clips[1][start : start + 32]

    signature = (tf.TensorSpec((None, *SHAPE), tf.uint8), tf.TensorSpec((None,), tf.int64))
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    assert len(training.fit(small_model(), data, epochs=2).history["loss"]) == 2


def test_a_softmax_at_the_end_trains_as_logits_do(clips):
    model = small_model()
    closed = keras.Model(model.inputs, keras.layers.Softmax()(keras.models.clone_model(model)(model.inputs[0])))
    closed.set_weights(model.get_weights())
    losses = [training.fit(each, clips, epochs=2, learning_rate=0.01).history["loss"] for each in (model, closed)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0][1] < losses[0][0]


# Interruption


def interrupted_after(model, steps):
    """Let the model behave as if Ctrl-C were pressed in its training step number ``steps``, counted from 0."""
    make_train_function, taken = model.make_train_function, 0

    def make_interrupted(force=False):
        make_train_function(force=True)
        step = model.train_function

        def counted(iterator):
            nonlocal taken
            taken += 1
            if taken > steps:
                raise KeyboardInterrupt
            return step(iterator)

        model.train_function = counted

    model.make_train_function = make_interrupted
    return model


@pytest.mark.parametrize(("steps", "whole_epochs"), [(0, 0), (2, 0), (3, 1), (8, 2)])
def test_an_interrupted_run_keeps_its_whole_epochs_and_its_weights(clips, capsys, steps, whole_epochs):
    model = interrupted_after(small_model(), steps)  # three steps an epoch
    before = model.get_weights()
    try:
        run = training.fit(model, clips, seqlib.clips("shape", 8, **OPTIONS), epochs=5)
    except KeyboardInterrupt:  # which would stop pytest itself
        pytest.fail("the interruption was not kept inside")
    assert run.interrupted is True
    assert run.seconds > 0
    assert {score: len(values) for score, values in run.history.items()} == dict.fromkeys(SCORES, whole_epochs)
    assert same(before, model.get_weights()) == (steps == 0)
    (line,) = capsys.readouterr().out.splitlines()
    assert "interrupted" in line
    assert f"{whole_epochs} of 5" in line


def test_training_can_go_on_after_an_interruption(clips):
    model = interrupted_after(small_model(), 4)
    training.fit(model, clips, epochs=5)
    del model.make_train_function
    run = training.fit(model, clips, epochs=2)
    assert len(run.history["loss"]) == 2
    assert not run.interrupted


def test_other_errors_are_not_swallowed(clips):
    model = small_model()

    def fail(force=False):
        raise RuntimeError("out of paper")

    model.make_train_function = fail
    with pytest.raises(RuntimeError, match="out of paper"):
        training.fit(model, clips, epochs=1)


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("validated", [False, True])
def test_in_a_terminal_one_line_is_rewritten(clips, monkeypatch, validated):
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    run = training.fit(small_model(), clips, clips if validated else None, epochs=2)
    written = screen.getvalue()
    assert written.count("\n") == 1
    assert written.endswith("\n")
    first, *states = written.rstrip("\n").split("\r")
    assert first == ""
    assert len(states) >= 2  # at least once on the way, and the end
    for before, after in pairwise(states):
        assert len(after) >= len(before.rstrip())  # nothing of the line before is left standing
    assert all("small" in state for state in states)
    assert f"{run.history['accuracy'][-1]:.1%}" in states[-1]
    assert ("validation" in states[-1]) == validated
    if validated:
        assert f"validation accuracy {run.history['val_accuracy'][-1]:.1%}" in states[-1]


@pytest.mark.parametrize("epochs", [1, 2])
def test_the_epoch_shown_is_never_beyond_the_last(monkeypatch, epochs):
    """An epoch of one batch: the first state is shown when the first epoch's last batch is done."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    training.fit(small_model(), seqlib.clips("shape", 8, **OPTIONS), epochs=epochs)
    shown = re.findall(r"epoch (\d+) of (\d+)", screen.getvalue())
    assert shown
    assert all(1 <= int(now) <= int(last) == epochs for now, last in shown)


def test_a_data_set_of_unknown_length_shows_its_batches(monkeypatch):
    """So that one sees it if an epoch never ends."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    data = seqlib.dataset("shape", 8, **OPTIONS)
    training.fit(small_model(), data.filter(lambda x, y: True), epochs=1)
    assert "epoch 1 of 1, batch 1, loss" in screen.getvalue()


def test_without_a_terminal_one_line_is_printed_at_the_end(clips, capfd):
    training.fit(small_model(), clips, clips, epochs=2)
    out, err = capfd.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    assert "\r" not in out
    assert out.startswith("small: 2 epochs, ")


PROGRAM = f"""
import matplotlib.pyplot  # an old one warns of a new pyparsing; that is not what is asked here
import warnings
warnings.simplefilter("always")
import seqlib
model = seqlib.models.single_frame(4, {SHAPE})
train, test = seqlib.dataset("shape", 64, **{OPTIONS}), seqlib.clips("shape", 8, 1, **{OPTIONS})
run = seqlib.training.fit(model, train, test, epochs=3)
assert len(run.history["loss"]) == 3
"""


@pytest.mark.slow
def test_in_a_notebook_one_output_is_left_that_says_how_it_ended(tmp_path):
    """One, so neither warnings nor TensorFlow's log lines, which a kernel shows too, unless it knows of pytest."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PROGRAM)])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "TF_"))}
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": tmp_path}}).execute(env=environment)
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert set(output.data) == {"text/plain"}
    assert output.data["text/plain"].startswith("single_frame: 3 epochs, ")
