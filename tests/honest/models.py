"""Models as they are handed in beside the notebook. A marker tries them, and looks at nothing else of them."""

import io
import json
import zipfile

import numpy as np
from handed_in import OTHER_KEY

from .cases import A2, case
from .notebook import as_bytes, as_file, source, write, zipped

CLASSES = {"direction": 4, "order": 2}


def layer(kind, name, *inputs, **settings):
    return {"class": kind, "settings": settings, "name": name, "inputs": list(inputs)}


def packed(layers, weights):
    """Write what `seqlib.model_files.save_model` writes, without Keras."""
    file = io.BytesIO()
    described = np.frombuffer(json.dumps(layers).encode(), np.uint8)
    np.savez_compressed(file, layers=described, **{f"weights_{i}": array for i, array in enumerate(weights)})
    return file.getvalue()


def unpacked(model):
    with np.load(io.BytesIO(model), allow_pickle=False) as arrays:
        return json.loads(bytes(arrays["layers"])), [arrays[f"weights_{i}"] for i in range(len(arrays.files) - 1)]


def small(drawn, logits, units=0):
    """Make a model that was never trained: a layer, if it has units, and one that ends in logits."""
    pixels = (drawn["frames"], drawn["resolution"], drawn["resolution"])
    layers = [
        layer("InputLayer", "clip", shape=[*pixels, 1], dtype="float32"),
        layer("Rescaling", "grey", "clip", scale=1 / 64, offset=-1),
        layer("Flatten", "flat", "grey") if units else layer("GlobalAveragePooling3D", "flat", "grey", keepdims=False),
    ]
    rows, weights = int(np.prod(pixels)) if units else 1, []
    for name, columns in (("hidden", units), ("logits", logits)):
        if columns:
            layers.append(layer("Dense", name, layers[-1]["name"], units=columns, activation="linear", use_bias=True))
            weights += [np.ones((rows, columns), np.float32), np.zeros(columns, np.float32)]
            rows = columns
    return packed(layers, weights)


def ending_in(model, kind, **settings):
    """Add a layer behind the last one."""
    layers, weights = unpacked(model)
    return packed([*layers, layer(kind, "one_more", layers[-1]["name"], **settings)], weights)


def both(edition, model, name="A2.npz"):
    return as_file(edition.solution, "A2.ipynb") | {name: model}


def models(marks, reason, **others):
    return case(A2 | {"see": marks}, reason, assignment="A2", slow=True, **others)


@models(40, "The model is within the budget, and right on clips and twins.")
def trained(edition):
    return both(edition, edition.model)


@models(40, "The largest probability belongs to the class of the largest logit, so every answer is the same and right.")
def softmax_at_the_end(edition):
    return both(edition, ending_in(edition.model, "Softmax", axis=-1))


@models(
    (0, 40),
    "Each clip has its logits in the right order, with one more axis around them, so 40 once it is taken away; the "
    "text says that the model *ends in logits for the classes*, so 0 is fair, too.",
)
def one_axis_too_many(edition):
    return both(edition, ending_in(edition.model, "Reshape", target_shape=[1, CLASSES[edition.drawn["task"]]]))


@models(0, "One number is not the logits of two classes, which the text asks for.", key=OTHER_KEY)
def one_logit_for_two_classes(edition):
    return both(edition, small(edition.drawn, 1))


@models(0, "The classes are in another order than the text says, so every answer is wrong.")
def classes_in_another_order(edition):
    layers, weights = unpacked(edition.model)
    return both(edition, packed(layers, [*weights[:-2], *(np.roll(array, 1, axis=-1) for array in weights[-2:])]))


@models(
    (5.6, 19.2),
    "It never gives one of four equally frequent classes: 75% of the clips and half of the twin sets are right, hence "
    "12.2 if points rise evenly, give or take three standard deviations of the draw.",
)
def one_class_never_given(edition):
    layers, weights = unpacked(edition.model)
    bias = weights[-1].copy()
    bias[0] -= 1e6
    return both(edition, packed(layers, [*weights[:-1], bias]))


@models(0, "The text says that a model above the budget is not tried.")
def above_the_budget(edition):
    return both(edition, small(edition.drawn, CLASSES[edition.drawn["task"]], units=8))


@models(40, "There is one model beside the notebook, whatever its name.")
def model_with_a_name_of_its_own(edition):
    return both(edition, edition.model, "my_best_model.npz")


@models(40, "The browser has numbered both files; there is one of each.")
def model_doubled_by_the_browser(edition):
    return as_file(edition.solution, "A2 (1).ipynb") | {"A2 (1).npz": edition.model}


@models(40, "Of two models the one with the name that was asked for is handed in.")
def a_first_try_beside_it(edition):
    return both(edition, edition.model) | {"A2_first_try.npz": small(edition.drawn, CLASSES[edition.drawn["task"]])}


@models(40, "Notebook and model are in one zip, in a folder.")
def model_in_a_zip(edition):
    return {"A2.zip": zipped({"alice/A2.ipynb": as_bytes(edition.solution), "alice/A2.npz": edition.model})}


@models(
    40, "The model is a file, and the text says that no code runs for it: that `build_model` is missing takes nothing."
)
def model_without_its_code(edition):
    notebook = write(edition.solution, "build-model", source(edition.student, "build-model"))
    return as_file(notebook, "A2.ipynb") | {"A2.npz": edition.model}


@case(
    A2 | {"see": 0},
    "The text asks for `A2.npz` from `save_model`; Keras' own file can hold code and is not it.",
    assignment="A2",
)
def file_of_keras(edition):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.8.0"}')
        archive.writestr("config.json", '{"class_name": "Functional"}')
    return both(edition, file.getvalue(), "A2.keras")


@case(A2 | {"see": 0}, "The text asks for a file beside the notebook, and there is none.", assignment="A2")
def no_model(edition):
    return as_file(edition.solution, "A2.ipynb")
