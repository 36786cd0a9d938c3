"""What is drawn for A3: the task, the clips' shape and the budget. Texts and solutions are in ``A3.ipynb``."""

import seqlib
from grading.questions import Function, Mistake, Model, Trial, Written

# What students can import beside the standard library.
PACKAGES = ("numpy", "matplotlib", "seqlib", "tensorflow", "keras")

TWINS = {"direction": "middle", "order": "swap", "duration": "stretch", "event": "shift"}
KINDS = {
    "whole": "one kernel of t x h x w for each pair of an input and an output channel",
    "split": "split in two: first 1 x h x w, from the input's channels to as many as the layer has filters, with the "
    "strides in space; then t x 1 x 1, from these to as many again, with the stride in time",
    "depthwise": "split in two: first one kernel of t x h x w for each input channel by itself, with the strides; then "
    "1 x 1 x 1, from the input's channels to as many as the layer has filters",
}
KINDS_CODE = {
    "whole": "[(kernel, stride, channels * filters, filters)]",
    "split": """[
            ((1, *kernel[1:]), (1, *stride[1:]), channels * filters, filters),
            ((kernel[0], 1, 1), (stride[0], 1, 1), filters * filters, filters),
        ]""",
    "depthwise": "[(kernel, stride, channels, channels), ((1, 1, 1), (1, 1, 1), channels * filters, filters)]",
}
PADDING = {"valid": "nothing is added", "same": "the output has the input's size divided by the stride, rounded up"}
BIAS = {"biases": "a bias for each output channel of each convolution", "no biases": "no biases"}


def budget(drawn):
    """Return what a model may cost; the multiply-adds grow with the clip."""
    pixels = drawn["frames"] * drawn["resolution"] ** 2
    return {"parameters": drawn["parameters"], "multiply_adds": round(drawn["per_pixel"] * pixels, -4)}


def stacks(draw, drawn):
    """Stacks of layers whose sizes stay positive even with valid padding."""
    cases = []
    for i, depth in enumerate((1, 1, 2, 2, 3)):
        layers = tuple(
            (
                draw.choice(f"filters {i} {j}", (4, 8, 12, 16)),
                tuple(draw.choice(f"kernel {i} {j} {axis}", (3, 5)) for axis in range(3)),
                tuple(draw.integer(f"stride {i} {j} {axis}", 1, 2) for axis in range(3)),
            )
            for j in range(depth)
        )
        shape = (*(draw.integer(f"size {i} {axis}", 40, 60) for axis in range(3)), draw.integer(f"channels {i}", 2, 3))
        cases.append((f"{depth} layer{'s' * (depth > 1)}", (shape, layers)))
    return cases


def shapes(drawn):
    """Return what a model takes and gives for each clip."""
    clip = (drawn["frames"], drawn["resolution"], drawn["resolution"], 1)
    return {"clip": clip, "shape": (len(seqlib.TASKS[drawn["task"]].classes),)}


def seen(draw, drawn):
    """Draw clips and on twin sets that nobody was trained on."""
    options = {"frames": drawn["frames"], "resolution": drawn["resolution"]}
    task = seqlib.TASKS[drawn["task"]]
    x, y = seqlib.clips(task, 600, draw.integer("clips", 0, 2**32 - 1), **options)
    kind = TWINS[task.name]
    sets = seqlib.twins(task, kind, 200, draw.integer("twins", 0, 2**32 - 1), **options)
    return [
        Trial("clips that are right", 0.6, task.chance, 0.95, x[None], y[None]),
        Trial(f"`{kind}` twin sets that are wholly right", 0.4, task.chance, 0.85, *sets),
    ]


QUESTIONS = (
    Function(
        "cost",
        25,
        {"kind": tuple(KINDS), "padding": tuple(PADDING), "bias": tuple(BIAS)},
        stacks,
        lambda drawn: ((9, 10, 11, 2), ((4, (3, 3, 3), (1, 2, 2)),)),
        (Mistake("the padding is a different one", "padding"), Mistake("biases are counted the other way", "bias")),
        oral=(
            "Which line is about the padding? Change it, aloud, to the other padding.",
            "Why is the stride no part of the parameters?",
        ),
    ),
    Model(
        "design",
        50,
        {
            "task": tuple(TWINS),
            "frames": (12, 16, 20),
            "resolution": (24, 32),
            "parameters": (5_000, 6_000, 8_000),
            "per_pixel": (110, 130, 150),
        },
        budget,
        seen,
        shapes,
        oral=(
            "Which layer takes most of the multiply-adds, and how could you halve them?",
            "How many frames does one unit see before the frames are merged? Work it out in the code.",
        ),
    ),
    Written("why_this", 25, oral=("Which sentence would be another one for another task of the course?",)),
)
