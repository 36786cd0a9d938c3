"""Whatever is brought to `fit` and `measure`: it works, or an error says what was given and what is allowed.

Each row is a kind of clips, labels, data set or model that people bring. None ends in a raw error, a hang or a number
that means nothing. What is refused is refused before anything is trained.
"""

import json
import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

import seqlib
from seqlib import arguments, measure, models, training
from seqlib.backend import keras, tf

layers, ops = keras.layers, keras.ops
SHAPE = (3, 8, 8, 1)
SIGNATURE = (tf.TensorSpec((None, *SHAPE), tf.uint8), tf.TensorSpec((None,), tf.int64))
SOFTMAX = {"units": 4, "activation": "softmax"}


# What is brought


@cache
def clips():
    return seqlib.clips("shape", 8, frames=3, resolution=8, size=(3, 4))


X, Y = clips()
ONE_HOT = np.eye(4)[Y]
TWINS = np.stack([X[:4], X[4:]]), np.stack([Y[:4], Y[4:]])


def served(*parts):
    return tf.data.Dataset.from_tensor_slices(parts).batch(4)


def generated(*batches, **options):
    return tf.data.Dataset.from_generator(lambda: iter(batches), **(options or {"output_signature": SIGNATURE}))


def batches():
    yield X, Y


def read_once():
    generator = batches()
    return tf.data.Dataset.from_generator(lambda: generator, output_signature=SIGNATURE)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 1

    def __getitem__(self, number):
        return X, Y


class Tensor:
    """As another library's: it can be read as an array."""

    def __array__(self, dtype=None, copy=None):
        return X


# Models


def functional(answer, shape=SHAPE):
    clip = keras.Input(shape)
    return keras.Model(clip, answer(clip))


def sequence(*steps, shape=SHAPE):
    return keras.Sequential([keras.Input(shape), layers.Rescaling(1 / 255), *steps])


@cache
def plain():
    return sequence(layers.Flatten(), layers.Dense(4))


def linear(x):
    return layers.Dense(4)(layers.Flatten()(x))


def bare():
    """A model that does not rescale."""
    return functional(linear)


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.flat, self.scores = layers.Flatten(), layers.Dense(4)

    def call(self, x):
        return self.scores(self.flat(x))


def two_inputs():
    clip, speed = keras.Input(SHAPE, name="clip"), keras.Input((1,), name="speed")
    return keras.Model([clip, speed], layers.Dense(4)(layers.Concatenate()([layers.Flatten()(clip), speed])))


def two_outputs():
    return functional(lambda clip: [linear(clip), linear(clip)])


def named_input():
    clip = keras.Input(SHAPE, name="clip")
    return keras.Model({"clip": clip}, {"scores": linear(clip)})


def lists():
    model = bare()
    return keras.Model([model.input], [model.output])


def any_length():
    return sequence(layers.GlobalAveragePooling3D(), layers.Dense(4), shape=(None, 8, 8, 1))


def half_precision(last):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return sequence(layers.Flatten(), layers.Dense(4, dtype=last))
    finally:
        keras.config.set_dtype_policy("float32")


def broken():
    model = sequence(layers.Flatten(), layers.Dense(4))
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    return model


# What is done with it


def fit(train, validation=None, model=None, **options):
    return training.fit(model or plain(), train, validation, epochs=1, **options)


def accuracy(x=X, y=Y, model=None):
    return measure.accuracy(model or plain(), x, y)


def twins(model):
    return measure.twin_agreement(model, *TWINS)


LENGTHS = np.array([1, 2, 3, 3, 3, 2, 1, 3])


def padded():
    return models.average_pooling(4, X.shape[1:], lengths=True)


REFUSED = {
    # container
    "clips alone": (lambda: fit(X), "train must be a pair", "fit(model, (x, y))"),
    "clips and labels apart": (lambda: training.fit(plain(), X, Y), "not ndarray", "fit(model, (x, y))"),
    "a share for validation": (lambda: fit((X, Y), 0.2), "validation must be a pair", "(x[n:], y[n:])"),
    "sample weights": (lambda: fit((X, Y, np.ones(8))), "not tuple of 3", "sample weights"),
    "a path": (lambda: fit("clips/"), "train must be a pair (x, y) or a tf.data.Dataset, not str"),
    "nothing": (lambda: fit(None), "not NoneType"),
    "an empty list": (lambda: fit([]), "not list"),
    "a dict": (lambda: fit({"x": X, "y": Y}), "not dict"),
    "a set": (lambda: fit({1, 2}), "not set"),
    "a generator": (lambda: fit(batches()), "generator", "only once", "Dataset.from_generator(f, output_signature"),
    "a generator function": (lambda: fit(batches), "function", "Dataset.from_generator(batches, output_signature"),
    "an iterator": (lambda: fit(zip([X], [Y], strict=True)), "not zip", "from_generator(lambda: iter(train)"),
    "a PyDataset": (lambda: fit(Batches()), "not Batches", "(train[i] for i in range(len(train)))"),
    "validation from a generator": (lambda: fit((X, Y), batches()), "validation must be", "from_generator"),
    "lists of pixels": (lambda: fit((X.tolist(), Y)), "train[0]", "not list", "np.array(x, np.uint8)"),
    "a list of clips of other lengths": (lambda: fit(([X[0], X[1, :2]], Y[:2])), "train[0]", "one shape"),
    "an array of clips of other lengths": (
        lambda: accuracy(np.array([X[0], X[1, :2]], object), Y[:2]),
        "not object",
        "one shape",
    ),
    "a TensorFlow tensor": (lambda: accuracy(tf.constant(X)), "EagerTensor", "x.numpy()"),
    "another library's tensor": (lambda: accuracy(Tensor()), "not Tensor", "np.asarray(x)"),
    "a data set to be measured": (lambda: accuracy(served(X, Y)), "np.concatenate([clips for clips, labels in x])"),
    "a pair to be measured": (lambda: accuracy((X, Y)), "x must be a uint8 array", "not tuple"),
    # range and dtype
    "floats from 0 to 1": (lambda: accuracy(X / 255), "x must be uint8, not float64 from", "np.round(x * 255).ast"),
    "floats from 0 to 255": (lambda: accuracy(X * 1.0), "np.round(x).astype(np.uint8)"),
    "floats from -1 to 1": (lambda: accuracy(X / 127.5 - 1), "np.round((x + 1) * 127.5).astype(np.uint8)"),
    "floats about 0": (lambda: accuracy((X - 64.0) / 8), "convert them to values from 0 to 255 first"),
    "not finite": (lambda: accuracy(X * np.nan), "infinite or NaN"),
    "16 bits": (lambda: accuracy(X.astype(np.uint16) * 257), "np.round(x / 257).astype(np.uint8)"),
    "bits": (lambda: accuracy(X > 99), "not bool", "np.round(x * 255).astype(np.uint8)"),
    "words": (lambda: accuracy(X.astype(str)), "numbers from 0 to 255"),
    "floats for a model that does not rescale": (
        lambda: accuracy(X / 255, model=bare()),
        "np.round(x * 255).astype(np.uint8)",
        "begin the model with keras.layers.Rescaling(1 / 255)",
    ),
    "floats in training": (lambda: fit((X / 255, Y)), "train[0] must be uint8", "np.round(x * 255)"),
    "floats in validation": (lambda: fit((X, Y), (X / 255, Y)), "validation[0] must be uint8", "np.round(x * 255)"),
    # rank and axes
    "one clip": (lambda: accuracy(X[0], Y[:1]), "not (3, 8, 8, 1): give x[None]"),
    "grey clips without channels": (lambda: accuracy(X[..., 0]), "not (8, 3, 8, 8): give x[..., None]"),
    "features": (lambda: accuracy(np.ones((8, 3, 16))), "these are features", "model.compile and model.fit"),
    "flat frames": (lambda: accuracy(X.reshape(8, 3, 64)), "(B, T, H, W, C), not (8, 3, 64)"),
    "channels first": (lambda: accuracy(X.transpose(0, 4, 1, 2, 3)), "not the last axis", "np.moveaxis(x, 1, -1)"),
    "channels second": (lambda: fit((X.transpose(0, 1, 4, 2, 3), Y)), "train[0]", "np.moveaxis(x, 2, -1)"),
    "colour for a grey model": (lambda: accuracy(np.repeat(X, 3, -1)), "(3, 8, 8, 1), not (3, 8, 8, 3)"),
    "another number of frames": (lambda: accuracy(X[:, :2]), "(3, 8, 8, 1), not (2, 8, 8, 1)"),
    "no frame": (lambda: accuracy(X[:, :0]), "not (8, 0, 8, 8, 1)"),
    "no clip": (lambda: fit((X[:0], Y[:0])), "train[0]", "not (0, 3, 8, 8, 1)"),
    "twins without an axis of members": (
        lambda: measure.twin_agreement(plain(), X, Y),
        "(k, n, T, H, W, C)",
        "x[None]",
    ),
    # labels
    "labels from 1": (
        lambda: fit((X, Y + 1)),
        "from 0 to 3, shape (8,), not 1 to 4: labels count from 0, so give y - 1",
    ),
    "a class too many": (lambda: accuracy(y=Y + 3), "not 3 to 6", "the model has 4 classes, and these labels need 7"),
    "labels below 0": (lambda: accuracy(y=Y - 1), "not -1 to 2"),
    "one-hot": (lambda: fit((X, ONE_HOT)), "one-hot: give y.argmax(-1)"),
    "a column": (lambda: accuracy(y=Y[:, None]), "y[..., 0]"),
    "labels per frame": (lambda: accuracy(y=np.zeros((8, 3), int)), "one label per clip, not 3"),
    "float labels": (lambda: accuracy(y=Y * 1.0), "not float64: give y.astype(np.int64)"),
    "names": (lambda: fit((X, np.array(list("abcdabcd")))), "np.unique(y, return_inverse=True)[1]"),
    "a list of labels": (lambda: accuracy(y=Y.tolist()), "not list: give np.asarray(y)"),
    "a tensor of labels": (lambda: accuracy(y=tf.constant(Y)), "y.numpy()"),
    "fewer labels than clips": (lambda: fit((X, Y[:7])), "shape (8,), not shape (7,)"),
    "no labels": (lambda: fit((X, None)), "train[1]", "not NoneType"),
    # data sets
    "an endless data set": (lambda: fit(served(X, Y).repeat()), "train must end", "repeat() out", "take(100)"),
    "endless validation": (lambda: fit((X, Y), served(X, Y).repeat()), "validation must end"),
    "an empty data set": (lambda: fit(served(X, Y).take(0)), "train must hold at least one batch, not 0"),
    "all batches dropped": (
        lambda: fit(tf.data.Dataset.from_tensor_slices((X, Y)).batch(9, drop_remainder=True)),
        "drop_remainder=True",
    ),
    "no batches": (lambda: fit(tf.data.Dataset.from_tensor_slices((X, Y))), "batches", "train.batch(32)"),
    "batches of batches": (lambda: fit(served(X, Y).batch(2)), "train must hold clips of the shape"),
    "a data set of clips": (lambda: fit(served(X)), "dataset of (x, y)"),
    "a data set of dicts": (
        lambda: fit(tf.data.Dataset.from_tensor_slices({"video": X, "label": Y}).batch(4)),
        "train.map(lambda batch:",
        "['video', 'label']",
    ),
    "a data set with weights": (
        lambda: fit(served(X, Y, np.ones(8))),
        "train.map(lambda x, y, weight: (x, y))",
    ),
    "a data set of ragged clips": (
        lambda: fit(tf.data.Dataset.from_tensor_slices((tf.ragged.constant([[1], [2, 3]]), [0, 1]))),
        "dataset of (x, y), not of (RaggedTensorSpec",
    ),
    "a data set of floats to 1": (lambda: fit(served(X / 255, Y)), "tf.cast(tf.round(x * 255), tf.uint8)"),
    "a data set of floats to 255": (lambda: fit(served(X * 1.0, Y)), "tf.cast(tf.round(x), tf.uint8)"),
    "a data set of what is not finite": (lambda: fit(served(X * np.nan, Y)), "train must hold uint8 clips"),
    "a data set of no floats": (
        lambda: fit(served(X / 255, Y).filter(lambda x, y: False)),
        "train must hold uint8 clips",
    ),
    "a data set of channels first": (
        lambda: fit(served(X.transpose(0, 4, 1, 2, 3), Y)),
        "its channels are not the last axis",
    ),
    "a one-hot data set": (lambda: fit(served(X, ONE_HOT)), "tf.argmax(y, -1)"),
    "a data set of labels per frame": (
        lambda: fit(served(X, np.zeros((8, 3), int))),
        "one label per clip",
        "(None, 3)",
    ),
    "a data set of float labels": (lambda: fit(served(X, Y * 1.0)), "tf.cast(y, tf.int64)"),
    "a data set of names": (lambda: fit(served(X, list("abcdabcd"))), "integer labels, not string"),
    "validation one-hot": (lambda: fit((X, Y), served(X, ONE_HOT)), "validation must hold one label"),
    # form of the model
    "no model": (lambda: training.fit(None, (X, Y)), "model must be a keras.Model, not NoneType"),
    "a family that was not called": (lambda: fit((X, Y), model=models.conv3d), "not function", "conv3d(4)"),
    "a task's name for a family": (lambda: models.conv3d("direction"), "must be a Task", "integer", "'direction'"),
    "a class of one's own": (
        lambda: accuracy(model=Own()),
        "not of the class Own",
        "keras.Sequential([keras.Input((T, H, W, C)), model])",
    ),
    "a class of one's own in training": (lambda: fit((X, Y), model=Own()), "functional or a Sequential model", "Own"),
    "a Sequential without Input to be timed": (
        lambda: measure.latency(keras.Sequential([layers.Flatten(), layers.Dense(4)])),
        "begin it with keras.Input((T, H, W, C))",
    ),
    "any number of frames, timed": (lambda: measure.latency(any_length()), "one known shape", "(None, 8, 8, 1)"),
    "any number of frames, trained by the clock": (lambda: measure.step_seconds(any_length()), "one known shape"),
    "any number of frames, probed": (lambda: measure.receptive_field(any_length()), "one known shape"),
    "a model of features, probed": (
        lambda: measure.receptive_field(sequence(layers.GRU(4), layers.Dense(4), shape=(3, 16))),
        "(T, H, W, C), not (3, 16)",
    ),
    "a model of features, given clips": (
        lambda: accuracy(model=sequence(layers.GRU(4), layers.Dense(4), shape=(3, 16))),
        "(3, 16), not (3, 8, 8, 1)",
    ),
    "a model of images": (
        lambda: fit((X, Y), model=sequence(layers.Flatten(), layers.Dense(4), shape=(8, 8, 1))),
        "(8, 8, 1), not (3, 8, 8, 1)",
    ),
    # several inputs
    "several inputs": (lambda: accuracy(model=two_inputs()), "(clips, lengths), not 2 inputs: 'clip', 'speed'"),
    "several inputs in training": (lambda: fit((X, Y), model=two_inputs()), "(clips, lengths), not 2 inputs"),
    "several inputs, timed": (lambda: measure.latency(two_inputs()), "(clips, lengths), not 2 inputs"),
    "several inputs, served": (lambda: fit(((X, X), Y)), "train[0]", "not tuple"),
    "lengths for a model without": (lambda: fit(((X, LENGTHS), Y)), "train[0]", "give the clips alone", "lengths=True"),
    "lengths for a model without, counted": (
        lambda: accuracy((X, LENGTHS)),
        "x must be",
        "the model with lengths=True",
    ),
    "lengths for a model without, served": (
        lambda: fit(served((X, LENGTHS), Y)),
        "of (x, y)",
        "build one with lengths=True",
    ),
    "no lengths": (lambda: fit((X, Y), model=padded()), "train[0] must be (clips, lengths)", "np.full((8,), 3)"),
    "no lengths, counted": (lambda: accuracy(model=padded()), "x must be (clips, lengths)", "(x, np.full((8,), 3))"),
    "no lengths, of twins": (lambda: twins(padded()), "x must be (clips, lengths)", "np.full((2, 4), 3)"),
    "no lengths, served": (lambda: fit(served(X, Y), model=padded()), "((x, lengths), y)", "tf.fill(tf.shape(y), 3)"),
    "lengths of 0": (lambda: accuracy((X, LENGTHS * 0), model=padded()), "x[1]", "from 1 to 3", "not 0 to 0"),
    "lengths over T": (lambda: fit(((X, LENGTHS + 3), Y), model=padded()), "train[0][1]", "from 1 to 3", "not 4 to 6"),
    "too few lengths": (lambda: accuracy((X, LENGTHS[:3]), model=padded()), "x[1]", "shape (8,), not shape (3,)"),
    "a list of lengths": (lambda: accuracy((X, [3] * 8), model=padded()), "x[1]", "not list", "np.asarray(x[1])"),
    "lengths as floats": (lambda: accuracy((X, LENGTHS / 2), model=padded()), "x[1]", "not float64"),
    "a mask for lengths": (lambda: accuracy((X, np.ones((8, 3), int)), model=padded()), "give x[1].sum(axis=-1)"),
    "served lengths as floats": (
        lambda: fit(served((X, LENGTHS / 2), Y), model=padded()),
        "integer lengths, not float64",
    ),
    "lengths for early fusion": (lambda: models.early_fusion(4, lengths=True), "lengths must be False", "exactly T"),
    "lengths that are no flag": (lambda: models.conv3d(4, lengths=LENGTHS), "lengths must be True or False"),
    # form of the output
    "several outputs": (lambda: accuracy(model=two_outputs()), "one output, not 2", "keras.Model(model.inputs"),
    "several outputs in training": (lambda: fit((X, Y), model=two_outputs()), "one output, not 2"),
    "several outputs, probed": (
        lambda: measure.receptive_field(two_outputs()),
        "one output, not 2: give the name of a layer",
    ),
    "no Flatten": (
        lambda: fit((X, Y), model=sequence(layers.Dense(4))),
        "(None, 3, 8, 8, 4)",
        "keras.layers.Flatten()",
    ),
    "scores per frame": (
        lambda: accuracy(model=sequence(layers.TimeDistributed(layers.Flatten()), layers.Dense(4))),
        "one score per class, shape (None, classes), not (None, 3, 4)",
    ),
    "one sigmoid unit": (
        lambda: accuracy(y=Y % 2, model=sequence(layers.Flatten(), layers.Dense(1, activation="sigmoid"))),
        "at least 2 classes, not (None, 1)",
        "keras.layers.Dense(2)",
    ),
    "one number in training": (
        lambda: fit((X, Y % 2), model=sequence(layers.Flatten(), layers.Dense(1))),
        "at least 2 classes",
    ),
    "sigmoids in training": (
        lambda: fit((X, Y), model=sequence(layers.Flatten(), layers.Dense(4, activation="sigmoid"))),
        "not in a sigmoid",
    ),
    "half precision": (lambda: accuracy(model=half_precision(None)), "float32, not float16", 'dtype="float32"'),
    "half precision in training": (lambda: fit((X, Y), model=half_precision(None)), "float32, not float16"),
    "classes instead of scores": (
        lambda: accuracy(model=functional(lambda clip: ops.cast(linear(clip) > 0, "int32"))),
        "float32, not int32",
    ),
    "scores that are not finite": (lambda: accuracy(model=broken()), "finite scores, not [nan nan nan nan]"),
    "twins' scores that are not finite": (lambda: twins(broken()), "finite scores"),
    "gradients that are not finite": (lambda: measure.receptive_field(broken()), "finite gradients"),
    "no gradients": (
        lambda: measure.receptive_field(functional(lambda clip: ops.argmax(linear(clip), -1))),
        "but none arrive",
    ),
    "a softmax that cannot be taken off": (lambda: twins(functional(lambda clip: ops.softmax(linear(clip)))), "logits"),
    "a softmax within a function": (
        lambda: twins(functional(lambda clip: layers.Lambda(ops.softmax)(linear(clip)))),
        "compare the model without its softmax",
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_what_is_refused_is_named_with_what_is_allowed(row):
    call, *words = REFUSED[row]
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert [word for word in words if word not in str(caught.value)] == [], caught.value


# What is seen only when a batch comes


def trained_on(data, validation=None):
    return fit(data, validation, sequence(layers.Flatten(), layers.Dense(4)))


SEEN_IN_A_BATCH = {
    "served lengths over T": (lambda: fit(served((X, LENGTHS + 3), Y), model=padded()), "from 1 to 3", "not 4 to 6"),
    "a data set of labels from 1": (
        lambda: trained_on(served(X, Y + 1)),
        "not 1 to 4: labels count from 0, so give y - 1",
    ),
    "validation from 1": (
        lambda: trained_on((X, Y), served(X, Y + 1)),
        "validation's labels must be",
        "labels count from 0",
    ),
    "a batch with fewer labels": (lambda: trained_on(generated((X, Y[:7]))), "shape (8,), not shape (7,)"),
    "batches of unknown shape with wrong labels": (
        lambda: trained_on(generated((X, Y + 4), output_types=(tf.uint8, tf.int64))),
        "train's labels must be",
        "not 4 to 7",
    ),
    "a generator of nothing": (
        lambda: trained_on(generated()),
        "train must hold at least one batch in every epoch, not 0",
    ),
    "validation of nothing": (lambda: trained_on((X, Y), generated()), "validation must hold at least one batch"),
    "a data set that can be read only once": (
        lambda: training.fit(
            sequence(layers.Flatten(), layers.Dense(4)),
            read_once(),
            epochs=2,
        ),
        "not 0 in epoch 2",
        "each epoch must make a new generator",
    ),
}


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("row", SEEN_IN_A_BATCH)
def test_what_shows_only_in_a_batch_is_refused_when_it_comes(row):
    call, *words = SEEN_IN_A_BATCH[row]
    with pytest.raises(ValueError) as caught:
        call()
    assert [word for word in words if word not in str(caught.value)] == [], caught.value
    assert "Traceback" not in str(caught.value)


# What works

EVALUATED = {
    "probabilities": lambda: functional(lambda clip: layers.Dense(**SOFTMAX)(layers.Flatten()(clip))),
    "a softmax as a layer": lambda: functional(lambda clip: layers.Softmax()(linear(clip))),
    "a softmax as a function": lambda: functional(lambda clip: ops.softmax(linear(clip))),
    "sigmoids": lambda: sequence(layers.Flatten(), layers.Dense(4, activation="sigmoid")),
    "a Sequential without Input": lambda: keras.Sequential([layers.Flatten(), layers.Dense(4)]),
    "any number of frames": any_length,
    "a model within a model": lambda: sequence(plain()),
    "a class of one's own, wrapped": lambda: sequence(Own()),
    "an input with a name": named_input,
    "an input and an output in lists": lists,
    "half precision with whole scores": lambda: half_precision("float32"),
    "a mask": lambda: sequence(layers.Reshape((3, 64)), layers.Masking(), layers.GRU(4), layers.Dense(4)),
    "a model per frame": lambda: sequence(
        layers.TimeDistributed(layers.Flatten()), layers.GlobalAveragePooling1D(), layers.Dense(4)
    ),
    "double precision": lambda: sequence(layers.Flatten(), layers.Dense(4, dtype="float64")),
}


@pytest.mark.parametrize("row", EVALUATED)
def test_a_model_of_this_form_is_measured_as_keras_itself_says(row):
    model = EVALUATED[row]()
    right = measure.accuracy(model, X, Y).right
    answer = model({"clip": X} if row == "an input with a name" else [X] if "lists" in row else X, training=False)
    scores = keras.tree.flatten(answer)[0]
    assert right == (np.asarray(scores).argmax(-1) == Y).sum()


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in EVALUATED if row != "sigmoids"])
@pytest.mark.filterwarnings("ignore:The structure of `inputs`")
def test_a_model_of_this_form_is_trained_in_place(row):
    model = EVALUATED[row]()
    if not model.built:
        model.build((None, *SHAPE))
    before = model.get_weights()
    assert np.isfinite(fit((X, Y), model=model).history["loss"]).all()
    assert not all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


DATA_SETS = {
    "of a generator": lambda: generated((X, Y)),
    "of unknown shape": lambda: generated((X, Y), output_types=(tf.uint8, tf.int64)),
    "of a PyDataset, as the error says": lambda: generated(*(Batches()[i] for i in range(len(Batches())))),
    "that repeats and ends": lambda: served(X, Y).repeat().take(3),
    "that repeats twice": lambda: served(X, Y).repeat(2),
    "one-hot, mapped as the error says": lambda: served(X, ONE_HOT).map(lambda x, y: (x, tf.argmax(y, -1))),
    "of floats, mapped as the error says": lambda: served(X / 255, Y).map(
        lambda x, y: (tf.cast(tf.round(x * 255), tf.uint8), y)
    ),
    "of small integers": lambda: served(X, Y.astype(np.uint8)),
}


@pytest.mark.slow
@pytest.mark.parametrize("row", DATA_SETS)
def test_a_data_set_of_this_kind_is_trained_on(row):
    assert len(trained_on(DATA_SETS[row](), DATA_SETS[row]()).history["val_loss"]) == 1


def test_the_line_that_an_error_gives_brings_the_clips_back():
    for given, line in ((X / 255, "x * 255"), (X * 1.0, "x"), (X / 127.5 - 1, "(x + 1) * 127.5")):
        with pytest.raises(TypeError) as caught:
            accuracy(given)
        line = str(caught.value).partition("give ")[2]
        assert np.array_equal(eval(line, {"np": np, "x": given}), X)


# What differs within a set of twins


@pytest.mark.parametrize("last", ["softmax", "sigmoid"])
@pytest.mark.parametrize("form", ["activation", "layer", "nested"])
def test_twins_are_compared_before_a_softmax(last, form):
    """Probabilities near 0 and 1 are the same in both members where the logits differ."""
    scores = layers.Dense(4)
    model = functional(lambda clip: scores(layers.Flatten()(clip)))
    closed = functional(lambda clip: layers.Activation(last)(model(clip)))
    if form == "activation":
        dense = layers.Dense(4, activation=last)
        closed = functional(lambda clip: dense(layers.Flatten()(clip)))
        dense.set_weights(scores.get_weights())
    if form == "nested":
        closed = keras.Sequential([keras.Input(SHAPE), closed])
    assert np.ptp([measure.logits(closed, member) for member in TWINS[0]], axis=0).max() <= 1
    assert twins(closed) == twins(model)
    assert twins(closed).largest_difference > 10
    before = closed.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_twins_are_compared_before_a_softmax_layer():
    model = functional(linear)
    closed = keras.Model(model.input, layers.Softmax()(model.output))
    assert twins(closed) == twins(model)


# Pixels from 0 to 1 as integers


@pytest.mark.parametrize("measured", [True, False])
def test_zeros_and_ones_are_warned_of(measured):
    x = (X > 99).astype(np.uint8)
    with pytest.warns(UserWarning, match=r"only the values 0 and 1.*np.round\(x \* 255\)"):
        accuracy(x) if measured else arguments.clip_array("train[0]", x)


@pytest.mark.parametrize("largest", [0, 2, 255])
@pytest.mark.filterwarnings("error")
def test_dark_clips_are_not_warned_of(largest):
    accuracy(np.minimum(X, largest))


# Settings of the machine

DIGESTS = """
import hashlib, inspect
from seqlib import models
for name in models.__all__:
    build = getattr(models, name)
    if inspect.isfunction(build):
        print(name, hashlib.sha256(build(4).to_json().encode()).hexdigest())
"""


def digests(folder, **settings):
    folder.mkdir()
    (folder / "keras.json").write_text(json.dumps(settings), "utf-8")
    environment = os.environ | {"KERAS_HOME": str(folder)}
    return subprocess.check_output([sys.executable, "-c", DIGESTS], env=environment, text=True)


@pytest.mark.slow
def test_the_families_are_the_same_whatever_keras_json_says(tmp_path):
    usual = digests(tmp_path / "usual")
    assert usual.count("\n") == len(seqlib.show.FAMILIES)
    assert digests(tmp_path / "other", image_data_format="channels_first", floatx="float16", epsilon=1e-3) == usual


def test_without_tensorflow_one_sentence_says_what_is_needed(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    for call in (accuracy, lambda: fit((X, Y)), lambda: measure.latency(plain())):
        with pytest.raises(RuntimeError, match="need Keras on TensorFlow, not on jax: start Python with KERAS_BACKEND"):
            call()


def test_there_are_rows_enough():
    assert len(REFUSED) + len(SEEN_IN_A_BATCH) + len(EVALUATED) + len(DATA_SETS) >= 120
