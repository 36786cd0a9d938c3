"""Models as data: what is written comes back, and what a stranger wrote is looked at before anything is built."""

import io
import json
import zipfile

import numpy as np
import pytest

import seqlib
from seqlib import measure, model_files, models, show
from seqlib.backend import keras
from tests.families import with_lengths

layers = keras.layers
FAMILIES = [(name, settings) for name, family in show.FAMILIES.items() for settings in family.settings]
X, _ = seqlib.clips("order", 5)


def come_back(model, x, path):
    model_files.save_model(model, path)
    again = model_files.load_model(path)
    assert np.array_equal(measure.logits(model, x), measure.logits(again, x))
    assert measure.multiply_adds(again) == measure.multiply_adds(model)


@pytest.mark.parametrize(("family", "settings"), FAMILIES)
def test_a_family_comes_back_bit_for_bit(family, settings, tmp_path):
    come_back(getattr(models, family)(4, seed=7, **settings), X, tmp_path / "model.npz")


@pytest.mark.parametrize(("family", "settings"), with_lengths())
def test_a_family_with_lengths_comes_back_bit_for_bit(family, settings, tmp_path):
    model = getattr(models, family)(4, seed=7, lengths=True, **settings)
    come_back(model, (X, np.array([1, 16, 7, 15, 2])), tmp_path / "model.npz")


def test_what_a_layer_is_called_with_besides_its_inputs_is_not_lost(tmp_path):
    """By name the inputs are the same; a state to begin with would be missing in the file."""
    clip = keras.Input((16, 4), name="clip")
    named = keras.Model(clip, layers.Dense(2)(inputs=layers.GRU(3)(sequences=clip)))
    model_files.save_model(named, tmp_path / "model.npz")
    again = model_files.load_model(tmp_path / "model.npz")
    x = np.arange(128, dtype="float32").reshape(2, 16, 4) / 128
    assert np.array_equal(named(x), again(x))
    begun = layers.GRU(3)(clip, initial_state=layers.GlobalAveragePooling1D()(layers.Conv1D(3, 1)(clip)))
    with pytest.raises(ValueError, match=r"without initial_state; .*model.save"):
        model_files.save_model(keras.Model(clip, layers.Dense(2)(begun)), tmp_path / "other.npz")


def sequential(*middle):
    return keras.Sequential([keras.Input((16, 32, 32, 1)), *middle, layers.Flatten(), layers.Dense(2)])


def test_wrapped_layers_come_back(tmp_path):
    model = sequential(
        layers.TimeDistributed(layers.Conv2D(3, 3, strides=4)),
        layers.BatchNormalization(),
        layers.TimeDistributed(layers.Flatten()),
        layers.Bidirectional(layers.GRU(4, return_sequences=True)),
    )
    model_files.save_model(model, tmp_path / "model.npz")
    assert np.array_equal(measure.logits(model, X), measure.logits(model_files.load_model(tmp_path / "model.npz"), X))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: sequential(layers.Lambda(lambda x: x)), "is a Lambda"),
        (lambda: sequential(layers.Lambda(lambda x: x)), r'model.save\("model.keras"\)'),
        (lambda: keras.Model(clip := keras.Input((4, 4, 3)), clip + keras.ops.mean(clip)), "is a mean"),
        (lambda: sequential(layers.Activation(lambda x: x)), "a setting must be a number"),
        (
            lambda: keras.Model(*(2 * [[keras.Input((3,)), keras.Input((3,))]])),
            "must take clips, or .clips, lengths., and have one output",
        ),
    ],
)
def test_what_a_file_cannot_hold_is_told_when_it_is_written(model, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        model_files.save_model(model(), tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())


def test_a_layer_used_twice_is_told(tmp_path):
    clip, dense = keras.Input((4,)), layers.Dense(4)
    with pytest.raises(ValueError, match="must use each layer once"):
        model_files.save_model(keras.Model(clip, dense(dense(clip))), tmp_path / "model.npz")


def test_a_file_must_end_in_npz(tmp_path):
    with pytest.raises(ValueError, match=r"path must end in .npz, not .*model.keras"):
        model_files.save_model(models.conv3d(4), tmp_path / "model.keras")


def dense(**changed):
    """Description of a small model; with other settings for its only layer."""
    return [
        {"class": "InputLayer", "settings": {"shape": [4]}, "name": "clip", "inputs": []},
        {"class": "Dense", "settings": {"units": 2}, "name": "logits", "inputs": ["clip"]} | changed,
    ]


WEIGHTS = (np.zeros((4, 2), np.float32), np.zeros(2, np.float32))


def packed(described=None, weights=WEIGHTS, **more):
    file = io.BytesIO()
    text = json.dumps(dense() if described is None else described).encode()
    arrays = {f"weights_{i}": array for i, array in enumerate(weights)}
    np.savez_compressed(file, layers=np.frombuffer(text, np.uint8), **arrays, **more)
    file.seek(0)
    return file


def test_a_description_by_hand_is_a_model():
    assert model_files.load_model(packed()).output_shape == (None, 2)


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (dense(**{"class": "Lambda", "settings": {"function": "os.system"}}), "must be one of"),
        (dense(**{"class": "__init__"}), "must be one of"),
        (dense(**{"class": ["Dense"]}), "do not make a model"),
        (
            dense(settings={"units": 2, "kernel_initializer": {"module": "os", "class_name": "system"}}),
            "must be one of",
        ),
        (dense(settings={"units": 2, "activation": {"module": "os", "class_name": "system"}}), "must be a number"),
        (dense(settings={"units": 2, "activation": "nonsense"}), "nonsense"),
        (dense(settings={"units": 10**9}), "must be a number of at most"),
        (dense(settings={"units": float("nan")}), "must be a number"),
        (dense(settings={"units": -3}), "units"),
        (dense(settings=[]), "do not make a model|must be a list"),
        (dense(**{"class": "get_item", "settings": {}, "inputs": ["clip", ["__class__"]]}), "do not make a model"),
        (dense(**{"class": "where", "settings": {"axis": 1}}), "must be one of"),
        (
            dense(**{"class": "multiply", "settings": {}, "inputs": ["clip", {"array": ["os"], "dtype": "object"}]}),
            "int32",
        ),
        (
            dense(**{"class": "get_item", "settings": {}, "inputs": ["clip", [{"slice": [1, 2, 3, 4]}]]}),
            "do not make a model",
        ),
        ([dense()[0] | {"settings": {"shape": [4], "dtype": "string"}}, dense()[1]], "float32 or int32"),
        (dense(inputs=["nowhere"]), "do not make a model"),
        (dense(inputs=[]), "do not make a model"),
        (dense(name="clip"), "one word, and its own"),
        (dense(name="../../x"), "one word, and its own"),
        (dense()[:1], "must be a list of 2 to 200"),
        (dense() * 101, "must be a list of 2 to 200"),
        ({}, "must be a list"),
        ([1, 2], "do not make a model"),
        ([dense()[0] | {"settings": {"shape": [10**6]}}, dense()[1]], "from 1 to 4096"),
        ([dense()[0] | {"settings": {"shape": [4096, 4096, 4096]}}, dense()[1]], "outputs"),
        (
            [
                dense()[0],
                {"class": "RepeatVector", "settings": {"n": 65000}, "name": "many", "inputs": ["clip"]},
                {"class": "ZeroPadding1D", "settings": {"padding": 65000}, "name": "more", "inputs": ["many"]},
                {"class": "Dense", "settings": {"units": 2**12}, "name": "large", "inputs": ["more"]},
            ],
            "outputs",
        ),
    ],
)
def test_a_description_that_is_malicious_or_wrong_is_refused(described, message):
    with pytest.raises(ValueError, match=message):
        model_files.load_model(packed(described))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (WEIGHTS[:1], ""),
        ((*WEIGHTS, np.zeros(3, np.float32)), ""),
        ((np.zeros((5, 2), np.float32), WEIGHTS[1]), ""),
        ((np.full((4, 2), np.nan, np.float32), WEIGHTS[1]), "finite"),
        ((np.zeros((4, 2)), WEIGHTS[1]), "float32"),
        ((np.array([[print]]), WEIGHTS[1]), "save_model wrote"),
    ],
)
def test_weights_that_do_not_fit_or_are_objects_are_refused(weights, message):
    with pytest.raises(ValueError, match=message or None):
        model_files.load_model(packed(weights=weights))


class Poison:
    def __reduce__(self):
        return print, ("poisoned",)


def test_a_poisoned_pickle_is_not_read(capsys):
    with pytest.raises(ValueError, match="save_model wrote"):
        model_files.load_model(packed(weights=(np.array([Poison()]), WEIGHTS[1])))
    assert "poisoned" not in capsys.readouterr().out


def test_what_is_no_such_file_is_told(tmp_path):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("layers.npy", bytes(2**26 + 1))
    bomb.seek(0)
    with pytest.raises(ValueError, match="at most 67,108,864 bytes"):
        model_files.load_model(bomb)
    for data in (b"", b"PK\3\4", b"\x80\x04.", b"\x93NUMPY\x01\x00"):
        with pytest.raises(ValueError, match="save_model wrote"):
            model_files.load_model(io.BytesIO(data))
    with pytest.raises(ValueError, match="save_model wrote"):
        model_files.load_model(tmp_path / "nowhere.npz")
