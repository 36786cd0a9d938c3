"""The families are plain Keras: on JAX they are built, answer and train as on TensorFlow."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from families import with_lengths

import seqlib
from seqlib import measure, models, show
from tools import environments

LENGTHS = np.array([4, 1, 2, 3] * 2)
CASES = [(name, settings) for name, family in show.FAMILIES.items() for settings in family.settings]
CASES += [(name, settings | {"lengths": True}) for name, settings in with_lengths()]
PROGRAM = textwrap.dedent("""
    import sys
    import numpy as np
    import keras
    from seqlib import measure, models, training
    assert keras.backend.backend() == "jax"
    given, answers = np.load("given.npz"), {}
    x, y, lengths = given["x"], np.arange(8) % 4, given["lengths"]
    for number, (name, settings) in enumerate(CASES):
        model = getattr(models, name)(4, x.shape[1:], **settings)
        model.set_weights([given[f"{number}_{i}"] for i in range(len(model.weights))])
        fed = (x, lengths) if "lengths" in settings else x
        answers[str(number)] = model.predict(fed, verbose=0)
    np.savez("answers.npz", **answers)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(fed, y, epochs=2, verbose=0)
    for call in (lambda: training.fit(model, (fed, y)), lambda: measure.logits(model, fed)):
        try:
            call()
        except RuntimeError as error:
            print(error)
""")


@pytest.mark.network
def test_on_jax_a_family_answers_as_on_tensorflow_and_trains(tmp_path):
    environments.uv("pip", "install", "--quiet", "--target", tmp_path / "jax", "--python", sys.executable, "jax")
    x, _ = seqlib.clips("shape", 8, frames=4, resolution=8, size=(3, 4))
    built = [getattr(models, name)(4, x.shape[1:], 5, **settings) for name, settings in CASES]
    weights = {f"{n}_{i}": w for n, model in enumerate(built) for i, w in enumerate(model.get_weights())}
    np.savez(tmp_path / "given.npz", x=x, lengths=LENGTHS, **weights)
    paths = os.pathsep.join(map(str, (environments.ROOT, tmp_path / "jax")))
    settings = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": paths}
    command = [sys.executable, "-c", f"CASES = {CASES!r}\n{PROGRAM}"]
    done = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == 2 * [
        "training and measuring need Keras on TensorFlow, not on jax: start Python with KERAS_BACKEND=tensorflow"
    ]
    answers = np.load(tmp_path / "answers.npz")
    for number, (model, (_, options)) in enumerate(zip(built, CASES, strict=True)):
        scores = measure.logits(model, (x, LENGTHS) if "lengths" in options else x)
        assert np.abs(scores - answers[str(number)]).max() < 1e-5, CASES[number]
