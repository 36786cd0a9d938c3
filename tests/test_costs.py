"""Parameters and multiply-adds against numbers worked out by hand, and against published ones."""

import numpy as np
import pytest

import seqlib
from seqlib import measure
from seqlib.backend import keras, tf

layers, ops = keras.layers, keras.ops


def stack(clip_shape, *steps):
    clip = keras.Input(clip_shape)
    x = clip
    for step in steps:
        x = step(x)
    return keras.Model(clip, x)


@pytest.mark.parametrize(
    ("shape", "layer", "parameters", "multiply_adds"),
    [  # kernel weights times places; layers are made in the test, as some start TensorFlow, which no fork survives
        ((10,), lambda: layers.Dense(7), 10 * 7 + 7, 10 * 7),
        ((10,), lambda: layers.Dense(7, use_bias=False), 10 * 7, 10 * 7),
        ((4, 10), lambda: layers.Dense(7), 10 * 7 + 7, 4 * 10 * 7),
        ((2, 3, 5, 4), lambda: layers.Dense(6), 4 * 6 + 6, 2 * 3 * 5 * 4 * 6),
        ((20, 3), lambda: layers.Conv1D(8, 5), 5 * 3 * 8 + 8, 16 * 5 * 3 * 8),
        ((20, 3), lambda: layers.Conv1D(8, 5, strides=3, padding="same"), 5 * 3 * 8 + 8, 7 * 5 * 3 * 8),
        ((20, 3), lambda: layers.Conv1D(8, 5, padding="causal", dilation_rate=2), 5 * 3 * 8 + 8, 20 * 5 * 3 * 8),
        ((20, 4), lambda: layers.Conv1D(8, 5, groups=2), 5 * 2 * 8 + 8, 16 * 5 * 2 * 8),
        ((32, 24, 3), lambda: layers.Conv2D(16, 3), 9 * 3 * 16 + 16, 30 * 22 * 9 * 3 * 16),
        ((32, 24, 3), lambda: layers.Conv2D(16, 3, padding="same"), 9 * 3 * 16 + 16, 32 * 24 * 9 * 3 * 16),
        (
            (32, 24, 3),
            lambda: layers.Conv2D(16, (5, 3), strides=(2, 3), use_bias=False),
            15 * 3 * 16,
            14 * 8 * 15 * 3 * 16,
        ),
        (
            (3, 32, 24),
            lambda: layers.Conv2D(16, 3, data_format="channels_first"),
            9 * 3 * 16 + 16,
            30 * 22 * 9 * 3 * 16,
        ),
        ((16, 32, 24, 1), lambda: layers.Conv3D(8, 3), 27 * 8 + 8, 14 * 30 * 22 * 27 * 8),
        ((16, 32, 24, 2), lambda: layers.Conv3D(8, (3, 1, 1), padding="same"), 3 * 2 * 8 + 8, 16 * 32 * 24 * 3 * 2 * 8),
        ((16, 32, 24, 2), lambda: layers.Conv3D(8, 3, strides=(1, 2, 2)), 27 * 2 * 8 + 8, 14 * 15 * 11 * 27 * 2 * 8),
        ((16, 10), lambda: layers.SimpleRNN(7), 10 * 7 + 7 * 7 + 7, 16 * (10 * 7 + 7 * 7)),
        ((16, 10), lambda: layers.LSTM(7, return_sequences=True), 4 * (10 * 7 + 7 * 7 + 7), 16 * 4 * (10 * 7 + 7 * 7)),
        (
            (16, 10),
            lambda: layers.GRU(7),
            3 * (10 * 7 + 7 * 7 + 2 * 7),
            16 * 3 * (10 * 7 + 7 * 7),
        ),  # Keras has two biases
        (
            (16, 10),
            lambda: layers.Bidirectional(layers.GRU(7)),
            2 * 3 * (10 * 7 + 7 * 7 + 14),
            2 * 16 * 3 * (10 * 7 + 7 * 7),
        ),
        (
            (5, 8, 6, 3),
            lambda: layers.ConvLSTM2D(4, 3, padding="same"),
            4 * (9 * 3 * 4 + 9 * 4 * 4 + 4),
            5 * 8 * 6 * 4 * (9 * 3 * 4 + 9 * 4 * 4),
        ),
        (
            (5, 8, 6, 3),
            lambda: layers.ConvLSTM2D(4, 3, return_sequences=True),
            4 * (9 * 3 * 4 + 9 * 4 * 4 + 4),
            5 * 6 * 4 * 4 * (9 * 3 * 4 + 9 * 4 * 4),
        ),
        ((5, 8, 6, 3), lambda: layers.TimeDistributed(layers.Conv2D(4, 3)), 9 * 3 * 4 + 4, 5 * 6 * 4 * 9 * 3 * 4),
        ((5, 8, 6, 3), lambda: layers.TimeDistributed(layers.MaxPooling2D()), 0, 0),
        ((5, 10), lambda: layers.TimeDistributed(layers.Dense(7)), 10 * 7 + 7, 5 * 10 * 7),
        ((5, 4, 10), lambda: layers.TimeDistributed(layers.SimpleRNN(7)), 10 * 7 + 7 * 7 + 7, 5 * 4 * (10 * 7 + 7 * 7)),
        (
            (2, 5, 4, 10),
            lambda: layers.TimeDistributed(layers.TimeDistributed(layers.Dense(7))),
            77,
            2 * 5 * 4 * 10 * 7,
        ),
        # a transposed convolution uses its kernel at each place of its input
        ((16, 4), lambda: layers.Conv1DTranspose(6, 3, strides=2), 3 * 4 * 6 + 6, 16 * 3 * 4 * 6),
        ((8, 6, 4), lambda: layers.Conv2DTranspose(5, 3, strides=2, padding="same"), 9 * 4 * 5 + 5, 8 * 6 * 9 * 4 * 5),
        ((3, 8, 6, 4), lambda: layers.Conv3DTranspose(5, 3), 27 * 4 * 5 + 5, 3 * 8 * 6 * 27 * 4 * 5),
        ((16, 4), lambda: layers.DepthwiseConv1D(3), 3 * 4 + 4, 14 * 3 * 4),
        ((9, 9, 4), lambda: layers.DepthwiseConv2D(3, 2, depth_multiplier=2), 9 * 4 * 2 + 8, 4 * 4 * 9 * 4 * 2),
        ((16, 4), lambda: layers.SeparableConv1D(6, 3), 3 * 4 + 4 * 6 + 6, 14 * (3 * 4 + 4 * 6)),
        ((9, 9, 4), lambda: layers.SeparableConv2D(6, 3, 2), 9 * 4 + 4 * 6 + 6, 4 * 4 * (9 * 4 + 4 * 6)),
        ((9, 9, 4), lambda: layers.Conv2D(6, 3, groups=2), 9 * 2 * 6 + 6, 7 * 7 * 9 * 2 * 6),
        ((9, 9, 4), lambda: layers.Conv2D(6, 3, dilation_rate=2), 9 * 4 * 6 + 6, 5 * 5 * 9 * 4 * 6),
        ((5, 6, 4), lambda: layers.EinsumDense("abcd,de->abce", (5, 6, 3)), 4 * 3, 5 * 6 * 4 * 3),
        ((5, 5, 4), lambda: layers.EinsumDense("...d,de->...e", 3), 4 * 3, 5 * 5 * 4 * 3),
        ((6, 4), lambda: layers.EinsumDense("abc,bcd->ad", 3), 6 * 4 * 3, 6 * 4 * 3),
        ((6, 4), lambda: layers.RNN(layers.GRUCell(3)), 3 * (4 * 3 + 3 * 3 + 6), 6 * 3 * (4 * 3 + 3 * 3)),
        (
            (6, 4),
            lambda: layers.RNN([layers.SimpleRNNCell(3), layers.LSTMCell(5)]),
            4 * 3 + 3 * 3 + 3 + 4 * (3 * 5 + 5 * 5 + 5),
            6 * (4 * 3 + 3 * 3 + 4 * (3 * 5 + 5 * 5)),
        ),
        ((6, 4), lambda: layers.LSTM(3, unroll=True), 4 * (4 * 3 + 3 * 3 + 3), 6 * 4 * (4 * 3 + 3 * 3)),
        (
            (5, 8, 3),
            lambda: layers.ConvLSTM1D(4, 3),
            4 * (3 * 3 * 4 + 3 * 4 * 4 + 4),
            5 * 6 * 4 * (3 * 3 * 4 + 3 * 4 * 4),
        ),
        (
            (2, 4, 4, 4, 3),
            lambda: layers.ConvLSTM3D(2, 3, padding="same"),
            4 * (27 * 3 * 2 + 27 * 2 * 2 + 2),
            2 * 64 * 4 * (27 * 3 * 2 + 27 * 2 * 2),
        ),
        (
            (5, 3, 8, 6),
            lambda: layers.ConvLSTM2D(4, 3, data_format="channels_first"),
            4 * (9 * 3 * 4 + 9 * 4 * 4 + 4),
            5 * 6 * 4 * 4 * (9 * 3 * 4 + 9 * 4 * 4),
        ),
        ((7,), lambda: layers.Embedding(100, 8), 800, 0),
        ((5, 10), lambda: layers.LayerNormalization(), 20, 0),
        ((5, 10), lambda: layers.GroupNormalization(2), 20, 0),
        ((5, 10), lambda: layers.Normalization(), 10 + 10 + 1, 0),
        ((5, 10), lambda: layers.PReLU(), 50, 0),
        ((8, 8, 3), lambda: layers.SpectralNormalization(layers.Conv2D(4, 3)), 9 * 3 * 4 + 4 + 4, 6 * 6 * 9 * 3 * 4),
        ((5, 10), lambda: layers.BatchNormalization(), 40, 0),
        ((32, 24, 3), lambda: layers.MaxPooling2D(), 0, 0),
        ((16, 32, 24, 3), lambda: layers.GlobalAveragePooling3D(), 0, 0),
        ((16, 4), lambda: layers.Rescaling(1 / 255), 0, 0),
        ((16, 4), lambda: layers.Dropout(0.5), 0, 0),
    ],
)
def test_costs_of_one_layer(shape, layer, parameters, multiply_adds):
    layer, clip = layer(), keras.Input(shape)
    model = keras.Model(clip, layer(clip))
    assert measure.parameters(model) == parameters
    assert measure.multiply_adds(model) == multiply_adds
    cost = measure.layer_costs(model)[-1]
    assert cost == (layer.name, tuple(model.output_shape[1:]), parameters, multiply_adds)


def test_a_model_within_a_model_costs_what_it_costs_alone():
    inner = stack((8, 6, 3), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2))
    alone = measure.multiply_adds(inner)
    assert alone == 6 * 4 * 9 * 3 * 4 + 96 * 2
    assert measure.multiply_adds(stack((8, 6, 3), inner, layers.Dense(5))) == alone + 10
    assert measure.multiply_adds(stack((7, 8, 6, 3), layers.TimeDistributed(inner))) == 7 * alone


def test_costs_of_a_model_are_those_of_its_layers():
    model = seqlib.models.single_frame(4, (16, 32, 32, 1))
    kernels = [9 * 1 * 16, 9 * 16 * 32, 9 * 32 * 64, 64 * 64, 64 * 4]
    places = [32 * 32, 16 * 16, 8 * 8, 1, 1]
    assert measure.multiply_adds(model) == sum(k * p for k, p in zip(kernels, places, strict=True))
    assert measure.parameters(model) == sum(kernels) + 16 + 32 + 64 + 64 + 4
    costs = measure.layer_costs(model)
    assert [cost.name for cost in costs] == [layer.name for layer in model.layers]
    assert sum(cost.parameters for cost in costs) == measure.parameters(model)
    assert sum(cost.multiply_adds for cost in costs) == measure.multiply_adds(model)


def test_a_layer_that_is_called_twice_counts_twice_with_the_shapes_that_it_meets():
    clip, conv = keras.Input((8, 8, 3)), layers.Conv2D(3, 3, name="conv")
    model = keras.Model(clip, layers.Flatten()(conv(conv(clip))))
    costs = {cost.name: cost for cost in measure.layer_costs(model)}
    assert costs["conv"] == ("conv", (6, 6, 3), 9 * 3 * 3 + 3, (6 * 6 + 4 * 4) * 9 * 3 * 3)
    assert measure.multiply_adds(model) == costs["conv"].multiply_adds


def test_a_cnn_that_two_branches_share_counts_in_both():
    cnn = stack((8, 6, 3), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2))
    first, second = keras.Input((8, 6, 3)), keras.Input((8, 6, 3))
    model = keras.Model([first, second], layers.Add()([cnn(first), cnn(second)]))
    assert measure.multiply_adds(model) == 2 * measure.multiply_adds(cnn)


def test_work_that_does_not_reach_the_output_is_not_counted():
    clip = keras.Input((10,))
    kept, _ = layers.Dense(3)(clip), layers.Dense(100)(clip)
    assert measure.multiply_adds(keras.Model(clip, kept)) == 10 * 3


def test_frames_folded_into_the_batch_are_counted_one_by_one():
    clip = keras.Input((5, 8, 8, 3))
    frames = ops.reshape(clip, (-1, 8, 8, 3))
    features = layers.GlobalMaxPooling2D()(layers.Conv2D(4, 3)(frames))
    model = keras.Model(clip, layers.GRU(2)(ops.reshape(features, (-1, 5, 4))))
    assert measure.multiply_adds(model) == 5 * 6 * 6 * 9 * 3 * 4 + 5 * 3 * (4 * 2 + 2 * 2)


def test_a_fixed_batch_size_changes_no_count():
    clip = keras.Input(batch_shape=(8, 5, 10))
    model = keras.Model(clip, layers.Dense(3)(layers.GRU(4, stateful=True)(clip)))
    assert measure.multiply_adds(model) == 5 * 3 * (10 * 4 + 4 * 4) + 4 * 3


@pytest.mark.parametrize(
    ("settings", "query", "multiply_adds"),
    [  # projections of query, key, value and output; then each pair of places, for each head
        ({"num_heads": 2, "key_dim": 4}, (5, 10), (5 + 3 + 3) * 10 * 8 + 5 * 8 * 10 + 2 * 5 * 3 * (4 + 4)),
        (
            {"num_heads": 2, "key_dim": 4, "value_dim": 6},
            (5, 10),
            (5 + 3) * 10 * 8 + 3 * 10 * 12 + 5 * 12 * 10 + 2 * 5 * 3 * (4 + 6),
        ),
    ],
)
def test_multi_head_attention_counts_projections_and_pairs(settings, query, multiply_adds):
    query, value = keras.Input(query), keras.Input((3, 10))
    attention = layers.MultiHeadAttention(**settings)
    for outputs in (attention(query, value), attention(value=value, query=query)):
        assert measure.multiply_adds(keras.Model([query, value], outputs)) == multiply_adds


def test_attention_along_one_axis_of_two():
    clip = keras.Input((5, 7, 10))
    attention = layers.MultiHeadAttention(2, 4, attention_axes=1)
    model = keras.Model(clip, attention(clip, clip))
    assert measure.multiply_adds(model) == 5 * 7 * (3 * 10 * 8 + 8 * 10) + 7 * 2 * 5 * 5 * (4 + 4)


def test_heads_that_share_keys_and_values():
    query, value = keras.Input((5, 10)), keras.Input((3, 10))
    model = keras.Model([query, value], layers.GroupQueryAttention(4, 6, 2)(query, value))
    projections = 5 * 10 * 24 + 2 * 3 * 10 * 8 + 5 * 24 * 10
    assert measure.multiply_adds(model) == projections + 6 * 5 * 3 * (4 + 4)


@pytest.mark.parametrize("kind", [layers.Attention, layers.AdditiveAttention])
def test_attention_without_projections(kind):
    query, value, key = keras.Input((5, 10)), keras.Input((3, 7)), keras.Input((3, 10))
    model = keras.Model([query, value, key], kind()([query, value, key]))
    assert measure.multiply_adds(model) == 5 * 3 * (10 + 7)


def test_products_without_a_kernel_are_not_counted_outside_of_attention():
    first, second = keras.Input((5, 4)), keras.Input((5, 3))
    model = keras.Model([first, second], layers.Dot(axes=1)([first, second]))
    assert measure.multiply_adds(model) == 0
    assert measure.multiply_adds(keras.Model([first, second], ops.einsum("btf,btg->bfg", first, second))) == 0


class Residual(layers.Layer):
    """A layer of Keras' layers."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.dense = layers.Dense(10)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, x):
        return x + self.dense(self.dense(x))

    def compute_output_shape(self, shape):
        return shape


class Scaled(layers.Layer):
    """A layer with a weight of its own."""

    def build(self, shape):
        self.scale = self.add_weight(shape=shape[-1:], name="scale")

    def call(self, x):
        return x * self.scale

    def compute_output_shape(self, shape):
        return shape


def test_a_layer_of_ones_own_counts_the_layers_that_it_calls():
    costs = measure.layer_costs(stack((5, 10), Residual(name="residual"), layers.TimeDistributed(Residual())))
    assert [cost.multiply_adds for cost in costs] == [0, 2 * 5 * 10 * 10, 2 * 5 * 10 * 10]


class OwnCell(layers.Layer):
    """A recurrent cell of one Dense."""

    state_size = output_size = 3

    def build(self, shape):
        self.dense = layers.Dense(3)
        self.dense.build((shape[0], shape[-1] + 3))

    def call(self, x, states):
        state = self.dense(ops.concatenate([x, states[0]], axis=-1))
        return state, [state]


def test_a_cell_of_ones_own_counts_once_for_each_frame():
    assert measure.multiply_adds(stack((5, 10), layers.RNN(OwnCell()))) == 5 * 13 * 3


@pytest.mark.parametrize(
    "wrapped", [lambda layer: layer, layers.TimeDistributed, lambda layer: stack((5, 10), layer)], ids=range(3)
)
def test_a_layer_with_weights_of_its_own_is_an_error_that_names_it(wrapped):
    model = stack((4, 5, 10) if wrapped is layers.TimeDistributed else (5, 10), wrapped(Scaled(name="by_number")))
    for count in (measure.multiply_adds, measure.layer_costs):
        with pytest.raises(TypeError) as caught:
            count(model)
        for part in ("model ", "'by_number'", "Scaled", "(scale)", "Keras' layers"):
            assert part in str(caught.value)


def of_any_length():
    clip = keras.Input((None, 8, 8, 1))
    return keras.Model(clip, layers.GlobalMaxPooling3D()(layers.Conv3D(4, 3, padding="same")(clip)))


class Subclassed(keras.Model):
    """A model with a call of its own."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = layers.Conv3D(4, 3, padding="same"), layers.Dense(2)

    def call(self, x):
        return self.head(ops.max(self.conv(x), axis=(1, 2, 3)))


@pytest.mark.parametrize(
    ("build", "error", "parts", "work"),
    [
        (of_any_length, ValueError, ["(None, 8, 8, 1)"], 5 * 8 * 8 * 27 * 4),
        (Subclassed, TypeError, ["Subclassed"], 5 * 8 * 8 * 27 * 4 + 4 * 2),
        (
            lambda: keras.Sequential([layers.Conv3D(4, 3, padding="same"), layers.Flatten(), layers.Dense(2)]),
            TypeError,
            ["Sequential", "built"],
            5 * 8 * 8 * 27 * 4 + 5 * 8 * 8 * 4 * 2,
        ),
    ],
    ids=["any length", "subclassed", "not built"],
)
def test_a_model_without_known_shapes_is_refused_with_a_way_out_that_works(build, error, parts, work):
    model = build()
    with pytest.raises(error) as caught:
        measure.multiply_adds(model)
    for part in ("model must", *parts, "keras.Input((16, 32, 32, 1))", "keras.Model(clip, model(clip))"):
        assert part in str(caught.value)
    clip = keras.Input((5, 8, 8, 1))
    assert measure.multiply_adds(keras.Model(clip, model(clip))) == work


@pytest.mark.parametrize(
    "step", [lambda: layers.Dense(3), lambda: layers.GRU(3), lambda: layers.TimeDistributed(layers.Dense(3))]
)
def test_a_length_that_is_lost_within_is_an_error_that_names_the_layer(step):
    step = step()
    model = stack((6, 4), layers.Lambda(lambda x: x[:, : tf.cast(x[0, 0, 0], "int32")], output_shape=(None, 4)), step)
    with pytest.raises(ValueError) as caught:
        measure.multiply_adds(model)
    for part in ("model must have a known shape", repr(step.name), "(1, None, 4)", "Reshape"):
        assert part in str(caught.value)


def test_counting_changes_neither_the_model_nor_keras():
    call = layers.Layer.__call__
    model = seqlib.models.cnn_rnn(4)
    x, before = seqlib.clips("shape", 2)[0], model.get_weights()
    answer = model(x).numpy()
    measure.layer_costs(model)
    with pytest.raises(TypeError):
        measure.layer_costs(stack((5, 10), Scaled()))
    assert layers.Layer.__call__ is call
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))
    assert np.array_equal(model(x).numpy(), answer)
    assert model.get_layer("gru").output.shape == (None, 32)  # which a second call would make ambiguous


def test_a_model_whose_call_fails_says_what_keras_says():
    def fails(x):
        if x.shape[0] is not None:
            raise RuntimeError("no clip alone")
        return x

    model = stack((5, 10), layers.Lambda(fails, output_shape=(5, 10)))
    with pytest.raises(Exception, match="no clip alone"):
        measure.multiply_adds(model)
    assert "observed" not in repr(layers.Layer.__call__)


def test_several_outputs_and_inputs_have_a_row_each():
    clip, state = keras.Input((5, 10), name="clip"), keras.Input((4,), name="state")
    model = keras.Model([clip, state], layers.GRU(4, return_state=True, name="gru")(clip, initial_state=state))
    assert measure.layer_costs(model) == [
        ("clip", (5, 10), 0, 0),
        ("state", (4,), 0, 0),
        ("gru", (4,), 3 * (10 * 4 + 4 * 4 + 8), 5 * 3 * (10 * 4 + 4 * 4)),
    ]


def test_inputs_in_a_dict():
    inputs = {"clip": keras.Input((5, 10), name="clip"), "lengths": keras.Input((), dtype="int32", name="lengths")}
    model = keras.Model(inputs, layers.Dense(3)(inputs["clip"]) * inputs["lengths"][:, None, None])
    assert measure.multiply_adds(model) == 5 * 10 * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "multiply_adds", "published"),
    [  # Sandler et al. 2018: 300 M; He et al. 2015: 3.8 G; Tan and Le 2019: 0.39 G
        ("MobileNetV2", 300_774_272, 300e6),
        ("ResNet50", 3_857_973_248, 3.8e9),
        ("EfficientNetB0", 385_814_752, 0.39e9),
    ],
)
def test_published_networks_cost_what_their_papers_say_for_a_frame_and_for_a_clip(name, multiply_adds, published):
    network = getattr(keras.applications, name)(weights=None)
    assert measure.multiply_adds(network) == multiply_adds == pytest.approx(published, rel=0.02)
    assert measure.multiply_adds(stack((4, 224, 224, 3), layers.TimeDistributed(network))) == 4 * multiply_adds
