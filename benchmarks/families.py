"""The families that are compared, here and in PyTorch, and the clips that they are compared on."""

import numpy as np
import torch

import seqlib
from benchmarks.peers import torch_families
from seqlib import measure, models
from seqlib.backend import keras
from tools import study

CLIP, CLASSES = (16, 32, 32, 1), 4
NAMES = tuple(torch_families.BUILD)
FEW = ("average pooling", "3D CNN", "CNN + GRU")  # where all would take too long


def ours(name, clip_shape=CLIP):
    """Build a family of the course, untrained; a `keras.Model`."""
    family = study.FAMILIES[name]
    return getattr(models, family["family"])(CLASSES, clip_shape, **family["settings"])


def in_pytorch(name, model=None, clip_shape=CLIP, channels_last=False):
    """Build a family in PyTorch, with a model's weights if one is given. It has as many parameters as the course's."""
    torch.manual_seed(0)
    family = torch_families.BUILD[name](clip_shape)
    if model is not None:
        assert torch_families.parameters(family) == measure.parameters(model), name
        torch_families.copy(model, family)
    return torch_families.layout(family, channels_last)


def difference(name):
    """Return by how much the logits of the two differ at most on the same clips, with the same weights; float."""
    model, clips = ours(name), some_clips(8)[0]
    with torch.inference_mode():
        answer = in_pytorch(name, model)(torch.from_numpy(clips).flip(2, 3)).numpy()
    return float(np.abs(answer - measure.logits(model, clips)).max())


def some_clips(n, **options):
    """Draw clips and labels of `direction`, as arrays."""
    return seqlib.clips("direction", n, **options)


def compiled(model):
    """Compile a model for training as `seqlib.training.fit` does, but for the accuracy, which is counted apart."""
    model.compile(
        keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    model.optimizer.build(model.trainable_variables)
    return model
