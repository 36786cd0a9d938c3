import gc
import random
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from seqlib import measure, model_files, models, stream, stream_steps
from seqlib.backend import keras, tf

T, SIZE = 9, (16, 17, 1)
FRAMES = np.random.default_rng(0).integers(0, 256, (40, *SIZE), np.uint8)
WINDOWS = {
    "single frame": (models.single_frame, {}),
    "early fusion": (models.early_fusion, {}),
    "average": (models.average_pooling, {}),
    "maximum": (models.max_pooling, {}),
    "attention": (models.attention_pooling, {}),
    "attention, positions": (models.attention_pooling, {"positions": True}),
    **{f"3D CNN, {name}": (models.conv3d, {"padding": name}) for name in ("same", "causal", "valid")},
    **{f"(2+1)D, {name}": (models.conv2plus1d, {"padding": name}) for name in ("same", "causal", "valid")},
    **{f"CNN + {cell}": (models.cnn_rnn, {"cell": cell}) for cell in models.CELLS},
    "CNN + GRU, pooled": (models.cnn_rnn, {"features": "pooled"}),
    "ConvLSTM": (models.conv_lstm, {}),
}
REFUSED = ("single frame", "early fusion", "attention, positions", "same", "valid")
WITHOUT_LENGTHS = ("early fusion", "valid")
RESETS = [name for name in WINDOWS if not name.endswith(REFUSED)]


def built(name, frames=T, seed=3, **options):
    build, settings = WINDOWS[name]
    return build(4, (frames, *SIZE), seed, **settings, **options)


def chunks(draw, frames):
    """Cut frames into pieces of random length."""
    start = 0
    while start < len(frames):
        end = start + draw.randint(1, 2 * T)
        yield frames[start:end]
        start = end


@pytest.mark.parametrize(
    ("name", "lengths"),
    [
        *((name, False) for name in WINDOWS),
        *((name, True) for name in WINDOWS if not name.endswith(WITHOUT_LENGTHS)),
    ],
)
def test_the_answer_is_the_models_for_exactly_the_last_frames(name, lengths):
    model, draw = built(name, lengths=lengths), random.Random(name)
    watcher, answers, windows, before = stream.Stream(model), [], [], []
    for chunk in chunks(draw, FRAMES):
        if draw.random() < 0.2:
            watcher.reset()
            before = []
        for frame, answer in zip(chunk, watcher.feed(chunk), strict=True):
            before.append(frame)
            assert (answer is None) == (len(before) < T)
            if answer is not None:
                answers.append(answer)
                windows.append(np.stack(before[-T:]))
    assert len(answers) >= 10
    clips = np.stack(windows)
    wanted = measure.logits(model, (clips, np.full(len(clips), T)) if lengths else clips)
    assert np.abs(wanted - np.stack(answers)).max() <= 1e-5


@pytest.mark.parametrize("name", RESETS)
def test_the_answer_is_the_models_for_all_frames_since_the_reset(name):
    model, draw = built(name), random.Random(name)
    watcher = stream.Stream(model, since_reset=True)
    for count in (1, draw.randint(2, 2 * T), len(FRAMES)):
        answers = [answer for chunk in chunks(draw, FRAMES[:count]) for answer in watcher.feed(chunk)]
        same = built(name, frames=count)
        same.set_weights(model.get_weights())
        assert len(answers) == watcher.frames == count
        assert np.abs(measure.logits(same, FRAMES[None, :count])[0] - answers[-1]).max() <= 1e-5
        watcher.reset()


def one_late(layer, maps):
    """Convolve maps as they come: each result needs the next map, and the last one a map of zeros (the flush)."""
    window = []
    for newest in maps:
        window = [*(window or [np.zeros_like(newest)]), newest][-3:]
        if len(window) == 3:
            yield layer(np.stack(window)[None])[0, 1].numpy()
    yield layer(np.stack([*window[-2:], np.zeros_like(newest)])[None])[0, 1].numpy()


def test_a_3d_cnn_padded_on_both_sides_is_a_stream_two_frames_late_with_a_flush():
    model, taken = built("3D CNN, same"), []
    layer = model.get_layer
    frames = (taken.append(frame) or layer("rescaling")(frame.astype("float32")).numpy() for frame in FRAMES[:T])
    maps, delays = [], []
    for number, newest in enumerate(one_late(layer("conv2"), one_late(layer("conv1"), frames))):
        maps.append(newest)
        delays.append(len(taken) - 1 - number)
    assert delays == [2] * (T - 2) + [1, 0]  # the last two after the end of the film
    largest = layer("global_max")(layer("conv3")(np.stack(maps)[None]))
    logits = layer("logits")(layer("dense")(largest)).numpy()[0]
    assert np.abs(logits - measure.logits(model, FRAMES[None, :T])[0]).max() <= 1e-5


@pytest.mark.parametrize("name", [name for name in WINDOWS if name not in RESETS])
def test_a_model_that_cannot_answer_for_all_frames_says_why(name):
    with pytest.raises(ValueError, match=r"model must .* to answer for all frames since a reset.*Stream\(model\)"):
        stream.Stream(built(name), since_reset=True)


def test_any_model_of_clips_answers_for_its_last_frames():
    model = keras.Sequential([keras.Input((T, *SIZE)), keras.layers.Flatten(), keras.layers.Dense(3)])
    answers = stream.Stream(model).feed(FRAMES)
    assert np.abs(measure.logits(model, FRAMES[None, -T:])[0] - answers[-1]).max() <= 1e-2  # pixels are not rescaled


def differences(x):
    return x[:, 1:] - x[:, :-1]


def deeper(name):
    """Build a model whose layers have the names of `average_pooling`, and which sees several frames at once."""
    clip = keras.Input((T, *SIZE), name="clip")
    x = keras.layers.Rescaling(1 / 64, offset=-1, name="rescaling")(clip)
    x = differences(x) if name == "differences" else x
    kernel = (3, 3, 3) if name == "kernels" else (1, 3, 3)
    for i in (1, 2, 3):
        x = keras.layers.Conv3D(4, kernel, padding="same", activation="relu", name=f"conv{i}")(x)
    x = keras.layers.MaxPooling3D((1, 2, 2), name="pool")(x)
    x = keras.layers.Reshape((x.shape[1], -1), name="features")(x)
    x = keras.layers.GlobalAveragePooling1D(name="average")(x)
    x = keras.layers.Dense(8, name="dense")(x)
    return keras.Model(clip, keras.layers.Dense(3, name="logits")(x), name="average_pooling")


@pytest.mark.parametrize("name", ["differences", "kernels"])
def test_a_familys_names_do_not_make_a_family(name):
    model = deeper(name)
    answers = stream.Stream(model).feed(FRAMES)
    assert np.abs(measure.logits(model, FRAMES[None, -T:])[0] - answers[-1]).max() <= 1e-5
    with pytest.raises(ValueError, match="since a reset"):
        stream.Stream(model, since_reset=True)


@pytest.mark.parametrize("name", [name for name in WINDOWS if "same" not in name])
def test_a_model_from_a_file_is_stepped_through_as_before(name, tmp_path):
    model = built(name)
    model_files.save_model(model, tmp_path / "model.npz")
    kept = stream_steps.last_frames(model_files.load_model(tmp_path / "model.npz")).start
    assert {what: array.shape for what, array in stream_steps.last_frames(model).start.items()} == {
        what: array.shape for what, array in kept.items()
    }


def test_a_model_of_clips_of_any_length_is_refused():
    clip = keras.Input((None, *SIZE))
    model = keras.Model(clip, keras.layers.Dense(2)(keras.layers.GlobalMaxPooling3D()(clip)))
    with pytest.raises(ValueError, match=r"model must say T, H, W and C, not take clips of shape \(None, 16, 17, 1\)"):
        stream.Stream(model)


def after(step, frames):
    """Take many steps without leaving TensorFlow; returns the last logits."""
    frames = tf.constant(frames[:, None])

    @tf.function
    def run():
        kept, count = {name: tf.constant(value) for name, value in step.start.items()}, len(frames) - 1
        for i in tf.range(count):
            outputs = step.network({"frame": frames[i], **kept})
            kept = {name: outputs[f"next_{name}"] for name in step.start}
        return step.network({"frame": frames[count], **kept})["logits"]

    return run().numpy()


@pytest.mark.parametrize("name", ["average", "attention", "maximum", "CNN + gru", "3D CNN, causal"])
def test_after_very_many_frames_it_answers_as_well_as_after_few(name):
    count, size = 20_000, (8, 8, 1)
    frames = np.random.default_rng(1).integers(0, 256, (count, *size), np.uint8)
    build, settings = WINDOWS[name]
    step = stream_steps.since_reset(build(4, (T, *size), 3, **settings))
    whole = build(4, (count, *size), 3, **settings)
    wanted = tf.function(whole)(tf.constant(frames[None])).numpy()
    assert np.abs(wanted - after(step, frames)).max() <= 1e-5


def memory_in_use():
    """Read it after a full collection, which gives back what the interpreter keeps of freed tuples to use again."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_nothing_grows_with_the_frames():
    watcher = stream.Stream(models.average_pooling(2, (16, 8, 8, 1)))
    frame = np.zeros((8, 8, 1), np.uint8)
    watcher.feed([frame] * 100)
    tracemalloc.start()
    try:
        watcher.feed(frame for _ in range(500))
        before = memory_in_use()
        for _ in range(5000):
            watcher.push(frame)
        grown = memory_in_use() - before
    finally:
        tracemalloc.stop()
    assert grown < 50_000


def test_later_training_reaches_the_stream():
    model, other = built("average"), built("average", seed=4)
    watcher = stream.Stream(model)
    watcher.feed(FRAMES[:T])
    model.set_weights(other.get_weights())
    watcher.reset()
    assert np.abs(watcher.feed(FRAMES[:T])[-1] - measure.logits(other, FRAMES[None, :T])[0]).max() <= 1e-5


def timed(bridge=2, **options):
    return stream.Stream(built("CNN + gru"), since_reset=True, interval=0.1, bridge=bridge, **options)


def test_missing_frames_are_replaced_by_the_one_before_and_counted():
    watcher, filled = timed(), timed()
    watcher.feed(FRAMES[:2], [10.0, 10.1])
    answer = watcher.push(FRAMES[2], 10.42)
    wanted = filled.feed(FRAMES[[0, 1, 1, 1, 2]], [0.0, 0.1, 0.2, 0.3, 0.4])[-1]
    assert (watcher.bridged, watcher.resets, watcher.frames) == (2, 0, 5)
    assert np.array_equal(answer, wanted)


def test_more_missing_frames_begin_anew():
    watcher, anew = timed(), timed()
    watcher.feed(FRAMES[:2], [10.0, 10.1])
    answer = watcher.push(FRAMES[2], 10.5)
    assert (watcher.bridged, watcher.resets, watcher.frames) == (0, 1, 1)
    assert np.array_equal(answer, anew.push(FRAMES[2], 0.0))


def test_an_uneven_clock_misses_nothing():
    watcher, times = timed(), 5 + 0.1 * np.arange(40)
    times[1:] += np.random.default_rng(2).uniform(-0.02, 0.02, 39)
    watcher.feed(FRAMES, times)
    assert (watcher.bridged, watcher.resets, watcher.frames) == (0, 0, 40)


GOOD = FRAMES[2]
WRONG = {
    "the same time": (GOOD, 1.1, ValueError, "time must be later than the last frame's, 1.1 s"),
    "an earlier time": (GOOD, 1.0, ValueError, "time must be later"),
    "hardly later": (GOOD, 1.14, ValueError, r"by half an interval \(0.1 s\) at least, not 1.14"),
    "no time": (GOOD, None, TypeError, "time must be given with each frame"),
    "no number": (GOOD, "1.2", TypeError, "time must be"),
    "NaN as time": (GOOD, float("nan"), ValueError, "time must be"),
    "endless": (GOOD, float("inf"), ValueError, "time must be"),
    "another size": (GOOD[1:], 1.2, ValueError, r"frame must have the shape \(16, 17, 1\).*not \(15, 17, 1\)"),
    "no channel": (GOOD[..., 0], 1.2, ValueError, r"give frame\[..., None\]"),
    "a clip": (FRAMES[:2], 1.2, ValueError, "frame must have the shape"),
    "floats": (GOOD / 255, 1.2, TypeError, "frame must be a uint8 array .* not float64 array"),
    "NaN": (np.full(SIZE, np.nan, np.float32), 1.2, TypeError, "not float32 array"),
    "a list": (GOOD.tolist(), 1.2, TypeError, "not list"),
}


@pytest.mark.parametrize("frame, time, error, message", WRONG.values(), ids=WRONG)
def test_what_cannot_be_a_next_frame_leaves_the_stream_as_it_was(frame, time, error, message):
    watcher, untouched = timed(), timed()
    for each in (watcher, untouched):
        each.feed(FRAMES[:2], [1.0, 1.1])
    with pytest.raises(error, match=message):
        watcher.push(frame, time)
    assert watcher.frames == 2
    assert np.array_equal(watcher.push(GOOD, 1.2), untouched.push(GOOD, 1.2))


def test_a_stream_without_interval_takes_no_times():
    with pytest.raises(TypeError, match=r"time must be left out: give the stream its interval"):
        stream.Stream(built("average")).push(FRAMES[0], 1.0)
    with pytest.raises(ValueError, match="bridge must be 0 without an interval, not 1"):
        stream.Stream(built("average"), bridge=1)


GO_ON = """
import sys
import numpy as np
from seqlib import model_files, stream
for folder in sys.argv[1:]:
    watcher = stream.Stream(model_files.load_model(folder + "/model.npz"), interval=0.1, bridge=2)
    watcher.restore(np.load(folder + "/state.npz"))
    frames = np.load(folder + "/frames.npy")
    np.save(folder + "/answers.npy", watcher.feed(frames, 2.0 + 0.1 * np.arange(len(frames))))
"""


def test_another_process_goes_on(tmp_path):
    watchers = {}
    for name in ("3D CNN, valid", "CNN + gru"):
        folder = tmp_path / name
        folder.mkdir()
        model = built(name)
        watchers[folder] = stream.Stream(model, interval=0.1, bridge=2)
        watchers[folder].feed(FRAMES[:20], 0.1 * np.arange(20))
        model_files.save_model(model, folder / "model.npz")
        np.savez(folder / "state.npz", **watchers[folder].state())
        np.save(folder / "frames.npy", FRAMES[20:])
    subprocess.run([sys.executable, "-c", GO_ON, *watchers], check=True)
    for folder, watcher in watchers.items():
        answers = watcher.feed(FRAMES[20:], 2.0 + 0.1 * np.arange(20))
        assert np.abs(np.load(folder / "answers.npy") - np.stack(answers)).max() <= 1e-5, folder.name


def test_the_state_of_another_stream_is_refused():
    state = stream.Stream(built("average")).state()
    with pytest.raises(ValueError, match="whose model had the same weights"):
        stream.Stream(built("average", seed=4)).restore(state)
    with pytest.raises(ValueError, match=r"state must have the arrays .*kept_sum"):
        stream.Stream(built("average"), since_reset=True).restore(state)
