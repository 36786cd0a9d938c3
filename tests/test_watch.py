"""`python -m seqlib.watch`: a model watches a film, a pipe and a camera, and gives alarms."""

import subprocess
import sys
import types

import numpy as np
import pytest

from seqlib import model_files, watch
from seqlib.backend import keras

av = pytest.importorskip("av")

RATE, DARK, BRIGHT = 10, 10, 12  # frames per second; dark frames, then bright ones
ALARM = ["--classes", "dark,bright", "--alarm", "bright"]


def write_film(path, frames, codec="mpeg4"):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def brightening(dark=DARK, bright=BRIGHT):
    return [np.full((48, 64, 3), value, np.uint8) for value in [0] * dark + [255] * bright]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """It finds four frames bright if three of them are."""
    network = keras.Sequential(
        [
            keras.Input((4, 8, 8, 1), name="clip"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.GlobalAveragePooling3D(),
            keras.layers.Dense(2),
        ]
    )
    network.set_weights([np.array([[-8.0, 8.0]], np.float32), np.array([4.0, -4.0], np.float32)])
    path = tmp_path_factory.mktemp("model") / "model.npz"
    model_files.save_model(network, path)
    return str(path)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    write_film(path, brightening())
    return path


def alarms(output):
    """The alarms of an output: (seconds, class), and whether each probability is above 0.9."""
    rows = [line.split() for line in output.splitlines()]
    return [(float(seconds), name) for seconds, name, probability in rows if 0.9 < float(probability) <= 1]


def test_a_film_gives_one_alarm_when_the_score_rises(model, film, capsys):
    assert watch.main([model, str(film), *ALARM]) == 0
    output, shown = capsys.readouterr()
    assert alarms(output) == [((DARK + 2) / RATE, "bright")]
    assert shown == f"     2.1 s  bright  {'█' * 30} 1.00\n"


def test_without_an_alarm_the_likeliest_class_is_shown(model, film, capsys):
    assert watch.main([model, str(film)]) == 0
    output, shown = capsys.readouterr()
    assert output == "" and shown.startswith("     2.1 s  1  ")


def test_a_terminal_shows_the_score_of_every_frame_in_one_line(model, film, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert watch.main([model, str(film), *ALARM]) == 0
    lines = capsys.readouterr().err.rstrip("\n").removeprefix("\r").split("\r")
    assert len(lines) == DARK + BRIGHT - 3
    assert lines[0].startswith(f"     0.3 s  bright  {'░' * 30} 0.00") and "█" * 30 in lines[-1]


@pytest.mark.parametrize(("rate", "seconds"), [(5, 1.4), (10, 1.2), (100, 1.2)])
def test_it_takes_so_many_frames_a_second(rate, seconds, model, film, capsys):
    assert watch.main([model, str(film), *ALARM, "--rate", str(rate)]) == 0
    assert alarms(capsys.readouterr().out) == [(seconds, "bright")]


@pytest.mark.slow  # another process imports TensorFlow
def test_a_pipe_is_watched_as_a_file_is(model, film):
    command = [sys.executable, "-m", "seqlib.watch", model, "-", *ALARM]
    done = subprocess.run(command, input=film.read_bytes(), capture_output=True)
    assert done.returncode == 0, done.stderr
    assert alarms(done.stdout.decode()) == [((DARK + 2) / RATE, "bright")]


def test_a_film_that_is_damaged_later_is_watched_up_to_there(model, tmp_path, capsys):
    random = np.random.default_rng(0)
    frames = [*brightening(10, 20), *(random.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(20))]
    path = tmp_path / "film.mp4"
    write_film(path, frames)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = random.bytes(2000)
    path.write_bytes(content)
    assert watch.main([model, str(path), *ALARM]) == 1
    output, shown = capsys.readouterr()
    assert alarms(output)[:1] == [(1.2, "bright")]
    assert f"seqlib.watch: FILE must be a whole film, and {path} is damaged after " in shown


def camera_module(pictures, opens=True):
    """A stand-in for OpenCV with one camera."""
    module = types.ModuleType("cv2")
    module.released = []

    class VideoCapture:
        def __init__(self, number):
            self.number, self.left = number, iter(pictures)

        def isOpened(self):  # noqa: N802 (it is OpenCV's name)
            return opens

        def read(self):
            picture = next(self.left, None)
            return picture is not None, picture

        def release(self):
            module.released.append(self.number)

    module.VideoCapture = VideoCapture
    return module


def test_a_camera_is_watched_until_it_ends(model, capsys, monkeypatch):
    module = camera_module(brightening())
    monkeypatch.setitem(sys.modules, "cv2", module)
    assert watch.main([model, "3", *ALARM]) == 0
    assert [name for _, name in alarms(capsys.readouterr().out)] == ["bright"]
    assert module.released == [3]


def test_a_camera_gives_blue_first(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", camera_module([np.full((16, 16, 3), (255, 0, 0), np.uint8)]))
    ((seconds, frame),) = watch.frames("0", watch.look(8, None, "rgb"))
    assert seconds == 0 and frame.shape == (8, 8, 3) and (frame == (0, 0, 255)).all()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (camera_module([], opens=False), "FILE must be the number of a camera that can be opened, not 0"),
        (None, "reads cameras with OpenCV, which is not installed: pip install opencv-python-headless"),
    ],
)
def test_a_camera_that_is_not_there(module, message, model, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", module)
    assert watch.main([model, "0"]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--alarm", "2"], "--alarm must be one of '0', '1', not '2'"),
        (["--classes", "a,b,c"], "--classes must be 2 different names, one for each class of MODEL, not 'a,b,c'"),
        (["--threshold", "2"], "--threshold must be a number from 0 to 1, not 2.0"),
        (["--rate", "0"], "rate must be a number from 0.001 to 1000, not 0.0"),
    ],
)
def test_wrong_options_are_named(options, message, model, film, capsys):
    assert watch.main([model, str(film), *options]) == 1
    assert capsys.readouterr().err == f"seqlib.watch: {message}\n"


def test_wrong_files_are_named(model, film, tmp_path, capsys):
    short, text = tmp_path / "short.mkv", tmp_path / "text.mkv"
    write_film(short, brightening(1, 2))
    text.write_text("no film", "utf-8")
    for arguments, message in (
        ([str(film), str(film)], f"MODEL cannot be loaded from {str(film)!r}: file must be one that save_model wrote"),
        ([model, str(text)], f"FILE must be a film, - for standard input, or a camera's number, not {str(text)!r}: "),
        ([model, "nowhere.mkv"], "not 'nowhere.mkv': No such file or directory"),
        ([model, str(short)], "FILE must have 4 frames at least, as many as MODEL takes, not 3"),
    ):
        assert watch.main(arguments) == 1
        assert message in capsys.readouterr().err
