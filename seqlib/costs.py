"""Multiply-adds: what a model's call costs, counted for each layer while the call is traced."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from contextlib import contextmanager
from typing import NamedTuple

from .backend import keras

__all__ = ["Layer", "layer_costs", "multiply_adds"]

layers, ops, tree = keras.layers, keras.ops, keras.tree


class Layer(NamedTuple):
    """What one layer costs; see `layer_costs`."""

    name: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def layer_costs(model: keras.Model) -> list[Layer]:
    """List the layers with their parameters and multiply-adds for one clip.

    The model's call is traced, without computing anything, and each call of a layer within it is counted with the
    shapes that it meets. So a layer that is called twice counts twice, and a layer or model in a ``TimeDistributed``
    counts once for each frame. A row stands for a layer of the model, with all that is called within it; if the layer
    is called several times, ``output_shape`` is that of its first call, and of several outputs that of the first.

    A kernel weight is used once for each place, and in a recurrent layer once for each frame, at which its layer is
    evaluated: a layer's multiply-adds are its kernels' weights times those. Attention layers also multiply queries by
    keys, and weights by values; that is counted. Biases, activations, pooling, normalisation, the gates' products and
    whatever works on each number by itself are not counted, as is customary. Nor are products without a kernel outside
    of the attention layers: those of ``Dot``, ``Lambda`` and operations such as ``keras.ops.matmul``.

    Parameters
    ----------
    model : keras.Model
        A functional or a sequential model whose inputs have known shapes.

    Returns
    -------
    list of Layer

    Raises
    ------
    TypeError
        For a layer with weights whose multiply-adds are not known here, and for a model that does not say what it
        takes: one with a ``call`` of its own, or one that is not built.
    ValueError
        If the length of an axis is not known.

    Examples
    --------
    >>> import seqlib
    >>> [(cost.name, cost.multiply_adds) for cost in layer_costs(seqlib.models.single_frame(4)) if cost.multiply_adds]
    [('conv1', 147456), ('conv2', 1179648), ('conv3', 1179648), ('dense', 4096), ('logits', 256)]
    """
    clips = _inputs(model)
    batch = tree.flatten(clips)[0].shape[0]
    trace = _Trace(model)
    trace.run(clips)
    return [
        Layer(layer.name, trace.output_shape(layer), layer.count_params(), trace.multiply_adds[id(layer)] // batch)
        for layer in model.layers
    ]


def multiply_adds(model: keras.Model) -> int:
    """Count a model's multiply-adds (MACs) for one clip; int. See `layer_costs`.

    Raises
    ------
    TypeError
        For a layer with weights whose multiply-adds are not known here, and for a model that does not say what it
        takes.
    ValueError
        If the length of an axis is not known.

    Examples
    --------
    >>> import seqlib
    >>> multiply_adds(seqlib.models.single_frame(4))
    2511104
    """
    return sum(cost.multiply_adds for cost in layer_costs(model))


def _inputs(model):
    """Return symbolic inputs as the model takes them, with a batch of one clip unless the model fixes another."""
    if not getattr(model, "inputs", None):
        raise TypeError(
            f"model must be a built functional or Sequential model, not the {type(model).__name__} "
            f"{getattr(model, 'name', model)!r}, whose input shape is unknown: write "
            "`clip = keras.Input((16, 32, 32, 1))`, and give `keras.Model(clip, model(clip))`"
        )

    def symbolic(tensor):
        batch, *shape = tensor.shape
        if None in shape:
            raise ValueError(
                f"model must have a known input shape, not {tuple(shape)}, because its cost depends on every axis: "
                "write `clip = keras.Input((16, 32, 32, 1))`, and give `keras.Model(clip, model(clip))`"
            )
        return keras.KerasTensor((batch or 1, *shape), tensor.dtype)

    return tree.map_structure(symbolic, model.inputs[0] if isinstance(model, keras.Sequential) else model.input)


class _Trace:
    """A model's call, in which each call of a layer is counted for the layer of the model that it belongs to."""

    def __init__(self, model):
        self.model = model
        self.multiply_adds = Counter()  # by the id of a layer of the model
        self._own = {id(layer) for layer in model.layers}
        self._shapes = {}  # of outputs, by the id of a layer of the model
        self._belongs_to = None  # the id of the layer of the model whose call is under way
        self._times = 1  # how often what is called now is called
        self._paused = False
        self._counted = set()  # the ids of the weights whose work is counted, or known to be none
        self._refusals = []  # errors; Keras would wrap them in its own if they were raised while it traces

    def run(self, inputs):
        """Trace the model's call on symbolic inputs."""
        call_layer, model = layers.Layer.__call__, self.model

        class Call(layers.Layer):  # Keras traces what a layer does if it has no other way to know its outputs' shapes
            def call(self, inputs):
                return model(inputs, training=False)

        def observed(layer, *args, **kwargs):
            return self._call(call_layer, layer, args, kwargs)

        layers.Layer.__call__ = observed  # for the time of the trace: Keras has no hook for calls
        try:
            Call().compute_output_spec(inputs)
        finally:
            layers.Layer.__call__ = call_layer
        if self._refusals:
            raise self._refusals[0]

    def output_shape(self, layer):
        """Return the shape of a layer's first output, without the batch axis."""
        shape = self._shapes.get(id(layer)) or _shapes_of(layer.output)[0]  # an input is not called
        return tuple(shape[1:])

    def _call(self, call_layer, layer, args, kwargs):
        if self._paused:
            return call_layer(layer, *args, **kwargs)
        outermost = self._belongs_to is None and id(layer) in self._own
        if outermost:
            self._belongs_to = id(layer)
        try:
            outputs = self._counted_call(call_layer, layer, args, kwargs)
        finally:
            if outermost:
                self._belongs_to = None
        if outermost:
            self._shapes.setdefault(id(layer), _shapes_of(outputs)[0])
        return outputs

    def _counted_call(self, call_layer, layer, args, kwargs):
        """Call a layer; count its own work, and that of the layers which it calls."""
        if isinstance(layer, layers.TimeDistributed) and self._known(layer, _inputs_of(layer, args, kwargs)):
            return self._every_frame(layer, *args, **kwargs)
        if isinstance(layer, layers.RNN):
            with self._set("_paused", True):
                outputs = call_layer(layer, *args, **kwargs)
            self._every_step(layer, _inputs_of(layer, args, kwargs))
            return outputs
        outputs = call_layer(layer, *args, **kwargs)
        work = _work(layer)
        if work is not None:
            self._count(layer, work, _inputs_of(layer, args, kwargs), _shapes_of(outputs))
        missing = [weight for weight in layer.weights if id(weight) not in self._counted]
        if missing:
            names = ", ".join(weight.name for weight in missing)
            self._refuse(
                TypeError(
                    f"model must consist of layers whose multiply-adds are known, not of {layer.name!r}, a "
                    f"{type(layer).__name__} with weights of its own ({names}): build it from Keras' layers"
                ),
                missing,
            )
        return outputs

    def _every_frame(self, layer, inputs, **_):
        """Call the layer in a TimeDistributed on one frame, as often as there are frames."""
        frame = tree.map_structure(lambda x: ops.zeros((x.shape[0], *x.shape[2:]), x.dtype), inputs)
        frames = tree.flatten(inputs)[0].shape[1]
        with self._set("_times", self._times * frames):
            outputs = layer.layer(frame)
        return tree.map_structure(lambda x: ops.repeat(ops.expand_dims(x, 1), frames, axis=1), outputs)

    def _every_step(self, layer, inputs):
        """Call a recurrent layer's cell on one frame, as often as there are frames."""
        if not self._known(layer, inputs):
            return
        batch, frames, *shape = inputs[0]
        states = layer.get_initial_state(batch)
        with self._set("_times", self._times * frames):
            if isinstance(layer, (layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)):
                self._count(layer.cell, _cell, [], _shapes_of(states))
            else:
                layer.cell(ops.zeros((batch, *shape), layer.compute_dtype), states)

    def _count(self, layer, work, inputs, outputs):
        self._counted |= {id(weight) for weight in layer.weights}
        if self._known(layer, [*inputs, *outputs]):
            self.multiply_adds[self._belongs_to] += self._times * work(layer, inputs, outputs)

    def _known(self, layer, shapes):
        """Whether each length is known; refuses the model if not."""
        for shape in shapes:
            if None in shape:
                self._refuse(
                    ValueError(
                        f"model must have a known shape at every layer, but its layer {layer.name!r} gets {shape}: "
                        "give the lengths with a `keras.layers.Reshape` before it"
                    ),
                    layer.weights,
                )
                return False
        return True

    def _refuse(self, error, weights):
        self._refusals.append(error)
        self._counted |= {id(weight) for weight in weights}

    @contextmanager
    def _set(self, name, value):
        before = getattr(self, name)
        setattr(self, name, value)
        try:
            yield
        finally:
            setattr(self, name, before)


def _shapes_of(tensors):
    return [tuple(tensor.shape) for tensor in tree.flatten(tensors) if hasattr(tensor, "shape")]


def _inputs_of(layer, args, kwargs):
    """Return the shapes of a call's inputs, in the order of the layer's signature."""
    signature = inspect.signature(layer.call)
    known = {name: value for name, value in kwargs.items() if name in signature.parameters}
    return _shapes_of(list(signature.bind_partial(*args, **known).arguments.values()))


# How many multiply-adds one call does: functions of the layer and of its inputs' and outputs' shapes, batch included.


def _places(layer, shape):
    """Count the places of a feature map, in the whole batch."""
    return math.prod(shape[:-1] if layer.data_format == "channels_last" else (shape[0], *shape[2:]))


def _convolution(layer, inputs, outputs):
    return _places(layer, outputs[0]) * math.prod(layer.kernel.shape)


def _transposed(layer, inputs, outputs):
    return _places(layer, inputs[0]) * math.prod(layer.kernel.shape)


def _separable(layer, inputs, outputs):
    kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
    return _places(layer, outputs[0]) * sum(math.prod(kernel.shape) for kernel in kernels)


def _dense(layer, inputs, outputs):
    return math.prod(inputs[0]) * outputs[0][-1]


def _einsum(layer, inputs, outputs):
    """Multiply the lengths of all axes that the equation names."""
    input_axes, kernel_axes = layer.equation.split("->")[0].split(",")
    further = [n for axis, n in zip(kernel_axes, layer.kernel.shape, strict=True) if axis not in input_axes]
    return math.prod(inputs[0]) * math.prod(further)


def _cell(layer, inputs, outputs):
    """Use both kernels at each place of the state, which is the first output."""
    kernels, units = (layer.kernel, layer.recurrent_kernel), layer.recurrent_kernel.shape[-2]
    return math.prod(outputs[0]) // units * sum(math.prod(kernel.shape) for kernel in kernels)


def _attention(layer, inputs, outputs):
    """Multiply queries by keys (in an additive attention their sum by the scale), and weights by values."""
    query, value = inputs[:2]
    return math.prod(query[:-1]) * value[1] * (query[-1] + value[-1])


def _multi_head(layer, inputs, outputs):
    """Multiply queries by keys, and weights by values; the projections are layers of their own."""
    (query, value), config = inputs[:2], layer.get_config()
    axes = config["attention_axes"] or range(1, len(value) - 1)
    pairs = math.prod(query[:-1]) * math.prod(value[axis] for axis in axes)
    return pairs * config["num_heads"] * (config["key_dim"] + (config["value_dim"] or config["key_dim"]))


def _grouped_query(layer, inputs, outputs):
    (query, value), config = inputs[:2], layer.get_config()
    return math.prod(query[:-1]) * value[1] * config["num_query_heads"] * 2 * config["head_dim"]


def _reversible(layer, inputs, outputs):
    """Look numbers up, or, reversed, multiply by the table of embeddings."""
    reverse = len(inputs[0]) == len(outputs[0])
    return math.prod(inputs[0]) * outputs[0][-1] if reverse else 0


def _nothing(layer, inputs, outputs):
    return 0


_WORK = {  # the first that fits; names, since some are missing in older versions of Keras
    "Conv1D Conv2D Conv3D DepthwiseConv1D DepthwiseConv2D": _convolution,
    "Conv1DTranspose Conv2DTranspose Conv3DTranspose": _transposed,
    "SeparableConv1D SeparableConv2D": _separable,
    "Dense": _dense,
    "EinsumDense": _einsum,
    "SimpleRNNCell GRUCell LSTMCell": _cell,
    "Attention AdditiveAttention": _attention,
    "MultiHeadAttention": _multi_head,
    "GroupQueryAttention": _grouped_query,
    "ReversibleEmbedding": _reversible,
    "Embedding PReLU Normalization BatchNormalization GroupNormalization LayerNormalization RMSNormalization": _nothing,
    "SpectralNormalization": _nothing,  # in training it changes the kernel of the layer that it wraps
}


def _work(layer):
    """Find how to count a layer; None for those that have no work of their own, or are not known."""
    for names, work in _WORK.items():
        if isinstance(layer, tuple(getattr(layers, name) for name in names.split() if hasattr(layers, name))):
            return work
    return None
