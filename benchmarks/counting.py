"""Counting right answers, clips in batches of 32: `seqlib.measure.accuracy`, Keras' own `predict`, PyTorch."""

import numpy as np
import torch

from benchmarks import families
from benchmarks.compare import interleaved, row
from seqlib import measure

CLIPS, BATCH = measure.MANY, 32


def rows(quick):
    """Compare how long it takes to count the right answers of each family."""
    return [compared(name, rounds=3 if quick else 5) for name in (["3D CNN"] if quick else families.NAMES)]


def compared(name, rounds):
    """Compare the counting of a family's right answers."""
    clips, labels = families.some_clips(CLIPS)
    model = families.ours(name)
    mirrored, wanted = torch.from_numpy(clips).flip(2, 3).contiguous(), torch.from_numpy(labels)

    def in_pytorch(channels_last=False, compiled=False):
        family = families.in_pytorch(name, model, channels_last=channels_last).eval()
        answer = torch.compile(family) if compiled else family

        def count():
            with torch.inference_mode():
                pairs = zip(mirrored.split(BATCH), wanted.split(BATCH), strict=True)
                return sum(int((answer(x).argmax(1) == y).sum()) for x, y in pairs)

        return count

    def by_keras():
        return int((model.predict(clips, batch_size=BATCH, verbose=0).argmax(1) == labels).sum())

    contestants = {
        "course": lambda: measure.accuracy(model, clips, labels).right,
        "Keras": by_keras,
        "PyTorch, channels first": in_pytorch(),
        "PyTorch, channels last": in_pytorch(channels_last=True),
    }
    if name in families.FEW:
        contestants["PyTorch, compiled"] = in_pytorch(compiled=True)
    counts = {who: call() for who, call in contestants.items()}
    assert np.ptp(list(counts.values())) <= 1, counts  # a close call may be rounded otherwise
    return row(name, interleaved(contestants, rounds), "course", {"Keras": 1.0, "PyTorch": 1.0}, clips=CLIPS)
