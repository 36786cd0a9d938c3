"""The first training step of a new model: Keras traces it into a graph first, and PyTorch just takes it."""

import torch

from benchmarks import families
from benchmarks.compare import interleaved, row
from benchmarks.peers import torch_families

BATCH = 32


def rows(quick):
    """Compare the first step of a few families; there is no goal, the ratio is only named."""
    return [compared(name, rounds=1 if quick else 3) for name in families.FEW]


def compared(name, rounds):
    """Compare a family's first step, with all that has to be made for it but the model."""
    clips, labels = families.some_clips(BATCH)
    given = torch.from_numpy(clips), torch.from_numpy(labels)
    models = [families.ours(name) for _ in range(rounds + 1)]  # one to warm up
    peers = [families.in_pytorch(name) for _ in range(rounds + 1)]
    contestants = {
        "course": lambda: families.compiled(models.pop()).train_on_batch(clips, labels),
        "PyTorch": lambda: torch_families.training_step(peers.pop())(*given),
    }
    return row(name, interleaved(contestants, rounds, at_least=0), "course", {"PyTorch": None})
