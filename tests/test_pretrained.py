"""Lesson 7b with ImageNet's weights: the file is one of random weights, planted where Keras looks."""

import os
import subprocess
import sys

import h5py
import nbformat
import pytest

from tools.notebooks import ROOT

LESSON = ROOT / "notebooks" / "07b_pretrained_network.ipynb"
FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5"


def plant(folder, network):
    """Write a network's weights as the files that Keras downloads have them, into the folder where it keeps these."""
    (folder / "models").mkdir(parents=True)
    with h5py.File(folder / "models" / FILE, "w") as file:
        file.attrs["layer_names"] = [layer.name for layer in network.layers]
        for layer in network.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}" for weight in layer.weights]
            group.attrs["weight_names"] = names
            for name, weight in zip(names, layer.get_weights(), strict=True):
                group[name] = weight


def code_of_the_lesson(**changes):
    """Return the code of all cells but the setup cell; of each change, the text that is there and its replacement."""
    cells = nbformat.read(LESSON, 4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code" and cell.id != "setup")
    for before, after in changes.values():
        assert code.count(before) == 1
        code = code.replace(before, after)
    return code


@pytest.mark.slow
def test_with_the_file_at_hand_the_lesson_takes_its_weights_and_what_is_proved_holds(tmp_path):
    from seqlib.backend import keras

    keras.utils.set_random_seed(5)
    options = {"input_shape": (96, 96, 3), "alpha": 0.35, "include_top": False, "weights": None}
    network = keras.applications.MobileNetV2(**options)
    plant(tmp_path / "keras", network)
    network.save_weights(tmp_path / "same.weights.h5")
    code = code_of_the_lesson(
        weights=('WEIGHTS = "own"', 'WEIGHTS = "imagenet"'),
        films=("TRAIN, TEST = 512, 250", "TRAIN, TEST = 16, 8"),
    )
    check = f"""
same = image_network(None, 96)
same.load_weights({str(tmp_path / "same.weights.h5")!r})
assert all((a == b).all() for a, b in zip(lower.get_weights(), same.get_weights()))
assert "classifier" not in globals() and maps.shape[1:] == (3, 3, 56)
print("to the end")
"""
    done = subprocess.run(
        [sys.executable, "-c", code + check],
        cwd=tmp_path,
        env=os.environ | {"KERAS_HOME": str(tmp_path / "keras"), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "weights: imagenet; parameters: 410,208" in done.stdout and "Downloading" not in done.stdout
    assert done.stdout.rstrip().endswith("to the end")
