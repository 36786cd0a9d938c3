"""What is drawn for A2: the task, its twins and the clips' shape. Texts and solutions are in ``A2.ipynb``."""

import itertools

import numpy as np

import seqlib
from grading.questions import Function, Mistake, Model, Trial, Written

# What students can import beside the standard library.
PACKAGES = ("numpy", "matplotlib", "seqlib", "tensorflow", "keras")

TWINS = {"direction": "reverse", "order": "swap"}
BLIND = {"direction": "average_pooling", "order": "max_pooling"}
POOL = {"direction": "average", "order": "maximum"}
OTHERWISE = {
    "direction": "the same frames, last one first: what moved right moves left",
    "order": "the two blocks of frames change places, as they are; all other frames stay",
}
LAYOUT = {frames: seqlib.TASKS["order"].layout(frames) for frames in (12, 16, 20)}  # (block, gap)
BUDGET = {"parameters": 60_000, "multiply_adds": 40_000_000}
SETS = {
    "all": "sets of which every member is right",
    "one": "sets of which exactly one member is right",
    "none": "sets of which no member is right",
    "same": "sets whose members were all given the same class, right or wrong",
}
SETS_CODE = {
    "all": "(answers == labels).all(axis=0)",
    "one": "(answers == labels).sum(axis=0) == 1",
    "none": "(answers != labels).all(axis=0)",
    "same": "(answers == answers[0]).all(axis=0)",
}


def clips_to_turn(draw, drawn):
    """Small clips of nothing in particular; in the task `order`, with the onsets of their first blocks."""
    cases = []
    for i in range(5):
        shape = (2 + i, drawn["frames"], 4 + i, 5 + i, 1)
        clips = draw.array(f"clips {i}", shape, 0, 255).astype(np.uint8)
        block, gap = LAYOUT[drawn["frames"]]
        onsets = draw.array(f"onsets {i}", (len(clips),), 0, drawn["frames"] - 2 * block - gap)
        cases.append((f"{len(clips)} clips", (clips, onsets) if drawn["task"] == "order" else (clips,)))
    return cases


def answers_to_count(draw, drawn):
    """Logits and labels, such that no two ways of counting come to the same number."""
    cases = []
    for i, (k, classes) in enumerate(((2, 2), (2, 4), (3, 3), (4, 4), (4, 5))):
        for attempt in itertools.count():
            labels = draw.array(f"labels {i} {attempt}", (k, 60), 0, classes - 1)
            answers = draw.array(f"answers {i} {attempt}", (k, 60), 0, classes - 1)
            answers = np.where(draw.array(f"right {i} {attempt}", (1, 60), 0, 3) == 0, labels, answers)
            counts = [int(eval(code, {"answers": answers, "labels": labels}).sum()) for code in SETS_CODE.values()]
            if len({*counts}) == len(counts):
                break
        logits = draw.array(f"logits {i}", (k, 60, classes), -99, 0) / 8
        np.put_along_axis(logits, answers[..., None], 1.0, axis=-1)
        cases.append((f"60 sets of {k}, {classes} classes", (logits, labels)))
    return cases


def clips_to_show(drawn):
    """Two clips that students see too, all zeros, with onsets in the task `order`."""
    clips = np.zeros((2, drawn["frames"], 4, 5, 1), np.uint8)
    return (clips, np.zeros(2, int)) if drawn["task"] == "order" else (clips,)


def shapes(drawn):
    """Return what a model takes and gives for each clip."""
    clip = (drawn["frames"], drawn["resolution"], drawn["resolution"], 1)
    return {"clip": clip, "shape": (len(seqlib.TASKS[drawn["task"]].classes),)}


def seen(draw, drawn):
    """Draw clips and on twin sets that nobody was trained on."""
    options = {"frames": drawn["frames"], "resolution": drawn["resolution"]}
    x, y = seqlib.clips(drawn["task"], 400, draw.integer("clips", 0, 2**32 - 1), **options)
    sets = seqlib.twins(drawn["task"], TWINS[drawn["task"]], 300, draw.integer("twins", 0, 2**32 - 1), **options)
    return [
        Trial("clips that are right", 0.3, 0.5, 0.95, x[None], y[None]),
        Trial("twin sets that are wholly right", 0.7, 0.4, 0.9, *sets),
    ]


QUESTIONS = (
    Function(
        "make_twins",
        10,
        {"first": ("the clip", "its twin")},
        clips_to_turn,
        clips_to_show,
        (Mistake("the members stand in the other order", "first"),),
        oral=(
            "What do the two members have in common, bit for bit? Show it in the code.",
            "Which member comes first, and which line decides that?",
        ),
    ),
    Function(
        "count_sets",
        10,
        {"count": tuple(SETS)},
        answers_to_count,
        lambda drawn: (np.zeros((2, 3, 2)), np.zeros((2, 3), int)),
        oral=(
            "What does it answer for a set whose members are all given the same class?",
            "How would you count sets of which exactly two members are right?",
        ),
    ),
    Model(
        "see",
        40,
        {"task": ("direction", "order"), "frames": tuple(LAYOUT), "resolution": (24, 32)},
        lambda drawn: BUDGET,
        seen,
        shapes,
        oral=(
            "Which layer is the first whose output depends on the order of the frames?",
            "Take this layer out: what is the most that the model can reach on twins?",
        ),
    ),
    Written(
        "why_blind", 15, oral=("Does the argument hold after training? And with noise of its own in every frame?",)
    ),
    Written("why_seeing", 25, oral=("Which twins would your model be blind to, and how did you come to believe it?",)),
)
