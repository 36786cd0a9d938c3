"""The chapters' exercises that can be checked, by their numbers: "3.2" is the second exercise of chapter 3.

Each judge looks for the typical mistakes first, each with a hint of its own, and only then for anything else.
"""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from . import arguments, puzzles, tasks
from .checks import (
    NOTHING_SO_FAR,
    Exercise,
    Verdict,
    called,
    differs,
    function,
    is_number,
    same,
    truths,
    value,
    verdict,
)

__all__ = ["EXERCISES", "GROWING", "OPEN", "check"]

OPEN = ("1.2", "2.6", "4.8", "6.1", "7.6")
"""The exercises without a check: they ask for an argument, or for what only your machine can tell."""

HUGE = 9  # which frame of exercise 4.9 is


def check(number: str, answer: Any) -> Verdict:
    """Check an answer to an exercise or a puzzle: right, or a hint at what is not.

    Functions are tried on random inputs; numbers, lists and models are looked at for what the exercise asks. TensorFlow
    is loaded only where an exercise is about networks or their accuracy.

    Parameters
    ----------
    number : str
        Chapter and exercise, such as ``"3.2"``; of the clip puzzles, ``"P.7"``.
    answer
        What the exercise asks for: a function, a number, a list, a dict or a `keras.Model`. ``...`` or None, what holds
        one of these, and a function that returns one, stand for nothing yet.

    Returns
    -------
    Verdict
        True if the answer is right; in a notebook it shows itself, with a hint.

    Raises
    ------
    ValueError
        If there is no exercise of this number, or it has no check.
    TypeError
        If ``number`` is not a str, or ``answer`` is of another kind than the exercise asks for.

    Examples
    --------
    >>> check("P.1", lambda clip: clip[::-1])
    P.1: right.
    >>> check("P.1", lambda clip: clip[:, ::-1])
    P.1: not yet. This turns every frame upside down; time is the first axis of a clip.
    >>> check("2.1", 432)
    2.1: not yet. This is how many weights the first convolution has in colour; how many more is that than in grey?
    """
    if isinstance(number, str) and number in OPEN:
        raise ValueError(f"exercise {number} has no check: compare your answer with its solution")
    everything = EXERCISES | puzzles.EXERCISES
    return verdict(number, everything[arguments.choice("number", number, everything)], answer)


# Chapter 1


def _batch(random):
    """Two or three clips, no two axes of one length: random bytes (B, T, H, W, 1)."""
    shape = (int(random.integers(2, 4)), int(random.integers(4, 6)), int(random.integers(6, 8)), 8, 1)
    return random.integers(0, 256, shape, dtype=np.uint8)


def _how_many(n, random):
    """By Wilson's interval: 31% of n leave 25% outside if n > z² · 0.25 · 0.75 / 0.06² = 200.1, whatever is rounded."""
    if n != int(n) or n < 1:
        return "clips come in whole numbers"
    if n < 200:
        return f"with {n} clips, a quarter lies inside the interval around 31%: you need more clips"
    if n > 7200:
        return "so many clips would tell even 26% from chance, and 31% is six times as far away"
    if n > 400:
        return f"{n} clips are enough, but about 200 are enough, too"
    return None


def _split(answer, random):
    group = random.permutation(np.repeat(random.permutation(40)[:24], random.integers(3, 9, 24)))
    test, hint = called(answer, group.copy(), 0.25, 1)
    if hint:
        return hint
    if test.dtype != bool and test.ndim == 1 and len(test) < len(group):
        return "these look like the indices of frames; return one truth value for each frame"
    if test.shape != group.shape:
        return f"its shape is {test.shape}; there are {len(group)} frames, and each needs a truth value"
    if test.dtype != bool:
        return f"it should hold bool but holds {test.dtype}: numbers would select frames by their index"
    tested, trained = set(group[test]), set(group[~test])
    if tested & trained:
        both = len(tested & trained)
        return f"{both} recordings are on both sides: draw recordings, not frames"
    if len(tested) == 18:
        return "the two sides are swapped: True marks the frames for testing"
    if len(tested) != 6:
        return f"a share of 0.25 of 24 recordings is 6, and {len(tested)} are kept for testing"
    again, others = called(answer, group.copy(), 0.25, 1)[0], [called(answer, group.copy(), 0.25, s)[0] for s in (2, 3)]
    if not np.array_equal(test, again):
        return "called twice with the same seed, it splits in two ways: create the generator from the seed"
    if all(np.array_equal(test, other) for other in others):
        return "every seed gives the same split: use the seed to draw the recordings"
    return None


# Chapter 2


def _named(model, kind):
    """List the layers of a model whose class has this name."""
    return [layer for layer in model.layers if type(layer).__name__ == kind]


def _reads_clips(model, frames=16, side=32):
    """Say so if a model does not take grey clips of these sizes; None if it does."""
    wanted, given = (None, frames, side, side, 1), getattr(model, "input_shape", "nothing yet")
    if given != wanted:
        return f"it takes {given}, and should take clips, {wanted}"
    return None


def _wider(model, random):
    from .measure import receptive_field

    if getattr(model, "input_shape", None) == (None, 16, 32, 32, 1):
        return "in frames of 32 x 32 the border cuts the field off; give it frames of 64 x 64"
    convolutions = _named(model, "Conv2D")
    hint = _reads_clips(model, side=64)
    if hint:
        return hint
    if len(convolutions) != 3:
        return f"it has {len(convolutions)} Conv2D layers, and the network of the chapter has three"
    narrow = [layer.name for layer in convolutions if tuple(layer.kernel_size) != (5, 5)]
    if narrow:
        return f"these kernels are not 5 x 5 yet: {', '.join(narrow)}"
    frames, rows, columns = receptive_field(model, convolutions[-1].name)
    if frames != 1:
        return f"the last convolution sees {frames} frames; it should see one"
    if (rows, columns) == (13, 13):
        return "three kernels of 5 see 13 pixels if every step is one pixel: where has the pooling gone?"
    if (rows, columns) != (32, 32):
        return f"the last convolution sees {rows} x {columns} pixels; by the rule it should see 32 x 32"
    return None


def _small(model, random):
    from .measure import accuracy, receptive_field

    convolutions = _named(model, "Conv2D")
    hint = _reads_clips(model)
    if hint:
        return hint
    if len(convolutions) > 2:
        return "the third convolution is still there"
    if len(_named(model, "MaxPooling2D")) > 1:
        return "the second pooling is still there"
    if not convolutions or receptive_field(model, convolutions[-1].name) != (1, 8, 8):
        return "its last convolution should see 8 x 8 pixels of one frame: two kernels of 3 with a pooling between them"
    reached = accuracy(model, *tasks.clips("shape", 400, seed=int(random.integers(1000, 2000)))).value
    if reached < 0.4:
        return "on clips that it has never seen, it is at chance: train it on `shape`"
    if reached < 0.9:
        return f"it reaches {reached:.0%} on clips that it has never seen, and it can do better: train it longer"
    return None


def _onset(onset, random):
    if onset not in range(7):
        return "two blocks of two frames with a gap of six take ten frames, so the first can begin in frames 0 to 6"
    onset = int(onset)
    (clips, swapped), _ = tasks.twins("order", "swap", 20, seed=int(random.integers(1000)), onset=onset)
    if (clips[:, 8] != swapped[:, 8]).any((1, 2, 3)).all():
        return None
    if onset == 1:
        return "this is one frame late: the second block fills frames 9 and 10, and frame 8 is the last of the gap"
    return f"the blocks then fill frames {onset}, {onset + 1}, {onset + 8} and {onset + 9}; frame 8 lies between them"


# Chapter 3


def _shapes(shapes, random):
    shapes = [tuple(shape) if isinstance(shape, (tuple, list)) else shape for shape in shapes]
    if len(shapes) != 3 or any(not isinstance(shape, tuple) or len(shape) != 4 for shape in shapes):
        return "it takes three shapes, one per layer, each of four numbers: (T, H, W, C)"
    if not all(is_number(size) for shape in shapes for size in shape):
        return "it takes three shapes, one per layer, each of four numbers: (T, H, W, C)"
    first, pooled, last = shapes
    if first != (30, 32, 24, 8):
        return {
            (
                26,
                31,
                23,
                8,
            ): 'the first layer: this is for "valid" padding; "same" leaves n / s places, rounded up',
            (15, 32, 24, 8): "the first layer: its stride is 2 in space only, and 1 in time",
            (30, 64, 48, 8): "the first layer: a stride of 2 takes only every second row and column",
            (30, 32, 24, 3): "the first layer: the channels of the output are filters, not the channels of the input",
        }.get(first, f"the first layer does not give {first}: compute one axis after the other, with n / s places")
    if pooled != (15, 16, 12, 8):
        return {
            (30, 16, 12, 8): "the second layer: this pooling halves time, too",
            (15, 16, 12, 4): "the second layer: pooling treats each channel by itself and keeps their number",
        }.get(pooled, f"the second layer does not give {pooled}: it halves the first three axes of {first}")
    if last != (13, 14, 10, 16):
        return {
            (15, 16, 12, 16): 'the third layer: "valid" padding loses k - 1 places along each axis',
            (12, 13, 9, 16): "the third layer: n - k is one too few; a window as long as the axis has one place",
            (13, 14, 10, 8): "the third layer: it has sixteen filters",
        }.get(last, f"the third layer does not give {last}: each axis has n - k + 1 places")
    return None


def _strided(answer, random):
    if len(answer) != 2 or not all(map(is_number, answer)):
        return "it takes two numbers, R and the shift"
    field, shift = answer
    if field != 7:
        return {
            5: "R is 5 with a stride of 1; now the three units that conv2 sees are two frames apart",
            9: "a stride widens the steps of the layers after it, not the layer's own step",
        }.get(field, f"R is not {field}: it is 3 after conv1, and conv2 adds (3 - 1) times the step")
    if shift != 2:
        odd = "windows now begin in every second frame; after an odd shift they lie between the old ones"
        more = "that works, but a smaller shift works, too: how far apart are neighbouring windows?"
        return odd if shift % 2 else more
    return None


def _network(ahead, random):
    """Build a network of three layers, some "same" and the rest causal, that looks ``ahead`` frames ahead."""
    from .backend import keras

    layers = keras.layers
    keras.utils.set_random_seed(int(random.integers(1000)))
    clip = x = keras.Input((None, None, None, 1))
    for symmetric in random.permutation([True] * ahead + [False] * (3 - ahead)):
        if symmetric:
            x = layers.Conv3D(3, 3, padding="same")(x)
        else:
            x = layers.Conv3D(3, 3)(layers.ZeroPadding3D(((2, 0), (1, 1), (1, 1)))(x))
    return keras.Model(clip, x)


def _looks_ahead(answer, random):
    numbers = []  # what it says of networks that look 0, 1 and 2 frames ahead
    for ahead in range(3):
        got, hint = called(answer, _network(ahead, random))
        if hint:
            return hint
        if got.ndim or got.dtype.kind not in "biuf":
            return f"it should return one number, not an array of shape {got.shape}"
        if got.dtype == bool:
            return "it says whether a network looks ahead; return how many frames"
        numbers.append(got.item())
    if numbers == [0, 1, 2]:
        return None
    if numbers == [0, -1, -2]:
        return "the sign is reversed: a network that sees frame t + 1 looks 1 frame ahead"
    if numbers == [1, 2, 3]:
        return "one too many: a causal network sees frame t itself and looks 0 frames ahead"
    if numbers == [7, 7, 7]:
        return "7 is the whole temporal receptive field, backwards and ahead; count only the frames after t"
    first, *_ = numbers
    if numbers == [first, first - 1, first - 2]:
        return f"it says {first} of a causal network, the first output that changes; how far before the change is it?"
    if numbers == [first] * 3:
        return f"it says {first} of every network; change only future frames: which output differs first?"
    return f"of networks that look 0, 1 and 2 frames ahead it says {', '.join(f'{number:g}' for number in numbers)}"


def _keeps_frozen(answer, random):
    frame = random.normal(size=(2, 1, 6, 7, 3)).astype("float32")
    moving = random.normal(size=(2, 5, 6, 7, 3)).astype("float32")
    frozen = np.repeat(frame, 5, axis=1)
    got, hint = called(answer, frozen.copy())
    if hint:
        return hint
    batch, frames, *place = got.shape if got.ndim == 5 else (0, 0)
    if got.ndim != 5 or batch != 2:
        return f"its shape is {got.shape} and should be (B, T + 2, H, W, C) for clips (B, T, H, W, C)"
    if place != [6, 7, 3]:
        return f"frames of 6 x 7 became frames of {place[0]} x {place[1]}: pad time alone, which is axis 1"
    if frames != 7:
        return f"5 frames became {frames}: a kernel three frames deep uses up two, so add two"
    if (got[:, 0] == 0).all() or (got[:, -1] == 0).all():
        return "you added frames of zeros: to the network a shape then appears out of nowhere, and no clip stays frozen"
    if not np.allclose(got, frame):
        return "a frozen clip does not stay frozen: all frames should be equal to the one that is there"
    padded, hint = called(answer, moving.copy())
    if hint:
        return hint
    if padded.shape != got.shape or not any(np.allclose(padded[:, at : at + 5], moving) for at in range(3)):
        return "the clip's own frames are not all in it any more, in their order"
    return None


def _nine(model, random):
    from .measure import parameters, receptive_field

    hint = _reads_clips(model)
    if hint:
        return hint
    if any(getattr(layer, "strides", (1,))[0] > 1 for layer in model.layers):
        return "a layer has a stride in time, which is not allowed here"
    if len(model.output.shape) != 5 or model.output.shape[-1] != 16:
        return f"it gives {tuple(model.output.shape)}, and should give 16 feature maps, (B, T, H, W, 16)"
    frames, rows, columns = receptive_field(model)
    if frames < 9:
        return f"it sees {frames} frames: a kernel of k adds (k - 1) times its dilation"
    if frames > 9:
        return f"it sees {frames} frames, which is more than nine"
    if min(rows, columns) < 3:
        return f"it sees {rows} x {columns} pixels, but at least 3 x 3 are required"
    count = parameters(model)
    if count > 1312:
        return f"it sees what it should, but one kernel of 9 x 3 x 3 has 1,312 parameters, and this has {count:,}"
    return None


# Chapter 4


def _padded(random):
    """Make features of clips of different length, and see to it that each mistake shows."""
    frames = int(random.integers(6, 9))
    features, lengths = random.normal(size=(4, frames, 5)), np.array([frames - 3, frames, 2, frames - 1])
    features[:, :, 0] = -1 - np.abs(features[:, :, 0])  # negative in every frame
    features[:, 0, 1] += 6
    for clip, length in zip(features, lengths, strict=True):
        clip[length - 1, 2] += 6
        clip[length:, 3] += 6
    return features, lengths


def _largest(features, lengths, longer=0, instead=-np.inf):
    """Take the maximum over the first frames of each clip; what comes after them counts as ``instead``."""
    present = np.arange(features.shape[1]) < (lengths + longer)[:, None]
    return np.where(present[:, :, None], features, instead).max(1)


def _open_gate(answer, random):
    units = int(random.integers(3, 6))
    bias, by = random.normal(size=(2, 3 * units)), float(random.integers(2, 5))
    got, hint = called(answer, bias.copy(), by)
    if hint:
        return hint
    if got.shape != bias.shape:
        return f"its shape is {got.shape}, and Keras stores {bias.shape}: two biases for each of z, r and the proposal"
    added = np.round((got - bias).sum(0) / by, 4).reshape(3, units)
    if (added == np.array([[2], [0], [0]])).all():
        return "each of the two biases is raised by the whole amount, and they are added: z gets twice as much"
    if (added == 1).all() or (added == 2).all():
        return "z, r and the proposal are all raised; only z decides how much of the old state stays"
    if (added[0] == 0).all() and added.any():
        return "z stays as it was, and another part is raised: the first third belongs to z"
    if (added == np.array([[-1], [0], [0]])).all():
        return "z is lowered, so it replaces the state sooner; nearer to 1 it keeps it"
    if (added != np.array([[1], [0], [0]])).any():
        return "in each unit, the two biases of z should be greater by `by` in all, and nothing else may change"
    return None


def _gates(x, h, weights):
    """Compute what the frame and what the state give to each of a GRU's three gates."""
    W, U, (b, c) = weights  # noqa: N806 (as in the chapter)
    return np.split(x @ W + b, 3, -1), np.split(h @ U + c, 3, -1)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _gru_step(x, h, weights, keep=True, swapped=False):
    (xz, xr, xh), (hz, hr, hh) = _gates(x, h, weights)
    z, r = _sigmoid(xz + hz), _sigmoid(xr + hr)
    z, r = (r, z) if swapped else (z, r)
    proposal = np.tanh(xh + r * hh)
    return z * h + (1 - z) * proposal if keep else (1 - z) * h + z * proposal


def _reset_first(x, h, weights):
    (xz, xr, xh), (hz, hr, _) = _gates(x, h, weights)
    z, r = _sigmoid(xz + hz), _sigmoid(xr + hr)
    _, (_, _, hh) = _gates(x, r * h, weights)
    return z * h + (1 - z) * np.tanh(xh + hh)


def _no_tanh(x, h, weights):
    (xz, xr, xh), (hz, hr, hh) = _gates(x, h, weights)
    z, r = _sigmoid(xz + hz), _sigmoid(xr + hr)
    return z * h + (1 - z) * (xh + r * hh)


def _one_bias(x, h, weights):
    return _gru_step(x, h, (weights[0], weights[1], weights[2] * np.array([[1], [0]])))


def _gru_inputs(random):
    features, units = 5, int(random.integers(3, 5))
    weights = random.normal(size=(features, 3 * units)), random.normal(size=(units, 3 * units))
    return (
        random.normal(size=(2, features)),
        random.uniform(-1, 1, (2, units)),
        (*weights, random.normal(size=(2, 3 * units))),
    )


def _last_four(answer, random):
    frames = random.normal(size=(int(random.integers(30, 41)), 5))
    frames[HUGE] *= 1e16
    kept, answers, sizes = None, [], []
    for frame in frames:
        try:
            returned = answer(kept, frame.copy())
        except Exception as error:
            return f"it raises {type(error).__name__}: {error}"
        if returned is None or returned is ...:
            return NOTHING_SO_FAR
        if not isinstance(returned, (tuple, list)) or len(returned) != 2:
            return "it should return two things: what it keeps, and the answer"
        kept, got = returned
        answers.append(got)
        try:
            sizes.append(len(pickle.dumps(kept)))
        except Exception:
            return f"what it keeps has to be saved one day: keep arrays, lists or numbers, not {type(kept).__name__}"
    none = [got is None for got in answers]
    if all(none):
        return "it never answers: from the fourth frame on, return an average"
    if not all(none[:3]):
        return "before four frames have come, there is nothing to answer: return None beside what you keep"
    if any(none[3:]):
        return "from the fourth frame on, there is an answer to every frame"
    got, hint = called(lambda: answers[3:])
    return hint or _not_the_last_four(got, frames, sizes)


def _not_the_last_four(got, frames, sizes):
    """Say what is wrong with answers (N - 3, F) to N frames of which one is huge; None if nothing is."""

    def averages(count):
        return np.stack([frames[max(0, end - count) : end].mean(0) for end in range(4, len(frames) + 1)])

    if same(got, averages(len(frames))):
        return "this is the average of all frames since the first: forget those before the last four"
    if same(got, averages(3)):
        return "these are averages of three frames: does the newest one count?"
    wanted, until = averages(4), HUGE + 1  # the first answer without the huge frame
    if not same(got, wanted):
        if got.shape == wanted.shape and same(got[:until], wanted[:until]):
            return "a huge frame spoils all later answers: what it added to a sum cannot be subtracted without a trace"
        return differs(got, wanted, f"where {len(frames)} frames have 5 features each")
    if sizes[-1] > 2 * sizes[5]:
        return "the answers are right, but what it keeps grows with every frame, and a camera never stops"
    return None


# Chapter 5


def _features(random):
    return (random.normal(size=(2, int(random.integers(6, 9)), 4)),)


def _sorted(features):
    return np.sort(features, axis=1)


def _series(random):
    return random.uniform(size=int(random.integers(6, 17))), float(random.integers(2, 6))


def _seen_frames(answer, random):
    if len(answer) != 2 or not all(map(is_number, answer)):
        return "it takes two numbers of frames: with 4 channels moved each way, and with 8"
    few, many = answer
    if few != 3:
        return {
            2: "with 4 channels each way, 8 of the 16 stay and show the present frame",
            5: "the shift happens once, and moves channels by one frame",
        }.get(few, f"not {few} with 4 channels each way: some come from before, some from after, and some stay")
    if many != 2:
        return {
            3: "with 8 channels each way, none of the 16 is left for the present frame",
        }.get(many, f"not {many} with 8 channels each way: half come from the frame before, half from the one after")
    return None


def _cheapest(model, random):
    from .measure import parameters, twin_agreement
    from .models import average_pooling

    hint = _reads_clips(model)
    if hint:
        return hint
    if model.output_shape != (None, 2):
        return f"it gives {model.output_shape}; `order` has two answers, so (None, 2)"
    more = parameters(model) - parameters(average_pooling(2))
    if more > 0:
        return f"it has {more:,} parameters more than average pooling, and the task can be learned with none"
    report = twin_agreement(model, *tasks.twins("order", "swap", 200, seed=int(random.integers(1000, 2000))))
    if report.largest_difference < 1e-4:
        return "it gives both twins the same logits: nothing in it can tell early from late, trained or not"
    if report.accuracy.value < 0.8:
        return f"it is right on {report.accuracy.value:.0%} of the `swap` twins so far. Train it on `order`"
    return None


# Chapter 6

GROWING = ("early_fusion", "average_pooling", "conv3d", "cnn_rnn")


@cache
def _factors(name):
    """Compute by how much a family's parameters and multiply-adds grow from 16 to 32 frames."""
    from . import measure, models

    short, long = (getattr(models, name)(4, (frames, 32, 32, 1)) for frames in (16, 32))
    return tuple(count(long) / count(short) for count in (measure.parameters, measure.multiply_adds))


def _is_pair(value):
    value = value.tolist() if isinstance(value, np.ndarray) else value
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(map(is_number, value))


def _growth(answer, random):
    if set(answer) != set(GROWING) or not all(map(_is_pair, answer.values())):
        return f"it takes two factors, of parameters and of multiply-adds, for each of {', '.join(GROWING)}"
    for name in GROWING:
        parameters, work = np.abs(np.subtract(answer[name], _factors(name))) < 0.05
        if parameters and work:
            continue
        if name == "early_fusion" and 1 in answer[name]:
            return f"`{name}`: frames are channels here, so the first layer reads twice as many"
        if name == "early_fusion":
            return (
                f"`{name}`: only the first layer reads the frames; after it nothing has changed. Build both and count"
            )
        if not parameters:
            return f"`{name}`, parameters: the same weights serve every frame"
        return f"`{name}`, multiply-adds: each frame costs as much as before, and there are twice as many"
    return None


_FIVE_TASKS = ("shape", "direction", "order", "event", "duration")  # which exercise 6.3 is about


def _harmless(answer, random):
    lists = all(isinstance(names, (list, tuple, set)) for names in answer.values())
    if set(answer) != {"flip", "backwards"} or not lists:
        return "it takes two lists of tasks, `flip` and `backwards`"
    unknown = [name for name in (*answer["flip"], *answer["backwards"]) if name not in _FIVE_TASKS]
    if unknown:
        return f"there is no task {unknown[0]!r}; the tasks are {', '.join(_FIVE_TASKS)}"
    if "direction" in answer["flip"]:
        return "a flip turns right into left, and `direction` asks about that"
    if "direction" in answer["backwards"]:
        return "played backwards, what moved up moves down, and `direction` asks about that"
    if "order" in answer["backwards"]:
        return "played backwards, what came first comes last, and `order` asks about that"
    for change, harmed in (("flip", {"direction"}), ("backwards", {"direction", "order"})):
        missing = set(_FIVE_TASKS) - harmed - set(answer[change])
        if missing:
            return f"`{change}` does not change the answer to `{min(missing)}`: read the task's rule again"
    return None


def _wheel(answer, random):
    wanted = {"still": 8, "as before": 9, "backwards": 7}
    if set(answer) != set(wanted) or not all(map(is_number, answer.values())):
        return f"it takes one number for each of {', '.join(wanted)}"
    for name, step in answer.items():
        moved = 2 * step % 16
        if step < 1 or step != int(step):
            return f"{name}: a step counts frames, so it is a whole number above 0"
        if step == 1:
            return "with a step of 1 every frame is kept, so the clip is not thinned out"
        if moved != 2 * wanted[name] % 16:
            return f"{name}: with a step of {step}, each kept frame shows it {moved} of 16 pixels further on"
        if step != wanted[name]:
            return f"{name}: that is right, but a smaller step does the same"
    return None


def _budget(model, random):
    from .measure import multiply_adds, parameters, twin_agreement

    hint = _reads_clips(model)
    if hint:
        return hint
    if model.output_shape != (None, 4):
        return f"its output has the shape {model.output_shape}; `direction` has four answers, so it should be (None, 4)"
    for name, count, limit in (
        ("parameters", parameters(model), 6_000),
        ("multiply-adds", multiply_adds(model), 1_000_000),
    ):
        if count > limit:
            return f"it has {count:,} {name}, and {limit:,} are allowed"
    report = twin_agreement(model, *tasks.twins("direction", "reverse", 500, seed=int(random.integers(1000, 2000))))
    if report.largest_difference < 1e-4:
        return "it gives a clip and its reversal the same logits, so it is blind to order, trained or not"
    if report.accuracy.value < 0.95:
        return f"it classifies {report.accuracy.value:.0%} of the `reverse` twins correctly. Train it on `direction`"
    return None


# Chapter 7


def _film(random):
    """Draw a length that is no multiple of the number of frames, so that rounding too early shows."""
    frames = int(random.integers(5, 17))
    return int(random.integers(8, 21)) * frames + frames - 1, frames


def _crops(random):
    clips = random.integers(0, 256, (3, 4, 11, 12, 2), dtype=np.uint8)
    return clips, random.permutation(4)[:3], 4 + random.permutation(3), 4


def _cropped(clips, top, left, size):
    cut = (clip[:, y : y + size, x : x + size] for clip, y, x in zip(clips, top, left, strict=True))
    return np.stack(list(cut))


def _mean_change(features, lengths):
    """Average the differences of neighbouring frames of each clip: what is between first and last cancels."""
    last = features[np.arange(len(features)), lengths - 1]
    return (last - features[:, 0]) / (lengths - 1)[:, None]


# Chapter 8


def _scores(random):
    """Draw scores from 0 to 3 that come near the threshold in every way that matters, and how far apart alarms are."""
    apart = int(random.integers(3, 7))
    first = [3, 3, *[0] * (apart - 1), 3, 2, 0]  # an alarm at the first frame, which rises again before it is over
    long = [3] * (apart + 2) + [1] * (apart - 2) + [3]  # it falls and rises again, long after it began
    parts = [[3] + [0] * (apart - 1) + [3], [2] * 3, long, [3] * int(random.integers(1, 4))]
    scores = list(first)
    for i in random.permutation(len(parts)):
        scores += [0] * int(random.integers(apart + 1, 3 * apart)) + parts[i]
    return np.array(scores), 2, apart


def _begin(scores, threshold, apart):
    above = np.flatnonzero(scores > threshold)
    return above[np.diff(above, prepend=-apart) >= apart]


def _rises(scores, threshold, apart):
    above = scores > threshold
    return np.flatnonzero(above & ~np.append(False, above[:-1]))


def _since_begin(scores, threshold, apart):
    begins = []
    for frame in np.flatnonzero(scores > threshold):
        if not begins or frame - begins[-1] >= apart:
            begins.append(frame)
    return begins


def _one_short(scores, threshold, apart):
    above = np.flatnonzero(scores > threshold)
    return above[np.diff(above, prepend=-apart - 1) > apart]


def _counts(random):
    return int(random.integers(1, 7)), float(random.choice([1 / 24, 1 / 8, 0.5, 2]))


def _most(false, per_hour, level=0.9, end=1):
    from .alarms import poisson_interval

    return poisson_interval(false, level)[end] / per_hour


def _poses(random):
    """Draw the poses of a normal run and of another one, which repeats pieces of it, some of them backwards."""
    normal = np.concatenate([random.permutation(5) for _ in range(6)] + [[0, 0, 1, 2, 0]])
    pieces = [normal[start : start + 7] for start in random.integers(0, 23, 4)]
    pieces[1], pieces[3] = pieces[1][::-1], np.array([0, 1, 1, 2, 2, 1, 0])
    return normal, np.concatenate(pieces), 4


def _new_windows(normal, faulty, length, as_seen=sorted, step=1):
    seen = {tuple(as_seen(window.tolist())) for window in sliding_window_view(normal, length)[::step]}
    windows = sliding_window_view(faulty, length)[::step]
    return np.array([tuple(as_seen(window.tolist())) not in seen for window in windows])


EXERCISES = {
    "1.1": function(
        "fold(x)",
        lambda random: (_batch(random),),
        lambda x: x.reshape(-1, *x.shape[2:]),
        (
            lambda x: x.swapaxes(0, 1).reshape(-1, *x.shape[2:]),
            "image 1 is now frame 0 of the second clip, not frame 1 of the first: leave B before T",
        ),
        (
            lambda x: np.moveaxis(x, 1, -2).reshape(len(x), *x.shape[2:4], -1),
            "the frames have become channels, as in early fusion; make each an image of its own",
        ),
        (lambda x: x.reshape(len(x), -1, *x.shape[3:]), "a clip's frames now form one tall image; keep them apart"),
        (lambda x: x[:, x.shape[1] // 2], "only one frame of each clip is left; all are wanted"),
    ),
    "1.3": truths(
        {
            "other label": (True, "what came last now comes first, and the label depends on nothing else"),
            "as good as swap": (False, "more than the order has changed: which way does each shape drift now?"),
        }
    ),
    "1.4": Exercise("a number", "the number of clips", _how_many),
    "1.5": Exercise("a function", "split(group, share, seed)", _split),
    "2.1": value(
        "the number of parameters that are added",
        3 * 3 * (3 - 1) * 16,
        (432, "this is how many weights the first convolution has in colour; how many more is that than in grey?"),
        (448, "this is how many it has in colour, with its biases; how many more is that than in grey?"),
        (144, "these are the weights for one more channel; from grey to colour there are two more"),
        (320, "the biases do not double: there is one for each filter, whatever the input"),
        (2 * 27_716, "this would be the whole network times three, but only one layer reads the channels of the clip"),
    ),
    "2.2": Exercise("a model", "with kernels of 5 x 5", _wider),
    "2.3": Exercise("a model", "with two convolutions", _small),
    "2.4": truths(
        {
            "one of four": (False, "in frame 7 the members show four places, and nothing forces equal logits"),
            "wiser": (False, "over all clips, frame 7 looks the same whichever way the shape goes"),
        }
    ),
    "2.5": Exercise("a number", "the onset", _onset),
    "3.1": Exercise("a list", "of three shapes", _shapes),
    "3.2": Exercise("a list", "(R, shift)", _strided),
    "3.3": Exercise("a function", "looks_ahead(network)", _looks_ahead),
    "3.4": Exercise("a function", "pad(clips)", _keeps_frozen),
    "3.5": truths(
        {
            "reverse": (
                True,
                "reverse twins hold the same frames in another order, and this network sees each frame alone",
            ),
            "swap": (True, "R - 1 is 0 here: no gap and no margin is too short, and noise travels with its frame"),
            "middle": (False, "middle twins share one frame; what do the other fifteen show?"),
        }
    ),
    "3.6": Exercise("a model", "that sees nine frames", _nine),
    "4.1": value(
        "the number of parameters",
        3 * (128 * 64 + 64 * 64 + 2 * 64),
        (3 * (128 * 64 + 64 * 64 + 64), "Keras' GRU has two biases in each of its three sets"),
        (4 * (128 * 64 + 64 * 64 + 64), "this counts four sets of weights: that is an LSTM"),
        (3 * (128 * 64 + 64 * 64), "these are all the weights; now the biases"),
        (3 * (128 * 64 + 2 * 64), "the state is read as well, by a matrix of 64 x 64 in each set"),
        (128 * 64 + 64 * 64 + 64, "a simple layer has this number; a GRU also has two gates"),
    ),
    "4.2": function(
        "backwards(output)",
        lambda random: (random.normal(size=(3, 2 * int(random.integers(4, 7)))),),
        lambda output: np.roll(output, output.shape[1] // 2, axis=1),
        (lambda output: output, "nothing has changed; which half of the layer reads the reversed clip forwards?"),
        (lambda output: output[:, ::-1], "the halves swap places, but within each half the units keep their order"),
        (lambda output: output[::-1], "this reverses the order of the clips of the batch"),
        (lambda output: -output, "the output of a recurrent layer does not change its sign when the clip is reversed"),
    ),
    "4.3": truths(
        {
            "order of states": (True, "an average is the same, whatever the order in which the states are added up"),
            "reversed clip": (False, "each state depends on the frames before it: are they the same, in reverse?"),
        }
    ),
    "4.4": function(
        "largest(features, lengths)",
        _padded,
        _largest,
        (lambda features, lengths: features.max(1), "the frames after a clip's end are counted as well"),
        (
            lambda features, lengths: _largest(features, lengths, instead=0),
            "a feature that is negative in every frame comes out as 0: put something smaller after the end",
        ),
        (
            lambda features, lengths: _largest(features, lengths, longer=1),
            "one frame too many: a clip of 10 frames has the frames 0 to 9",
        ),
        (
            lambda features, lengths: _largest(features, lengths, longer=-1),
            "one frame too few: a clip of 10 frames ends with its frame 9",
        ),
        (
            lambda features, lengths: features[np.arange(len(features)), lengths - 1],
            "these are the features of the last frame; take the largest over all frames of the clip",
        ),
    ),
    "4.5": Exercise("a function", "open_gate(bias, by)", _open_gate),
    "4.6": truths(
        {
            "same features": (True, "all differences are one picture, rolled: the three conditions hold for them"),
            "blind": (False, "in the reversed clip, each difference also changes its sign: is that the same picture?"),
        }
    ),
    "4.7": function(
        "step(x, h, weights)",
        _gru_inputs,
        _gru_step,
        (lambda x, h, w: _gru_step(x, h, w, keep=False), "where z is 1, the old state stays: z and 1 - z are swapped"),
        (lambda x, h, w: _gru_step(x, h, w, swapped=True), "in the weights z comes first, and then r"),
        (_reset_first, "r multiplies h U + c, after the matrix: Keras has moved it there for speed"),
        (_one_bias, "there are two biases, and the second one, c, belongs to h U"),
        (_no_tanh, "the proposal passes through tanh, which keeps the state between -1 and 1"),
    ),
    "4.9": Exercise("a function", "step(kept, features)", _last_four),
    "5.1": function(
        "spread(features)",
        _features,
        lambda features: features.std(1),
        (lambda features: features.var(1), "this is the variance; take its root"),
        (lambda features: features.std(-1), "this pools over the features and keeps the frames: time is axis 1"),
        (lambda features: features.std(0), "this pools over the clips of the batch: time is axis 1"),
        (lambda features: features.std(1, ddof=1), "divide by T, not by T - 1: nothing is estimated here"),
        (lambda features: features.mean(1), "this is the average, which does not care for change"),
    ),
    "5.2": function(
        "best_three(features)",
        _features,
        lambda features: _sorted(features)[:, -3:].mean(1),
        (
            lambda features: _sorted(features)[:, :3].mean(1),
            "`sort` begins with the smallest value: these are the worst three",
        ),
        (lambda features: features[:, :3].mean(1), "these are the first three frames, whatever they hold"),
        (lambda features: _sorted(features)[:, -3:].sum(1), "this is the sum of the three; divide by their number"),
        (lambda features: _sorted(features)[:, -3], "this is the third alone; take the mean of three"),
        (
            lambda features: np.sort(features, axis=-1)[..., -3:].mean(-1),
            "these are the three largest features of each frame; take those of each feature over the frames",
        ),
    ),
    "5.3": truths(
        {
            "plain": (False, "an average is the same, whatever the order in which the frames are added up"),
            "shifted": (True, "at the seams the frames have new neighbours, and the shift compares neighbours"),
        }
    ),
    "5.4": Exercise("a list", "(frames with 4 channels, frames with 8)", _seen_frames),
    "5.5": function(
        "pool(x, r)",
        _series,
        lambda x, r: np.log(np.exp(r * x).mean()) / r,
        (lambda x, r: np.log(np.exp(r * x).sum()) / r, "the 1 / T is missing: take the mean, not the sum"),
        (lambda x, r: np.log(np.exp(r * x).mean()), "it still has to be divided by r"),
        (lambda x, r: np.log(np.exp(x).mean()) / r, "r also belongs inside of the exponential"),
        (lambda x, r: np.exp(r * x).mean() / r, "the logarithm is missing"),
    ),
    "5.6": truths(
        {
            "added": (False, "the vectors only add their own average, and it is the same for every clip"),
            "with a ReLU": (True, "the ReLU of a sum is no sum of ReLUs, so it matters which frame meets which vector"),
        }
    ),
    "5.7": Exercise("a model", "that tells `order`", _cheapest),
    "6.2": Exercise("a dict", '{"conv3d": (..., ...), ...}', _growth),
    "6.3": Exercise("a dict", '{"flip": [...], "backwards": [...]}', _harmless),
    "6.4": Exercise("a dict", '{"still": ..., "as before": ..., "backwards": ...}', _wheel),
    "6.5": Exercise("a model", "that tells `direction`", _budget),
    "7.1": function(
        "uniform(length, frames)",
        _film,
        lambda length, frames: (2 * np.arange(frames) + 1) * length // (2 * frames),
        (
            lambda length, frames: np.linspace(0, length - 1, frames).astype(int),
            "this takes the first and the last frame; the middle of each part is wanted",
        ),
        (
            lambda length, frames: np.linspace(0, length - 1, frames).round().astype(int),
            "this takes the first and the last frame; the middle of each part is wanted",
        ),
        (lambda length, frames: np.arange(frames) * length // frames, "this is where each part begins, not its middle"),
        (
            lambda length, frames: np.arange(frames) * (length // frames),
            "this is where each part begins, and the step is rounded: the end of the film is never seen",
        ),
        (
            lambda length, frames: np.arange(frames) * (length // frames) + length // frames // 2,
            "the step is rounded too early, so the end of the film is never seen: divide last",
        ),
        (
            lambda length, frames: (2 * np.arange(frames) + 1) * length / (2 * frames),
            "an index is an integer: round down",
        ),
        (lambda length, frames: np.arange(frames), "these are the first frames of the film"),
    ),
    "7.2": value(
        "a number of epochs",
        34,
        (33, "33 epochs are just short of enough: 1 - (14/15)^33 is less than 0.9"),
        (15, "after 15 epochs the clips have shown the flash once on average, but not with a probability of 90%"),
        (14, "the probabilities of single epochs do not add up: multiply the probabilities of missing it"),
        (1, "the clip takes one frame of each segment, and a segment has 15"),
    ),
    "7.3": truths(
        {
            "halves": (True, "both halves show the same place, the same light and the same person"),
            "people": (False, "the test has new people, and a face says nothing about what the person does"),
            "neighbours": (True, "clips of one long film share nearly everything but the moment"),
            "mirrored": (True, "a clip's mirror image may be in the test, and its answer was learned with the clip"),
        }
    ),
    "7.4": function(
        "crop(clips, top, left, size)",
        _crops,
        _cropped,
        (lambda clips, top, left, size: _cropped(clips, left, top, size), "`top` counts rows, `left` columns"),
        (
            lambda clips, top, left, size: _cropped(
                clips, np.full_like(top, top[0]), np.full_like(left, left[0]), size
            ),
            "this cuts all clips where the first one is cut: each clip has its own place",
        ),
        (
            lambda clips, top, left, size: clips[:, :, :size, :size],
            "this cuts out the upper left corner, whatever `top` and `left` are",
        ),
        (
            lambda clips, top, left, size: clips[:, :, (11 - size) // 2 :, (12 - size) // 2 :][:, :, :size, :size],
            "this cuts out the centre, whatever `top` and `left` are",
        ),
    ),
    "7.5": function(
        "source(numbers, clips_per_film)",
        lambda random: (random.permutation(40)[:20], int(random.integers(3, 7))),
        lambda numbers, clips_per_film: numbers // clips_per_film,
        (
            lambda numbers, clips_per_film: numbers % clips_per_film,
            "this is the place of a clip within its film: it puts the first clips of all films together",
        ),
        (
            lambda numbers, clips_per_film: numbers / clips_per_film,
            "a film's number is an integer: use integer division",
        ),
        (
            lambda numbers, clips_per_film: np.arange(len(numbers)) // clips_per_film,
            "this uses the places in the array, but the clips may come in any order",
        ),
        (
            lambda numbers, clips_per_film: numbers // clips_per_film + 1,
            "this counts the films from 1, but they are counted from 0, as the clips are",
        ),
    ),
    "7.7": value(
        "a number of steps",
        4603,
        (4602, "4,602 steps are just short of enough: 0.999^4602 is more than a hundredth"),
        (1000, "after 1,000 steps more than a third of the initial value is left: shares multiply, they do not add up"),
        (990, "each step takes a thousandth of what is left, not a thousandth of the whole"),
        (44, "that is right for a momentum of 0.9; here it is 0.999"),
        (459, "that is right for a momentum of 0.99; here it is 0.999"),
    ),
    "7.8": truths(
        {
            "average, reversed": (False, "an average of features does not depend on the order of its terms"),
            "differences, reversed": (
                True,
                "the last minus the first changes its sign when the clip is played backwards",
            ),
            "differences, middle": (False, "all frames but the first and the last cancel"),
            "GRU, middle": (True, "its state has read every frame, also those in the middle"),
            "GRU, moved": (False, "one input cannot have two answers: if the features are equal, no head can help"),
        }
    ),
    "7.9": function(
        "mean_change(features, lengths)",
        _padded,
        _mean_change,
        (
            lambda features, lengths: (features[:, -1] - features[:, 0]) / (features.shape[1] - 1),
            "this takes the last place of the array, which is after the end of a shorter clip",
        ),
        (
            lambda features, lengths: (features[:, -1] - features[:, 0]) / (lengths - 1)[:, None],
            "this takes the last place of the array, which is after the end of a shorter clip",
        ),
        (
            lambda features, lengths: _mean_change(features, lengths) * ((lengths - 1) / lengths)[:, None],
            "a clip of 10 frames has 9 differences",
        ),
        (
            lambda features, lengths: _mean_change(features, lengths) * (lengths - 1)[:, None],
            "this is the sum of the differences; divide it by their number",
        ),
        (
            lambda features, lengths: (
                _mean_change(features, lengths) * (lengths - 1)[:, None] / (features.shape[1] - 1)
            ),
            "a shorter clip has fewer differences: divide by their number in each clip",
        ),
        (lambda features, lengths: -_mean_change(features, lengths), "this is the first frame minus the last"),
    ),
    "8.1": function(
        "begin(scores, threshold, apart)",
        _scores,
        _begin,
        (
            lambda scores, threshold, apart: np.flatnonzero(scores > threshold),
            "these are all frames above the threshold; an alarm is the first of those that belong together",
        ),
        (_rises, "each rise counts as an alarm here; merge those that come fewer than `apart` frames later"),
        (
            lambda scores, threshold, apart: _begin(scores, threshold - 1, apart),
            "a score that equals the threshold is not above it",
        ),
        (_since_begin, "count from the last frame above the threshold, not from the one at which the alarm began"),
        (_one_short, "exactly `apart` frames later it is a new alarm"),
        (
            lambda scores, threshold, apart: _begin(scores, threshold, apart)[1:],
            "a score above the threshold at the first frame begins an alarm, too",
        ),
        (
            lambda scores, threshold, apart: len(_begin(scores, threshold, apart)),
            "this is how many alarms there are; return the frames at which they begin",
        ),
    ),
    "8.2": function(
        "hours_needed(false, per_hour)",
        _counts,
        _most,
        (
            lambda false, per_hour: _most(false, per_hour, 0.95),
            "above a 95% interval lie only 2.5%; which interval has 5% above it?",
        ),
        (
            lambda false, per_hour: _most(false, per_hour) * per_hour**2,
            "the rarer the alarms are to be, the longer the test has to last: divide by `per_hour`",
        ),
        (
            lambda false, per_hour: false / per_hour,
            "a watcher with twice as many alarms may have been lucky in the test: take the upper end of the interval",
        ),
        (
            lambda false, per_hour: _most(false, per_hour, end=0),
            "this is the interval's lower end, which says how many alarms there are at least",
        ),
        (lambda false, per_hour: _most(0, per_hour), "so long a test is enough if there was no false alarm at all"),
    ),
    "8.3": function(
        "new_windows(normal, faulty, length)",
        _poses,
        _new_windows,
        (
            lambda normal, faulty, length: _new_windows(normal, faulty, length, list),
            "this compares the windows in their order, but an average does not depend on it",
        ),
        (
            lambda normal, faulty, length: _new_windows(normal, faulty, length, set),
            "a set forgets how often a pose occurs; that is what a maximum sees, and an average counts",
        ),
        (
            lambda normal, faulty, length: _new_windows(normal, faulty, length, step=length),
            "a window begins at every frame, not only where the last one ended",
        ),
        (
            lambda normal, faulty, length: ~_new_windows(normal, faulty, length),
            "True should mark the windows that no normal run shows; these are the others",
        ),
        (
            lambda normal, faulty, length: _new_windows(faulty, normal, length),
            "these are windows of the normal run that the faulty one lacks; it is the other way round",
        ),
        (
            lambda normal, faulty, length: _new_windows(normal, faulty, length).sum(),
            "this is how many there are; return one truth value for each window of the faulty run",
        ),
    ),
    "8.4": truths(
        {
            "slow arm, single frame": (False, "a slow arm is in no pose that it does not pass anyway"),
            "two swings, maximum": (False, "parts of two swings show the poses of one, and a maximum does not count"),
            "two swings, average": (True, "a window then shows more frames of the arm than one swing has"),
            "no press, average": (False, "the arm and a long rest after it are, backwards, the rest before the arm"),
            "no press, GRU": (True, "after the arm only four frames of rest are normal, and a GRU reads the order"),
            "long rest, GRU on every third frame": (
                False,
                "after the press a rest of 60 frames is normal, and that is longer than the window",
            ),
        }
    ),
}
