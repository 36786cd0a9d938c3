"""The families in PyTorch: the same layers, the same number of parameters, and with `copy` the same answers.

They are written as somebody would who wants them fast: frames are folded into the batch, ReLU works in place, and a
ConvLSTM convolves its four gates at once. Clips come as uint8 (B, T, H, W, C), as in the course, and are rescaled.

Where a stride is 2, Keras pads an even image behind its last pixel and PyTorch before its first. So `copy` mirrors
the kernels in space, and a family here answers about the mirrored clip what that of the course answers about the clip.
"""

import numpy as np
import torch
from torch import nn, relu_
from torch.nn.functional import cross_entropy, max_pool2d

from seqlib.rendering import BACKGROUND

CLASSES, UNITS = 4, 32
CELLS = {"simple": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Image(nn.Module):
    """The 2D CNN of `single_frame`, which reads frame T // 2, and of `early_fusion`, to which frames are channels."""

    def __init__(self, clip_shape, stacked):
        super().__init__()
        frames, _, _, channels = clip_shape
        self.stacked, self.middle = stacked, frames // 2
        self.conv1 = nn.Conv2d(frames * channels if stacked else channels, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1)
        self.dense, self.logits = nn.Linear(64, 64), nn.Linear(64, CLASSES)

    def forward(self, clips):
        """Answer about clips: logits (B, CLASSES)."""
        x = clips if self.stacked else clips[:, self.middle : self.middle + 1]
        x = rescaled(x.permute(0, 1, 4, 2, 3).flatten(1, 2))
        x = max_pool2d(relu_(self.conv1(x)), 2)
        x = max_pool2d(relu_(self.conv2(x)), 2)
        x = relu_(self.conv3(x)).amax((2, 3))
        return self.logits(relu_(self.dense(x)))


class Pooled(nn.Module):
    """A 2D CNN for each frame, whose features are pooled over time or read by a recurrent layer.

    ``how`` is "average", "maximum", "attention", or a cell of `CELLS`.
    """

    def __init__(self, clip_shape, how):
        super().__init__()
        _, height, width, channels = clip_shape
        self.how = how
        self.conv1 = nn.Conv2d(channels, 16, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(32, 16, 3, padding=1)
        features = 16 * (height // 8) * (width // 8)
        if how == "attention":
            self.query, self.score = nn.Linear(features, 32), nn.Linear(32, 1)
        if how in CELLS:
            self.recurrent = CELLS[how](features, UNITS, batch_first=True)
            if how != "gru":  # the course's have one bias, not one for the input and one for the state
                nn.init.zeros_(self.recurrent.bias_hh_l0)
                self.recurrent.bias_hh_l0.requires_grad_(False)
        self.dense = nn.Linear(UNITS if how in CELLS else features, 64)
        self.logits = nn.Linear(64, CLASSES)

    def features(self, clips):
        """Compute the features of each frame, (B, T, F)."""
        x = rescaled(clips.flatten(0, 1).permute(0, 3, 1, 2))
        x = relu_(self.conv1(x))
        x = relu_(self.conv2(x))
        x = max_pool2d(relu_(self.conv3(x)), 2)
        return x.flatten(1).unflatten(0, clips.shape[:2])

    def head(self, x):
        """Turn features of clips into logits."""
        return self.logits(relu_(self.dense(x)))

    def forward(self, clips):
        """Answer about clips: logits (B, CLASSES)."""
        x = self.features(clips)
        if self.how == "average":
            x = x.mean(1)
        elif self.how == "maximum":
            x = x.amax(1)
        elif self.how == "attention":
            x = (self.score(torch.tanh(self.query(x))).softmax(1) * x).sum(1)
        else:
            x = self.recurrent(x)[0][:, -1]
        return self.head(x)


class Space(nn.Module):
    """The 3D CNN, or with ``split`` the (2+1)D network."""

    def __init__(self, clip_shape, split):
        super().__init__()
        self.split = split
        first, second = ((1, 3, 3), (0, 1, 1)) if split else ((3, 3, 3), (1, 1, 1))
        names = ("space1", "space2") if split else ("conv1", "conv2")
        self.add_module(names[0], nn.Conv3d(clip_shape[-1], 16, first, stride=(1, 2, 2), padding=second))
        self.add_module(names[1], nn.Conv3d(16, 32, first, stride=(1, 2, 2), padding=second))
        if split:
            self.time1 = nn.Conv3d(16, 16, (3, 1, 1), padding=(1, 0, 0))
            self.time2 = nn.Conv3d(32, 32, (3, 1, 1), padding=(1, 0, 0))
        self.conv3 = nn.Conv3d(32, 32, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
        self.dense, self.logits = nn.Linear(32, 64), nn.Linear(64, CLASSES)

    def forward(self, clips):
        """Answer about clips: logits (B, CLASSES)."""
        x = rescaled(clips.permute(0, 4, 1, 2, 3))
        names = ("space1", "time1", "space2", "time2", "conv3") if self.split else ("conv1", "conv2", "conv3")
        for name in names:
            x = relu_(getattr(self, name)(x))
        return self.logits(relu_(self.dense(x.amax((2, 3, 4)))))


class ConvLSTM(nn.Module):
    """A CNN whose last convolution is an LSTM; the inputs of all frames are convolved at once."""

    def __init__(self, clip_shape):
        super().__init__()
        self.conv1 = nn.Conv2d(clip_shape[-1], 8, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.of_input = nn.Conv2d(16, 4 * 16, 3, padding=1)
        self.of_state = nn.Conv2d(16, 4 * 16, 3, padding=1, bias=False)
        self.dense, self.logits = nn.Linear(16, 64), nn.Linear(64, CLASSES)

    def forward(self, clips):
        """Answer about clips: logits (B, CLASSES)."""
        x = rescaled(clips.flatten(0, 1).permute(0, 3, 1, 2))
        x = relu_(self.conv2(relu_(self.conv1(x))))
        given = self.of_input(x).unflatten(0, clips.shape[:2])
        state = torch.zeros_like(given[:, 0, :16])
        cell = state
        for frame in range(clips.shape[1]):
            gates = given[:, frame] + self.of_state(state)
            keep, forget, new, show = gates.chunk(4, 1)
            cell = torch.sigmoid(forget) * cell + torch.sigmoid(keep) * torch.tanh(new)
            state = torch.sigmoid(show) * torch.tanh(cell)
        return self.logits(relu_(self.dense(state.amax((2, 3)))))


BUILD = {
    "single frame": lambda shape: Image(shape, stacked=False),
    "early fusion": lambda shape: Image(shape, stacked=True),
    "average pooling": lambda shape: Pooled(shape, "average"),
    "max pooling": lambda shape: Pooled(shape, "maximum"),
    "attention": lambda shape: Pooled(shape, "attention"),
    "3D CNN": lambda shape: Space(shape, split=False),
    "(2+1)D": lambda shape: Space(shape, split=True),
    "CNN + SimpleRNN": lambda shape: Pooled(shape, "simple"),
    "CNN + GRU": lambda shape: Pooled(shape, "gru"),
    "CNN + LSTM": lambda shape: Pooled(shape, "lstm"),
    "ConvLSTM": ConvLSTM,
}


def rescaled(x):
    """Rescale uint8 pixels as the course's first layer does."""
    return x.float().mul_(1 / BACKGROUND).sub_(1)


def parameters(family):
    """Count what is trained; int."""
    return sum(p.numel() for p in family.parameters() if p.requires_grad)


def layout(family, channels_last):
    """Store a family's kernels with channels first, PyTorch's default, or last; returns the family."""
    if not channels_last:
        return family
    for module in family.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            last = torch.channels_last if isinstance(module, nn.Conv2d) else torch.channels_last_3d
            module.to(memory_format=last)
    return family


def training_step(family, compiled=False, rate=1e-3):
    """Return a function of clips and labels (tensors) that takes one step of Adam on the cross-entropy.

    The answer is run through `torch.compile` if ``compiled``. Adam is PyTorch's fused one, the fastest here.
    """
    optimizer = torch.optim.Adam((p for p in family.parameters() if p.requires_grad), lr=rate, eps=1e-7, fused=True)
    answer = torch.compile(family, dynamic=False) if compiled else family

    def step(clips, labels):
        optimizer.zero_grad(set_to_none=True)
        loss = cross_entropy(answer(clips), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def copy(model, family):
    """Copy a Keras model's weights, mirrored, into the same family here.

    Afterwards ``family(clips.flip(2, 3))`` is what ``model(clips)`` is, but for rounding.
    """
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}
    height = next((layer.output.shape[2] for layer in model.layers if layer.name == "pool"), None)
    for name, arrays in weights.items():
        if name in CELLS:
            _copy_cell(name, family.recurrent, arrays, height)
        elif name == "conv_lstm":
            kernel, recurrent, bias = arrays
            _set(family.of_input.weight, _kernel(kernel))
            _set(family.of_input.bias, bias)
            _set(family.of_state.weight, _kernel(recurrent))
        else:
            kernel, bias = arrays
            module = getattr(family, name)
            if name == "query" or (name == "dense" and getattr(family, "how", None) in FLAT):
                kernel = _mirrored(kernel, height)
            _set(module.weight, _kernel(kernel) if kernel.ndim > 2 else kernel.T)
            _set(module.bias, bias)
    return family


FLAT = ("average", "maximum", "attention")  # whose dense layer reads a frame's feature map


def _copy_cell(name, recurrent, arrays, height):
    kernel, state, bias = arrays
    kernel = _mirrored(kernel, height)
    if name == "gru":  # Keras: update, reset, new; PyTorch: reset, update, new
        order = np.r_[UNITS : 2 * UNITS, :UNITS, 2 * UNITS : 3 * UNITS]
        kernel, state, bias = kernel[:, order], state[:, order], bias[:, order]
        _set(recurrent.bias_hh_l0, bias[1])
        bias = bias[0]
    _set(recurrent.weight_ih_l0, kernel.T)
    _set(recurrent.weight_hh_l0, state.T)
    _set(recurrent.bias_ih_l0, bias)


def _kernel(kernel):
    """Mirror a kernel in space, and put its channels first: (..., H, W, in, out) to (out, in, ..., H, W)."""
    mirrored = kernel[..., ::-1, ::-1, :, :]
    return np.moveaxis(mirrored, (-1, -2), (0, 1))


def _mirrored(kernel, height):
    """Put the rows of a matrix that reads a flat feature map into the order of a mirrored one with channels first."""
    maps = kernel.reshape(height, -1, 16, kernel.shape[1])[::-1, ::-1]
    return maps.transpose(2, 0, 1, 3).reshape(kernel.shape)


def _set(parameter, array):
    """Set a parameter; a kernel one frame deep loses that axis."""
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)).reshape(parameter.shape))
