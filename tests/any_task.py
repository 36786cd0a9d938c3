"""What the tests of all tasks need to know of one, taken from its `Task`."""

import numpy as np

import seqlib

OURS = ("shape", "direction", "order", "event", "duration")  # the course's own, of which tests know more
OUR_FAMILIES = (
    *("single_frame", "early_fusion", "average_pooling", "max_pooling", "attention_pooling"),
    *("conv3d", "conv2plus1d", "cnn_rnn", "conv_lstm"),
)
EVERY_KIND = [(task.name, kind) for task in seqlib.TASKS.values() for kind in task.twins]
ALL_LABELS = ("middle", "stretch")  # the kinds of twins whose sets hold each class once


def members(task, kind):
    """How many clips a twin set holds."""
    return len(seqlib.TASKS[task].classes) if kind in ALL_LABELS else 2


def lengths(task, frames=16):
    """For how many frames a block is seen by default, one number for each class."""
    block, _ = seqlib.TASKS[task].layout(frames)
    return np.broadcast_to(block, len(seqlib.TASKS[task].classes))


def enough_frames(task, options):
    """Options of clips with no fewer frames than the task needs."""
    least = seqlib.TASKS[task].least_frames
    return options | {"frames": max(least, options["frames"])} if "frames" in options else options
