"""Models as files: programs that cannot import TensorFlow, Keras or seqlib answer as Keras does."""

import json
import subprocess
import sys
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from benchmarks import stream as benchmark
from seqlib import export, models, show
from seqlib.backend import keras
from seqlib.stream_steps import SINCE_RESET, last_frames, since_reset
from tools import study

pytestmark = pytest.mark.slow  # converts fifty models

T, PAUSE, FRAMES = 9, 6, 12
SHAPE = (T, 16, 16, 1)
FORMATS = {".onnx": export.onnx, ".tflite": export.litert}
READER = """
import sys


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "seqlib"):
            raise ImportError(f"{name} is refused here")


sys.meta_path.insert(0, Refuse())

import json
from pathlib import Path

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter


def loaded(path):
    if path.suffix == ".tflite":
        return Interpreter(str(path)).get_signature_runner()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda **given: dict(zip(names, session.run(names, given)))


folder, begin, end = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
frames = np.load(folder / "frames.npy")
for path in [*folder.glob("*.onnx"), *folder.glob("*.tflite")]:
    step, about, state = loaded(path), path.with_suffix(".json"), Path(f"{path}.state.npz")
    if not about.exists():
        np.save(f"{path}.npy", step(clip=frames[None, -9:])["logits"])
        continue
    start = json.loads(about.read_text())["start"]
    kept = dict(np.load(state)) if begin else {name: np.full(**value) for name, value in start.items()}
    answers = []
    for frame in frames[begin:end]:
        answer = step(frame=frame[None], **kept)
        kept = {name: answer[f"next_{name}"] for name in kept}
        answers.append(answer["logits"][0])
    np.save(f"{path}.{begin}.npy", answers)
    np.savez(state, **kept)
"""


class Case(NamedTuple):
    family: str
    mode: str
    settings: tuple = ()  # pairs, as a cache needs them

    @property
    def name(self):
        return "_".join([self.family, *dict(self.settings).values(), self.mode])


PADDING = {"whole": "same", "last": "valid", "since": "causal"}  # 3D CNNs keep least with these
CASES = [
    Case(family, mode, (("padding", PADDING[mode]),) if family in ("conv3d", "conv2plus1d") else ())
    for mode, families in {"whole": show.FAMILIES, "last": show.FAMILIES, "since": SINCE_RESET}.items()
    for family in families
]


def noise():
    return np.random.default_rng(5).integers(0, 256, (FRAMES, *SHAPE[1:]), np.uint8)


def built(case, frames=T):
    return getattr(models, case.family)(4, (frames, *SHAPE[1:]), **dict(case.settings))


@pytest.fixture(scope="module")
def runtimes():
    """What seqlib.export needs; a skip here, and not above, leaves `make check` without it."""
    for package in ("tf2onnx", "onnxruntime", "ai_edge_litert"):
        pytest.importorskip(package, reason="make .venv/export installs it")


@pytest.fixture(scope="module")
def files(tmp_path_factory, runtimes):
    """Where all cases are written as files, and two other programs have answered, one after the other."""
    folder = tmp_path_factory.mktemp("files")
    np.save(folder / "frames.npy", noise())
    for case in CASES:
        model = {"whole": lambda x: x, "last": last_frames, "since": since_reset}[case.mode](built(case))
        for ending, write in FORMATS.items():
            write(model, folder / f"{case.name}{ending}")
    for begin, end in ((0, PAUSE), (PAUSE, FRAMES)):
        command = [sys.executable, "-c", READER, str(folder), str(begin), str(end)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return folder


@cache
def expected(case):
    """Keras' answers: to the last T frames, to every T frames, or to the first ones; a dict of last frame to logits."""
    frames = noise()
    if case.mode == "since":
        return {end: built(case, end)(frames[None, :end], training=False).numpy()[0] for end in (PAUSE, T, FRAMES)}
    ends = [FRAMES] if case.mode == "whole" else range(T, FRAMES + 1)
    answers = built(case)(np.stack([frames[end - T : end] for end in ends]), training=False).numpy()
    return dict(zip(ends, answers, strict=True))


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_another_program_answers_as_keras_does(files, case, ending):
    path = files / f"{case.name}{ending}"
    if case.mode == "whole":
        answers = {FRAMES: np.load(f"{path}.npy")[0]}
    else:
        about = json.loads(path.with_suffix(".json").read_text("utf-8"))
        assert about["frames"] == (T if case.mode == "last" else 1)
        rows = np.concatenate([np.load(f"{path}.{begin}.npy") for begin in (0, PAUSE)])
        answers = dict(enumerate(rows, 1))
        assert len(answers) == FRAMES
    for end, logits in expected(case).items():
        assert np.abs(answers[end] - logits).max() < 1e-4


@pytest.mark.parametrize("ending", FORMATS)
def test_colours_odd_sizes_lengths_and_answers_at_every_frame_are_exported(ending, tmp_path, runtimes):
    """The exporter compares; what is left to see is that the model stays as it is."""
    model = models.cnn_rnn(3, (5, 18, 22, 3), cell="lstm", features="pooled", lengths=True, every_frame=True)
    kinds = [type(layer) for layer in model.layers]
    FORMATS[ending](model, tmp_path / f"model{ending}")
    FORMATS[ending](last_frames(model), tmp_path / f"step{ending}")
    assert [type(layer) for layer in model.layers] == kinds
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"model{ending}", "step.json", f"step{ending}"]
    FORMATS[ending](models.conv3d(2, SHAPE, padding="causal", every_frame=True), tmp_path / f"model{ending}")


def other_sequential():
    pool = keras.layers.MaxPooling3D(2)  # over time, which LiteRT has no kernel for
    return keras.Sequential([keras.Input(SHAPE), pool, keras.layers.Flatten(), keras.layers.Dense(2)])


def test_what_cannot_be_written_leaves_the_old_file(tmp_path, runtimes):
    path = tmp_path / "model.tflite"
    path.write_text("old", "utf-8")
    with pytest.raises(RuntimeError, match=r"model cannot be written as model.tflite: .*MaxPool3D"):
        export.litert(other_sequential(), path)
    assert path.read_text("utf-8") == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("wrong", "difference"), [(lambda x: x + 2e-4, "0.0002"), (lambda x: x * np.nan, "nan")])
def test_a_file_that_answers_otherwise_is_not_written(wrong, difference, tmp_path, monkeypatch, runtimes):
    import onnxruntime

    run = onnxruntime.InferenceSession.run
    monkeypatch.setattr(
        onnxruntime.InferenceSession, "run", lambda *arguments: [wrong(array) for array in run(*arguments)]
    )
    with pytest.raises(RuntimeError, match=f"its logits differ from those of Keras by {difference}"):
        export.onnx(models.single_frame(4, SHAPE), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("model", "path", "error", "message"),
    [
        (4, "a.onnx", TypeError, "model must be a keras.Model, not int"),
        (models.single_frame(4, SHAPE), "a.tflite", ValueError, "path must end in .onnx, not 'a.tflite'"),
        (
            keras.Sequential([keras.Input((None, 8, 8, 1)), keras.layers.GlobalMaxPooling3D(), keras.layers.Dense(2)]),
            "a.onnx",
            ValueError,
            r"model must say T, H, W and C, not take clips of shape \(None, 8, 8, 1\)",
        ),
    ],
)
def test_errors_say_what_is_allowed(model, path, error, message, runtimes):
    with pytest.raises(error, match=message):
        export.onnx(model, path)


@pytest.mark.parametrize(("ending", "package"), [(".onnx", "tf2onnx"), (".tflite", "ai_edge_litert")])
def test_without_the_extra_it_says_what_to_install(ending, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    message = rf'writes {ending} files with {package}, .*: in the folder of the course, pip install "\.\[export\]"'
    with pytest.raises(ImportError, match=message):
        FORMATS[ending](models.single_frame(4, SHAPE), f"model{ending}")


def test_the_benchmark_of_streams_measures_each_way(runtimes):
    row = benchmark.timed("max pooling", 50) | benchmark.long_run("max pooling", 1050)
    assert list(row["milliseconds"]) == list(benchmark.WAYS)
    assert all(0 < half <= most for half, most in row["milliseconds"].values())
    assert all(after["difference"] <= 1e-5 for after in row["after"].values())


def test_the_stored_costs_of_streams_are_of_every_family():
    families = {**benchmark.RESETS, **benchmark.WINDOWS}
    assert [run["column"] for run in study.read(benchmark.RESULTS)["runs"]] == list(families)
    assert show.FAMILIES.keys() == {build.__name__ for build, _ in families.values()}
