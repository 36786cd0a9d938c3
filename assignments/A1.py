"""What is drawn for A1: a variant of each question, and the hidden cases. Texts and solutions are in ``A1.ipynb``."""

import itertools
import operator

import numpy as np

from grading.questions import Function, Mistake, Written

PACKAGES = ("numpy", "matplotlib")  # what students can import beside the standard library

# What a choice is called in the text, and what it is in the solution's code.
FILL = {"edge": "their nearest frame, again and again", "blank": "blank frames, grey level 64 everywhere"}
FILL_CODE = {"edge": 'mode="edge"', "blank": "constant_values=64"}
SIDE = {"end": "after their last frame", "start": "before their first frame"}
SIDE_CODE = {"end": "(0, missing)", "start": "(missing, 0)"}

TIME = {
    "causal": "t - 1 frames of zeros before the first frame, nothing after the last (causal padding)",
    "centred": "t // 2 frames of zeros before the first frame, and t // 2 after the last",
    "anticausal": "nothing before the first frame, t - 1 frames of zeros after the last",
    "periodic": "before the first frame the t // 2 last ones, and after the last the t // 2 first ones (periodic)",
}
TIME_CODE = {
    "causal": "((t - 1, 0), (0, 0), (0, 0))",
    "centred": "((t // 2, t // 2), (0, 0), (0, 0))",
    "anticausal": "((0, t - 1), (0, 0), (0, 0))",
    "periodic": '((t // 2, t // 2), (0, 0), (0, 0)), mode="wrap"',
}
OTHER_TIME = {"causal": "centred", "centred": "causal", "anticausal": "centred", "periodic": "causal"}
SPACE = {"valid": "none", "same": "h // 2 rows of zeros above and below, w // 2 columns of zeros left and right"}
SPACE_CODE = {"valid": "", "same": "\n    clip = np.pad(clip, ((0, 0), (h // 2, h // 2), (w // 2, w // 2)))"}

ROUND = {"down": "what is left over at the end is dropped", "up": "what is left over at the end makes one more place"}
ORDER = {"last": "(T, H, W, C)", "first": "(C, T, H, W)"}
LAYERS = {"forward": "the one next to the clip first", "backward": "the one next to the output first"}

FOLD = {
    "clip": "clip by clip: first all frames of clip 0",
    "instant": "instant by instant: first frame 0 of every clip",
}
FOLD_CODE = {"clip": "(batch, -1, features.shape[-1])", "instant": "(-1, batch, features.shape[-1])"}
POOL = {"mean": "average", "max": "maximum"}
REAL = {"first": "the first ones", "last": "the last ones"}
REAL_CODE = {"first": "clip[:length]", "last": "clip[-length:]"}

TAPS = {"now": "`kernel[0]` meets the frame itself", "oldest": "`kernel[0]` meets the oldest frame"}
BEFORE = {"zeros": "zeros", "edge": "the first frame, again and again"}


def frames_met(place, time):
    """Say which frames of a clip of 12 a kernel of five meets at one place in time."""
    before = {"causal": 4, "centred": 2, "anticausal": 0, "periodic": 2}[time]
    frames = [place + tap - before for tap in range(5)]
    there = [frame % 12 for frame in frames if time == "periodic" or 0 <= frame < 12]
    return ", ".join(map(str, there))


def batches(draw, drawn):
    """Frames of clips that all have another length."""
    cases = []
    for i, clips in enumerate((2, 3, 3, 4, 5)):
        lengths = tuple(map(int, 2 + draw.order(f"lengths {i}", clips)))  # all different
        sizes = {"N": sum(lengths), "H": 5 + i, "W": 6 + i, "C": 3}
        frames = draw.array(f"frames {i}", [sizes[axis] for axis in drawn["axes"]], 65, 255).astype(np.uint8)
        cases.append((f"{clips} clips, {sizes['H']} x {sizes['W']} pixels", (frames, lengths)))
    return cases


def convolutions(draw, drawn):
    """Kernels at least three frames deep, over small whole numbers: what is right is exact."""
    cases = []
    for i, sizes in enumerate(((3, 3, 3), (3, 1, 5), (5, 3, 1), (3, 5, 3), (5, 3, 5))):
        clip = draw.array(f"clip {i}", (10 + i, 9 + i, 11 + i), -9, 9).astype(float)
        kernel = draw.array(f"kernel {i}", sizes, 1, 9).astype(float)
        cases.append(("a kernel of {} x {} x {}".format(*sizes), (clip, kernel)))
    return cases


def stacks(draw, drawn):
    """Layers that end in sizes which every way of pooling turns into others; so they are built from the end."""
    cases = []
    for i, depth in enumerate((1, 2, 2, 3, 4)):
        shape = [draw.choice(f"size {i} {axis}", (11, 13, 17, 19)) for axis in range(3)]
        layers = []
        for layer in reversed(range(depth)):
            name = f"{i} {layer} "
            kernel = tuple(draw.choice(f"{name} kernel {axis}", (1, 3, 5)) for axis in range(3))
            stride = tuple(draw.integer(f"{name} stride {axis}", 1, 2) for axis in range(3))
            padding = draw.choice(f"{name} padding", ("valid", "same"))
            for axis in range(3):
                spare = draw.integer(f"{name} spare {axis}", 0, stride[axis] - 1)
                valid = (shape[axis] - 1) * stride[axis] + kernel[axis] + spare
                shape[axis] = shape[axis] * stride[axis] - spare if padding == "same" else valid
            layers.insert(0, (draw.choice(f"{name} filters", (24, 32, 48, 64)), kernel, stride, padding))
        cases.append((f"{depth} convolution{'s' * (depth > 1)}", ((*shape, 1), tuple(layers))))
    return cases


EVERY = (2, 3, 4, 5, 6, 7)


def temporal_layers(draw, drawn):
    """Layers whose field is another one in either order, whichever of the camera's frames are taken."""
    cases = []
    for i, depth in enumerate((2, 3, 3, 4, 5)):
        for attempt in itertools.count():
            kernels, strides, dilations = (
                draw.array(f"{what} {i} {attempt}", (depth,), *span).tolist()
                for what, span in {"kernels": (2, 5), "strides": (1, 3), "dilations": (1, 3)}.items()
            )
            layers = tuple(zip(kernels, strides, dilations, strict=True))
            there, back = _reach(layers), _reach(layers[::-1])
            if all(there * one != back * other for one in EVERY for other in EVERY):
                break
        cases.append((f"{depth} layers", (layers if drawn["layers"] == "forward" else layers[::-1],)))
    return cases


def _reach(layers):
    steps = itertools.accumulate((stride for _, stride, _ in layers), operator.mul, initial=1)
    return sum((kernel - 1) * dilation * step for (kernel, _, dilation), step in zip(layers, steps, strict=False))


def folded(draw, drawn):
    """Features of clips that are all padded."""
    cases = []
    for i, clips in enumerate((2, 3, 4, 5, 6)):
        features = draw.array(f"features {i}", (clips * 7, 3 + i), -99, 99).astype(float)
        lengths = tuple(map(int, draw.array(f"lengths {i}", (clips,), 2, 6)))
        cases.append((f"{clips} clips of at most 7 frames", (features, lengths)))
    return cases


def sequences(draw, drawn):
    """Features of clips, some of them shorter than what the kernel reaches back to."""
    cases = []
    for i, depth in enumerate((2, 3, 3, 4, 5)):
        features = draw.array(f"features {i}", (2 + i, 6 + 2 * i, 3), -9, 9).astype(float)
        kernel = draw.array(f"kernel {i}", (depth, 3, 2 + i), 1, 9).astype(float)
        cases.append((f"a kernel {depth} frames deep", (features, kernel)))
    return cases


QUESTIONS = (
    Function(
        "to_batch",
        10,
        {"axes": ("NCHW", "CNHW", "HWCN", "CHWN", "WHNC"), "fill": tuple(FILL), "side": tuple(SIDE)},
        batches,
        lambda drawn: (np.zeros([{"N": 5, "H": 2, "W": 4, "C": 1}[axis] for axis in drawn["axes"]], np.uint8), (3, 2)),
        (
            Mistake("the padding is on the other side", "side"),
            Mistake("the padding has other values", "fill"),
        ),
        oral=(
            "Where does your code say which frames belong to which clip? What does it do if a length is 0?",
            "Show where the axes change places. What would `reshape` do there, and would the shape tell?",
        ),
    ),
    Function(
        "conv3d",
        20,
        {"time": tuple(TIME), "space": tuple(SPACE), "stride_t": (1, 2, 3), "stride_s": (1, 2)},
        convolutions,
        lambda drawn: (np.zeros((7, 8, 9)), np.zeros((3, 3, 3))),
        (
            Mistake("the padding in time is a different one", "time"),
            Mistake("the padding in space is a different one", "space"),
            Mistake("the kernel is flipped", wrong=lambda right, clip, k: right(clip, k[::-1, ::-1, ::-1])),
        ),
        oral=(
            "Where does it pad in time? Change it, aloud, to pad on the other side: which lines change?",
            "Which frames does the first frame of the answer see? And with a stride twice as large?",
        ),
    ),
    Function(
        "output_shape",
        10,
        {"pool": ((2, 2, 2), (3, 2, 2), (2, 3, 3), (3, 3, 3)), "rounding": tuple(ROUND), "order": tuple(ORDER)},
        stacks,
        lambda drawn: ((20, 30, 40, 1), ((8, (3, 3, 3), (1, 2, 2), "same"), (16, (3, 3, 3), (1, 1, 1), "valid"))),
        (
            Mistake("the pooling rounds the other way", "rounding"),
            Mistake("the channels stand at the other end", "order"),
        ),
        oral=(
            "Which line rounds, and which way? Give a size for which the other way gives another answer.",
            "What changes if the pooling comes before the convolutions?",
        ),
    ),
    Function(
        "frames_seen",
        10,
        {"layers": tuple(LAYERS), "every": EVERY},
        temporal_layers,
        lambda drawn: (((3, 1, 1), (3, 1, 2)),),
        (
            Mistake("the layers are taken in the other order", "layers"),
            Mistake("the answer is one frame too many", wrong=lambda right, layers: right(layers) + 1),
            Mistake("the answer is one frame too few", wrong=lambda right, layers: right(layers) - 1),
        ),
        oral=(
            "Why does a stride change the field of later layers, and not of its own?",
            "What changes if the layers come in the other order?",
        ),
    ),
    Function(
        "pool_clips",
        10,
        {"fold": tuple(FOLD), "pool_by": tuple(POOL), "real": tuple(REAL)},
        folded,
        lambda drawn: (np.zeros((6, 2)), (3, 1)),
        (
            Mistake("the real frames are looked for at the other end", "real"),
            Mistake("the rows are unfolded in the other order", "fold"),
        ),
        oral=(
            "How does it keep padding out of the answer? What comes out for a clip without any real frame?",
            "In which order do the rows lie? Show the line that would be wrong for the other order.",
        ),
    ),
    Function(
        "causal_conv",
        15,
        {"dilation": (1, 2, 3), "taps": tuple(TAPS), "before": tuple(BEFORE)},
        sequences,
        lambda drawn: (np.zeros((1, 9, 1)), np.zeros((2, 1, 1))),
        (
            Mistake("the kernel is flipped", "taps"),
            Mistake("the padding before the first frame has other values", "before"),
        ),
        oral=(
            "Which matrix meets the frame itself? Show it in the code, and change it to the other way.",
            "Where would a later frame leak in if the padding stood on the other side?",
        ),
    ),
    Written(
        "in_words",
        25,
        oral=(
            "Choose a sentence of yours that speaks of a number in your code, and change it. What becomes of it?",
            "Which part would be the same with another padding?",
        ),
    ),
)
