"""One training step of each family: clips forwards and backwards, and Adam's update; against PyTorch at its best."""

import torch

from benchmarks import families
from benchmarks.compare import interleaved, row, spread
from benchmarks.peers import torch_families

BATCH = 32


def rows(quick):
    """Compare a step of each family, 32 clips."""
    return [compared(name, rounds=5 if quick else 9) for name in (["3D CNN"] if quick else families.NAMES)]


def compared(name, rounds):
    """Compare a family's step with PyTorch's in both memory layouts, and for a few compiled in the better of the two.

    To compile takes many times as long as all that is timed.
    """
    clips, labels = families.some_clips(BATCH)
    model = families.compiled(families.ours(name))
    given = torch.from_numpy(clips), torch.from_numpy(labels)

    def in_pytorch(channels_last, compiled=False):
        step = torch_families.training_step(families.in_pytorch(name, model, channels_last=channels_last), compiled)
        return lambda: step(*given)

    layouts = {"PyTorch, channels first": in_pytorch(False), "PyTorch, channels last": in_pytorch(True)}
    first, last = (spread(seconds)[1] for seconds in interleaved(layouts, 3).values())
    contestants = {"course": lambda: model.train_on_batch(clips, labels)} | layouts
    if name in families.FEW:
        contestants["PyTorch, compiled"] = in_pytorch(last < first, compiled=True)
    return row(name, interleaved(contestants, rounds), "course", {"PyTorch": 1.0}, difference=families.difference(name))
