"""The model families: what they are, what they see, and that they can be built again and stored."""

import numpy as np
import pytest

import seqlib
from seqlib import models
from seqlib.backend import keras

CLIP_SHAPE = (6, 16, 16, 1)
OPTIONS = {"frames": 6, "resolution": 16, "size": (4, 8)}


def same(weights, others):
    return len(weights) == len(others) and all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))


def answers(model, x):
    return model(x, training=False).numpy()


@pytest.mark.parametrize(
    ("task", "clip_shape", "classes"),
    [
        (seqlib.TASKS["shape"], (16, 32, 32, 1), 4),
        (seqlib.TASKS["order"], (16, 32, 32, 1), 2),
        (7, (3, 16, 24, 3), 7),
        (np.int64(3), (1, 8, 8, 1), 3),
        (2, [5, 9, 9, 2], 2),
    ],
)
def test_single_frame_takes_uint8_clips_and_gives_logits(task, clip_shape, classes):
    model = models.single_frame(task, clip_shape)
    assert isinstance(model, keras.Model)
    assert not model.compiled
    assert model.name == "single_frame"
    assert model.input_shape == (None, *clip_shape)
    assert model.output_shape == (None, classes)
    logits = answers(model, np.random.default_rng(0).integers(0, 256, (5, *clip_shape), np.uint8))
    assert logits.dtype == np.float32
    assert logits.shape == (5, classes)
    assert (logits < 0).any()  # logits, not probabilities


def test_the_first_layer_that_does_anything_makes_the_background_zero():
    first = next(layer for layer in models.single_frame(4).layers if not isinstance(layer, keras.layers.InputLayer))
    assert isinstance(first, keras.layers.Rescaling)
    assert first(np.array([0, 64, 128], np.uint8)).numpy().tolist() == [-1, 0, 1]


def test_a_seed_gives_the_same_weights_whatever_was_drawn_before():
    one = models.single_frame(4, CLIP_SHAPE, seed=3).get_weights()
    keras.utils.set_random_seed(99)
    keras.random.normal((5,))
    assert same(one, models.single_frame(4, CLIP_SHAPE, seed=3).get_weights())
    for seed in (0, 4, 2**32 - 1):
        assert not same(one, models.single_frame(4, CLIP_SHAPE, seed=seed).get_weights())


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


def test_a_stored_model_answers_the_same(tmp_path):
    model = models.single_frame(4, CLIP_SHAPE)
    x, _ = seqlib.clips("shape", 8, **OPTIONS)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(answers(again, x), answers(model, x))
    assert again.input_shape == model.input_shape
