"""Videos: forty real files, each read exactly or listed with its reason; and which frames make a clip.

Every frame that is written shows its own number in large blocks, so that the number survives any codec.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import seqlib
from conftest import scheduling
from seqlib import video

pytestmark = pytest.mark.slow  # writes and decodes forty files

av = pytest.importorskip("av")

HEIGHT, WIDTH, BITS = 64, 96, 15
FAST = {
    "libx264": {"preset": "ultrafast", "bf": "2"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "auto-alt-ref": "1", "lag-in-frames": "16"},
    "libsvtav1": {"preset": "12", "svtav1-params": "rc=0"},
    "mpeg4": {"bf": "2"},
}


def numbered(i, height=HEIGHT, width=WIDTH):
    """Frame i: its number in black and white blocks, five by three, and some texture; uint8 (H, W, 3)."""
    bits = (i >> np.arange(BITS).reshape(3, 5) & 1).astype(np.uint8)
    rows, columns = np.arange(height) * 3 // height, np.arange(width) * 5 // width
    texture = ((np.arange(height, dtype=np.uint8)[:, None] ^ np.arange(width, dtype=np.uint8)) + i % 8) % 32
    return np.repeat((24 + 170 * bits[rows][:, columns] + texture).astype(np.uint8)[..., None], 3, axis=-1)


def number(frame):
    """The number that a frame shows."""
    height, width = frame.shape[:2]
    found = 0
    for bit in range(BITS):
        row, column = divmod(bit, 5)
        block = frame[row * height // 3 : (row + 1) * height // 3, column * width // 5 : (column + 1) * width // 5]
        found |= int(block[4:-4, 4:-4, :3].mean() > 120) << bit
    return found


class Film(NamedTuple):
    name: str
    codec: str
    frames: int = 40
    height: int = HEIGHT
    width: int = WIDTH
    pixels: str = "yuv420p"
    rate: int = 30
    rotation: int = 0
    milliseconds: tuple[int, ...] | None = None  # when each frame is shown, if not at a constant rate
    group: int = 12
    loss: float = 12  # grey levels, on average
    noise: int = 0


STUTTER = tuple(np.cumsum([0] + [33, 33, 200, 10, 50] * 6).tolist())
FILMS = (
    Film("h264.mp4", "libx264"),
    Film("h264.mkv", "libx264"),
    Film("h264.mov", "libx264"),
    Film("h264.ts", "libx264"),
    Film("h264.avi", "libx264"),
    Film("h265.mp4", "libx265"),
    Film("h265.mkv", "libx265"),
    Film("vp8.webm", "libvpx"),
    Film("vp9.webm", "libvpx-vp9"),
    Film("av1.mp4", "libsvtav1"),
    Film("av1.webm", "libsvtav1"),
    Film("mjpeg.avi", "mjpeg", pixels="yuvj420p"),
    Film("xvid.avi", "mpeg4"),
    Film("moving.gif", "gif", pixels="rgb8", rate=10, loss=24),
    Film("grey.mp4", "libx264", pixels="gray", loss=24),
    Film("ten bits.mkv", "libx265", pixels="yuv420p10le"),
    Film("odd 4:4:4.mp4", "libx264", height=49, width=75, pixels="yuv444p"),
    Film("alpha.mkv", "ffv1", pixels="bgra"),
    Film("turned 90.mp4", "libx264", rotation=90),
    Film("turned 180.mp4", "libx264", rotation=180),
    Film("turned 270.mp4", "libx264", rotation=270),
    Film("variable.mp4", "libx264", frames=31, milliseconds=STUTTER),
    Film("variable.mkv", "libx264", frames=31, milliseconds=STUTTER),
    Film("1 frame.mp4", "libx264", frames=1),
    Film("2 frames.webm", "libvpx-vp9", frames=2),
    Film("20,000 frames.mp4", "libx264", frames=20_000, group=250),
    Film("прыжок.mp4", "libx264"),
    Film("跳跃 100%.webm", "libvpx-vp9"),
    Film("قفزة.avi", "mjpeg", pixels="yuvj420p"),
    Film("-rf ; $HOME 'quoted'.mp4", "libx264"),
)


@contextlib.contextmanager
def same_scheduling():
    """Undo what SVT-AV1 does when root runs it.

    It makes the thread that calls it a real-time one, and so whatever this starts later; an endless loop among that
    leaves nothing of the machine to anybody else.
    """
    before = scheduling()
    try:
        yield
    finally:
        if before:
            os.sched_setscheduler(0, *before)


def write(path, film):
    with same_scheduling(), av.open(str(path), "w") as container:
        stream = container.add_stream(film.codec, rate=film.rate, options=FAST.get(film.codec, {}))
        stream.height, stream.width, stream.pix_fmt, stream.gop_size = film.height, film.width, film.pixels, film.group
        if film.rotation:
            stream.set_display_rotation(film.rotation)
        if film.milliseconds:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i in range(film.frames):
            pixels = numbered(i, film.height, film.width)
            if film.noise:
                pixels = pixels + np.random.RandomState(i).randint(0, film.noise, pixels.shape, np.uint8)
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture = picture.reformat(format=film.pixels)
            if film.milliseconds:
                picture.pts, picture.time_base = film.milliseconds[i], Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A folder with a class of all films that are whole."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "films").mkdir()
    for film in FILMS:
        write(folder / "films" / film.name, film)
    return folder


@pytest.fixture(scope="module")
def found(library):
    return video.index(library)


@pytest.fixture
def rows(found):
    return {file.path.name: file for file in found.files}


def upright(frame, rotation):
    return np.rot90(frame, rotation // 90)


def test_nothing_in_whole_films_is_bad(found, library):
    assert found.bad == []
    assert found.classes == ("films",)
    assert len(found.files) == len(FILMS)
    verified = video.index(library, verify=True)
    assert verified.bad == []
    assert verified.files == found.files


@pytest.mark.parametrize("film", FILMS, ids=lambda film: film.name)
def test_a_film_is_read_exactly(rows, film):
    file = rows[film.name]
    times = np.arange(film.frames) / film.rate if film.milliseconds is None else np.array(film.milliseconds) / 1000
    size = (film.width, film.height) if film.rotation % 180 == 90 else (film.height, film.width)
    assert (file.frames, file.height, file.width, file.rotation) == (film.frames, *size, film.rotation)
    assert np.abs(file.times - times).max() < 0.001
    if film.milliseconds is None:
        assert file.seconds == pytest.approx(film.frames / film.rate, abs=0.002)
        assert file.rate == pytest.approx(film.rate, rel=0.02)
    some = np.unique([0, film.frames - 1, film.frames // 2, film.frames // 3, min(1, film.frames - 1)])
    frames = video.read(file, some, size)
    assert [number(upright(frame, -film.rotation)) for frame in frames] == some.tolist()
    written = upright(numbered(film.frames - 1, film.height, film.width), film.rotation)
    assert np.abs(frames[-1].astype(int) - written).mean() < film.loss


@pytest.mark.parametrize("name", [film.name for film in FILMS if film.frames == 40])
def test_all_frames_and_single_ones_are_the_same(rows, name):
    file = rows[name]
    size = (file.height, file.width)
    all_frames = video.read(file, np.arange(40), size)
    shown = [number(upright(frame, -file.rotation)) for frame in all_frames]
    assert shown == list(range(40))
    for i in (39, 25, 0):
        assert np.array_equal(video.read(file, [i], size)[0], all_frames[i])


def test_a_seek_brings_the_frame_that_decoding_all_would_bring(rows):
    file = rows["20,000 frames.mp4"]
    some = np.array([19_999, 7, 4_001, 4_000, 12_345, 249, 250])
    frames = video.read(file, some, (HEIGHT, WIDTH))
    assert [number(frame) for frame in frames] == some.tolist()
    all_up_to = video.read(file, np.arange(240, 300), (HEIGHT, WIDTH))
    assert np.array_equal(frames[-2:], all_up_to[[9, 10]])


# Folders of pictures


def save_pictures(folder, names, size=(HEIGHT, WIDTH)):
    folder.mkdir(parents=True)
    for i, name in enumerate(names):
        Image.fromarray(numbered(i, *size)).save(folder / name)
    return folder


def test_pictures_are_sorted_as_numbers(tmp_path):
    save_pictures(tmp_path / "walk" / "anna", [f"{i}.png" for i in range(12)])
    save_pictures(tmp_path / "walk" / "ben.mp4", [f"frame_{i + 1:03}.jpg" for i in range(101)])
    found = video.index(tmp_path, picture_rate=10)
    anna, ben = found.files
    assert not found.bad
    assert (anna.frames, anna.seconds, anna.rate, anna.source) == (12, 1.2, 10, "anna")
    assert (ben.frames, ben.source, ben.path.name) == (101, "ben.mp4", "ben.mp4")
    for file in found.files:
        assert [number(frame) for frame in video.read(file, np.arange(file.frames), (HEIGHT, WIDTH))] == list(
            range(file.frames)
        )


def test_missing_and_damaged_pictures_are_named(tmp_path):
    folder = save_pictures(tmp_path / "walk" / "anna", [f"{i}.png" for i in range(20)])
    for missing in (7, 8):
        (folder / f"{missing}.png").unlink()
    (folder / "11.png").write_bytes((folder / "11.png").read_bytes()[:200])
    found = video.index(tmp_path, verify=True, picture_rate=10)
    (anna,) = found.files
    assert anna.frames == 17
    assert [row.seconds for row in found.bad] == [0.9, 1.1]
    assert found.bad[0].reason == "2 pictures missing between 6.png and 9.png"
    assert "11.png" in found.bad[1].reason
    numbers = [number(frame) for frame in video.read(anna, np.arange(anna.frames), (HEIGHT, WIDTH))]
    assert numbers == [i for i in range(20) if i not in (7, 8, 11)]
    assert np.allclose(anna.times, np.array(numbers) / 10)


# Damage

CODECS = tuple(
    film._replace(frames=120, noise=32)
    for film in FILMS
    if film.name in ("h264.mp4", "h264.mkv", "h265.mp4", "vp9.webm", "av1.mp4", "mjpeg.avi", "xvid.avi", "h264.avi")
)
NAMES = [film.name for film in CODECS]
PLACES = {"first": 0, "middle": 45, "last": 90}  # the tenth that is damaged begins at so many hundredths


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The films of CODECS before they are damaged, by name."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "k").mkdir()
    for film in CODECS:
        write(folder / "k" / film.name, film)
    return {file.path.name: file for file in video.index(folder).files}


@pytest.fixture(scope="module")
def damaged(whole, tmp_path_factory):
    """Films with a tenth of their bytes lost: a folder, and what index finds in it with ``verify``."""
    folder = tmp_path_factory.mktemp("damaged") / "k"
    folder.mkdir()
    for name in NAMES:
        content = whole[name].path.read_bytes()
        length = len(content) // 10
        for place, begins in PLACES.items():
            start = len(content) * begins // 100
            noise = np.random.RandomState(0).bytes(length)
            for kind, junk in (("zeros", bytes(length)), ("noise", noise)):
                (folder / f"{place}-{kind}-{name}").write_bytes(content[:start] + junk + content[start + length :])
    return folder.parent, video.index(folder.parent, verify=True)


@pytest.mark.parametrize("kind", ["zeros", "noise"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_film_is_bad_from_a_time_on_and_what_is_used_of_it_is_right(damaged, whole, name, place, kind):
    folder, found = damaged
    path = folder / "k" / f"{place}-{kind}-{name}"
    bad = [row for row in found.bad if row.path == path]
    files = [file for file in found.files if file.path == path]
    assert bad
    if not files:
        assert [row.seconds for row in bad] == [None]
        return
    (file,), before = files, whole[name]
    assert all(0 < row.seconds < before.seconds for row in bad)
    assert file.frames < before.frames
    assert (file.times < min(row.seconds for row in bad) - 1e-6).any()
    at = np.searchsorted(before.times, file.times - 1e-6)
    assert np.abs(before.times[at] - file.times).max() < 1e-6
    every = video.read(before, at, (HEIGHT, WIDTH))
    assert np.array_equal(video.read(file, np.arange(file.frames), (HEIGHT, WIDTH)), every)
    if name.endswith("avi"):  # it merely counts
        assert file.times.max() < min(row.seconds for row in bad)


def test_damage_in_the_first_tenth_leaves_nothing_and_in_the_middle_the_beginning(damaged):
    _, found = damaged
    used = {file.path.name for file in found.files}
    assert not {name for name in used if name.startswith("first")}
    assert {f"middle-{kind}-{name}" for kind in ("zeros", "noise") for name in NAMES} <= used


@pytest.mark.parametrize("name", ["h264.mkv", "vp9.webm"])
def test_a_keyframe_behind_the_damage_is_used_where_its_time_is_sure(damaged, name):
    _, found = damaged
    (file,) = (file for file in found.files if file.path.name == f"middle-zeros-{name}")
    (start,) = file.breaks
    assert start in file.keys
    assert file.times[start] - file.times[start - 1] > 0.1


def test_what_a_container_lacks_is_found_without_decoding(damaged):
    folder, _ = damaged
    quick = {(row.path, row.seconds) for row in video.index(folder).bad}
    for name in ("vp9.webm", "h264.mkv", "mjpeg.avi"):
        for place in ("middle", "last"):
            path = folder / "k" / f"{place}-zeros-{name}"
            assert [seconds for bad, seconds in quick if bad == path]


def test_a_fault_that_is_met_later_names_file_and_time(damaged):
    folder, _ = damaged
    path = folder / "k" / "middle-zeros-h264.mp4"
    (file,) = (file for file in video.index(folder).files if file.path == path)
    assert file.frames == 120
    with pytest.raises(
        video.DamagedError, match=r"middle-zeros-h264.mp4 is damaged from [12]\.\d+ s on: .*verify=True"
    ):
        video.clips([file], video.uniform(8), size=32)
    assert number(video.read(file, [20], (HEIGHT, WIDTH))[0]) == 20  # before the fault


@pytest.mark.parametrize("name", ["h264.mkv", "vp9.webm", "mjpeg.avi", "h264.avi"])
@pytest.mark.parametrize("kept", [0.5, 0.8])
def test_a_film_that_is_cut_off_is_used_up_to_there(library, rows, tmp_path, name, kept):
    (tmp_path / "k").mkdir()
    content = (library / "films" / name).read_bytes()
    (tmp_path / "k" / name).write_bytes(content[: int(len(content) * kept)])
    (file,), (bad, *_) = video.index(tmp_path, verify=True)[:2]
    assert 0 < bad.seconds < 40 / 30
    assert [number(frame) for frame in video.read(file, np.arange(file.frames), (HEIGHT, WIDTH))] == list(
        range(file.frames)
    )


def test_a_film_cut_off_before_its_index_cannot_be_read(library, tmp_path):
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "a.mp4").write_bytes((library / "films" / "h264.mp4").read_bytes()[:-3000])
    found = video.index(tmp_path)
    assert not found.files
    assert "no film that can be read" in found.bad[0].reason


def remux(source, target, shift=0, metadata=None, **options):
    """Copy a film's packets into another container, shifted in time by so many frames."""
    with av.open(str(source)) as film, av.open(str(target), "w", options=options) as container:
        container.metadata.update(metadata or {})
        (stream,) = film.streams.video
        copy = container.add_stream_from_template(stream)
        for packet in film.demux(stream):
            if packet.size:
                packet.pts += shift * packet.duration
                packet.dts += shift * packet.duration
                packet.stream = copy
                container.mux(packet)


def test_frames_that_an_edit_list_hides_are_not_shown_and_what_rests_on_them_is(library, tmp_path):
    (tmp_path / "k").mkdir()
    path = tmp_path / "k" / "trimmed.mp4"
    remux(library / "films" / "h264.mp4", path, -15, avoid_negative_ts="disabled", use_editlist="1")
    found = video.index(tmp_path, verify=True)
    assert not found.bad
    (file,) = found.files
    frames = video.read(file, np.arange(file.frames), (HEIGHT, WIDTH))
    assert [number(frame) for frame in frames] == list(range(15, 40))
    assert number(video.read(file, [13], (HEIGHT, WIDTH))[0]) == 28


@pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv", "h264.ts"])
def test_a_film_that_begins_late_keeps_its_frames(library, tmp_path, name):
    (tmp_path / "k").mkdir()
    remux(library / "films" / "h264.mp4", tmp_path / "k" / name, 90)
    found = video.index(tmp_path, verify=True)
    (file,) = found.files
    assert [number(frame) for frame in video.read(file, [0, 39, 30], (HEIGHT, WIDTH))] == [0, 39, 30]
    assert file.times[0] == 0
    assert [row.reason for row in found.bad] == ["it begins at 3.000 s, and what was before that is missing"] * (
        name == "h264.mkv"
    )


def test_a_title_in_an_old_encoding_does_no_harm(library, tmp_path):
    (tmp_path / "k").mkdir()
    path = tmp_path / "k" / "a.mp4"
    remux(library / "films" / "h264.mp4", path, metadata={"title": "XXXX"})
    path.write_bytes(path.read_bytes().replace(b"XXXX", "dé?é".encode("latin-1")))
    assert [file.frames for file in video.index(tmp_path).files] == [40]


# What is no film


def test_what_is_no_film_is_listed_with_its_reason(tmp_path):
    k = tmp_path / "k"
    k.mkdir()
    (tmp_path / "outside.mp4").write_bytes(b"x")
    (k / "empty.mp4").touch()
    (k / "text.mp4").write_text("not a film\n" * 100)
    (k / "notes.txt").write_text("not a film\n" * 100)
    (k / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    (k / "folder.mp4").mkdir()
    (k / "nowhere.mp4").symlink_to(tmp_path / "missing.mp4")
    (k / "around").symlink_to(k)
    os.mkfifo(k / "pipe.mp4")
    Image.fromarray(numbered(0)).save(k / "loose.png")
    (k / ".hidden").write_text("passed over")
    (k / "Thumbs.db").write_text("passed over")
    found = video.index(tmp_path)
    assert not found.files
    assert found.classes == ()
    reasons = {row.path.relative_to(tmp_path).as_posix(): row.reason for row in found.bad}
    assert all(row.seconds is None for row in found.bad)
    assert reasons.keys() == {
        "outside.mp4",
        "k",
        *(f"k/{name}" for name in ("empty.mp4", "text.mp4", "notes.txt", "list.m3u8", "folder.mp4", "nowhere.mp4")),
        *(f"k/{name}" for name in ("around", "pipe.mp4")),
    }
    for path, words in {
        "outside.mp4": "outside of the folders of the classes",
        "k": "1 picture in the folder of a class",
        "k/empty.mp4": "an empty file",
        "k/folder.mp4": "an empty folder",
        "k/nowhere.mp4": "leads nowhere",
        "k/around": "a folder that contains it",
        "k/pipe.mp4": "a pipe",
        "k/notes.txt": "no film",
        "k/text.mp4": "no film",
        "k/list.m3u8": "no film",
    }.items():
        assert words in reasons[path], (path, reasons[path])


def test_an_unreadable_file_is_listed(library):
    """As another user, since the superuser may read everything."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to other users
        os.chmod(folder, 0o755)
        k = Path(folder, "k")
        k.mkdir()
        for name in ("closed.mp4", "open.mp4"):
            (k / name).write_bytes((library / "films" / "h264.mp4").read_bytes())
        (k / "closed.mp4").chmod(0)
        program = (
            "import os, sys, av; from seqlib import video\n"
            "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "found = video.index(sys.argv[1])\n"
            "print([file.path.name for file in found.files], [(row.path.name, row.reason) for row in found.bad])"
        )
        done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['open.mp4'] [('closed.mp4', 'cannot be opened: Permission denied')]"


def test_a_link_to_a_film_is_read(library, tmp_path):
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "link.mp4").symlink_to(library / "films" / "h264.mp4")
    assert [file.frames for file in video.index(tmp_path).files] == [40]


@pytest.mark.skipif(sys.platform == "darwin", reason="names there are always Unicode")
def test_a_name_that_is_no_unicode(library, tmp_path):
    (tmp_path / "k").mkdir()
    path = tmp_path / "k" / os.fsdecode(b"\xff\xfe.mp4")
    path.write_bytes((library / "films" / "h264.mp4").read_bytes())
    (file,) = video.index(tmp_path).files
    assert number(video.read(file, [7], (HEIGHT, WIDTH))[0]) == 7


def test_without_pyav_one_line_says_what_to_install(tmp_path):
    save_pictures(tmp_path / "walk" / "anna", ["1.png"])
    program = (
        "import sys; sys.modules['av'] = None; import seqlib\n"
        "from seqlib import video\n"
        "assert not {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)\n"
        "try: video.index(sys.argv[1])\nexcept ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "seqlib.video reads films with PyAV, which is not installed: pip install av\n"
    program = "import sys, seqlib; seqlib.video; assert not {'av', 'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (("nowhere",), ValueError, "folder must be a folder with one folder per class, not .* which is no folder"),
        ((".", {"verify": 1}), TypeError, "verify must be True or False"),
        ((".", {"source": "name"}), TypeError, "source must be a function of a path, not .*: give lambda path"),
        ((".", {"source": lambda path: 3}), TypeError, "source must return a str, not 3"),
        ((".", {"picture_rate": 0}), ValueError, "picture_rate must be a number"),
    ],
)
def test_wrong_arguments_of_index(library, given, error, words):
    folder, options = (*given, {})[:2]
    with pytest.raises(error, match=words):
        video.index(library if folder == "." else folder, **options)


def test_a_folder_of_films_without_classes_is_refused(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(ValueError, match=r"one folder per class, not .*, which holds no folder: move"):
        video.index(tmp_path)


# Pixels


@pytest.mark.parametrize(("colour", "channels"), [("rgb", 3), ("grey", 1), ("rgba", 4)])
@pytest.mark.parametrize("name", ["h264.mp4", "grey.mp4", "alpha.mkv", "ten bits.mkv", "moving.gif", "mjpeg.avi"])
def test_colours_are_what_is_asked_for(rows, name, colour, channels):
    frames = video.read(rows[name], [3, 5], (HEIGHT, WIDTH), colour=colour)
    assert frames.shape == (2, HEIGHT, WIDTH, channels)
    assert [number(frame) for frame in frames] == [3, 5]
    if colour == "rgba":
        assert (frames[..., 3] == 255).all()
    if colour == "grey":
        assert np.abs(frames[0, ..., 0].astype(int) - numbered(3)[..., 0]).mean() < 24


def test_the_short_side_is_scaled_and_the_centre_is_cut_out(rows):
    file = rows["h264.mp4"]
    whole = video.read(file, [5], (32, 48))
    assert np.array_equal(video.read(file, [5], 32), whole[:, :, 8:40])
    assert np.array_equal(video.read(file, [5], 16, short_side=32), whole[:, 8:24, 16:32])
    tall = video.read(rows["turned 90.mp4"], [5], (48, 32))
    assert np.array_equal(video.read(rows["turned 90.mp4"], [5], 32), tall[:, 8:40])
    assert video.read(file, [0], (100, 90)).shape == (1, 100, 90, 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 0}, "size must be an integer from 1"),
        ({"size": (1, 2, 3)}, "size must be one integer or a pair"),
        ({"short_side": 20}, "short_side must be an integer from 32"),
        ({"colour": "gray"}, "colour must be one of 'rgb', 'grey', 'rgba', not 'gray'"),
        ({"indices": [40]}, "indices must be from 0 to 39"),
    ],
)
def test_wrong_arguments_of_read(rows, options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        video.read(rows["h264.mp4"], **({"indices": [0], "size": 32} | options))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_pictures_of_any_kind(tmp_path, mode):
    folder = tmp_path / "walk" / "anna"
    folder.mkdir(parents=True)
    picture = Image.fromarray(numbered(9))
    if mode == "I;16":
        picture = Image.fromarray(numbered(9)[..., 0].astype(np.uint16) * 257)
    picture = picture if mode == "I;16" else picture.convert(mode)
    picture.save(folder / ("1.tif" if mode in ("CMYK", "I;16") else "1.png"))
    (file,) = video.index(tmp_path).files
    for colour, channels in (("rgb", 3), ("grey", 1), ("rgba", 4)):
        (frame,) = video.read(file, [0], (HEIGHT, WIDTH), colour=colour)
        assert frame.shape[2] == channels
        assert number(frame) == 9


# Which frames


def film(moments, *, last=1, breaks=(), keys=None, tick=Fraction(1, 1000), name="film", class_name="a", source="s"):
    """A file of which only the times matter."""
    moments = np.asarray(moments, np.int64)
    return video.File(
        path=Path("k") / name,
        class_name=class_name,
        label=0,
        source=source,
        frames=len(moments),
        seconds=1.0,
        rate=1.0,
        width=1,
        height=1,
        rotation=0,
        moments=moments,
        tick=tick,
        origin=int(moments[0]),
        last=last,
        keys=np.arange(len(moments)) if keys is None else np.asarray(keys),
        breaks=np.asarray(breaks, np.int64),
        counted=False,
        pictures=(),
    )


steady = st.integers(1, 400).map(lambda frames: film(np.arange(frames) * 40, last=40))
unsteady = st.lists(st.integers(1, 500), min_size=1, max_size=60).map(lambda gaps: film(np.cumsum(gaps), last=33))
draws = st.one_of(st.none(), st.builds(video.Draw, st.integers(0, 2**32 - 1), st.integers(0, 1000)))
shorts = st.sampled_from(["repeat", "loop", "lengths"])
samplings = st.one_of(
    st.builds(video.uniform, st.integers(1, 40), clips=st.integers(1, 4), short=shorts),
    st.builds(video.segments, st.integers(1, 40), clips=st.integers(1, 4), short=shorts),
    st.builds(video.strided, st.integers(1, 40), every=st.integers(1, 9), clips=st.integers(1, 4), short=shorts),
    st.builds(video.strided, st.integers(1, 40), seconds=st.floats(0.001, 1), clips=st.integers(1, 4), short=shorts),
)


@given(st.one_of(steady, unsteady), samplings, draws)
def test_indices_are_in_range_and_in_order_of_time(file, sampling, draw):
    indices, lengths = video.frame_indices(file, sampling, draw)
    assert indices.shape == (sampling.clips, sampling.frames)
    assert indices.dtype == np.int64
    assert lengths.dtype == np.int32
    assert indices.max() < file.frames
    assert ((lengths >= 1) & (lengths <= sampling.frames)).all()
    for row, real in zip(indices, lengths, strict=True):
        assert (row[:real] >= 0).all()
        assert (np.diff(row[:real]) >= 0).all()
        rest = row[real:]
        if sampling.short == "lengths":
            assert (rest == -1).all()
        elif sampling.short == "repeat":
            assert (rest == row[real - 1]).all()
        else:
            assert np.array_equal(rest, np.resize(row[:real], sampling.frames)[real:])
    again, _ = video.frame_indices(file, sampling, draw)
    assert np.array_equal(indices, again)


@given(steady, st.integers(1, 40), st.integers(1, 3))
def test_uniform_sampling_covers_the_video(file, frames, clips):
    indices, lengths = video.frame_indices(file, video.uniform(frames, clips=clips, short="lengths"))
    step = file.frames / frames
    if file.frames <= frames:
        assert all(row[row >= 0].tolist() == list(range(file.frames)) for row in indices)
    else:
        assert (lengths == frames).all()
        for row in indices:
            assert row[0] < step
            assert row[-1] >= file.frames - step - 1
            assert np.diff(row).max(initial=0) <= step + 1
            assert len(set(row)) == frames


@given(steady, st.integers(1, 40), draws)
def test_segment_sampling_takes_one_frame_from_each_segment(file, frames, draw):
    if file.frames < frames:
        return
    (row,), _ = video.frame_indices(file, video.segments(frames), draw)
    borders = np.arange(frames + 1) * file.frames / frames
    for i, index in enumerate(row):
        assert borders[i] - 1 < index < borders[i + 1]  # a frame may lie in two segments
    if draw is None:
        assert np.abs(row + 0.5 - (borders[:-1] + borders[1:]) / 2).max() <= 0.5 + 1e-9


def test_in_training_segments_reach_every_frame_of_their_own():
    file = film(np.arange(40) * 40, last=40)
    rows = np.array([video.frame_indices(file, video.segments(4), video.Draw(0, epoch))[0][0] for epoch in range(400)])
    for segment in range(4):
        assert set(rows[:, segment]) == set(range(10 * segment, 10 * segment + 10))


@given(steady, st.integers(1, 20), st.integers(1, 9), draws)
def test_strided_sampling_keeps_its_distance(file, frames, every, draw):
    (row,), (real,) = video.frame_indices(file, video.strided(frames, every=every, short="lengths"), draw)
    assert (np.diff(row[:real]) == every).all()
    assert real == min(frames, -(-file.frames // every))
    if draw is None:
        left, right = row[0], file.frames - 1 - row[real - 1]
        assert real < frames or abs(left - right) <= 1


def test_strided_sampling_in_seconds_follows_the_times_not_the_count():
    slow_then_fast = film([*range(0, 1000, 100), *range(1000, 2000, 10)], last=10)
    (row,), _ = video.frame_indices(slow_then_fast, video.strided(20, seconds=0.1))
    assert row.tolist() == [*range(10), *range(14, 114, 10)]  # from 0.045 s on: it lies in the centre


def test_uniform_sampling_follows_the_times_not_the_count():
    slow_then_fast = film([*range(0, 1000, 100), *range(1000, 2000, 10)], last=10)
    (row,), _ = video.frame_indices(slow_then_fast, video.uniform(4))
    assert row.tolist() == [2, 7, 35, 85]


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 8), st.integers(1, 4), draws)
def test_no_strided_clip_reaches_over_a_break(first, second, frames, every, draw):
    moments = np.concatenate([np.arange(first), 500 + np.arange(second)]) * 40
    file = film(moments, last=40, breaks=[first])
    for clip in video.frame_indices(file, video.strided(frames, every=every, clips=3), draw)[0]:
        assert (clip < first).all() or (clip >= first).all()


def test_the_time_that_is_missing_is_not_sampled():
    file = film(np.concatenate([np.arange(10), 100 + np.arange(10)]) * 40, last=40, breaks=[10])
    assert video.frame_indices(file, video.uniform(20))[0].tolist() == [list(range(20))]


def test_several_clips_lie_one_after_another():
    file = film(np.arange(100) * 40, last=40)
    dense, _ = video.frame_indices(file, video.strided(10, every=2, clips=3))
    assert (np.diff(dense[:, 0]) > 20).all()
    spread, _ = video.frame_indices(file, video.uniform(10, clips=2))
    assert (spread[0] < spread[1]).all()


def test_choices_never_change():
    """They are the same on every machine, so that a run can be repeated."""
    file = film(np.arange(300) * 33, last=33, name="прыжок.mp4")
    drawn = video.Draw(seed=7, epoch=3)
    assert video.frame_indices(file, video.segments(6), drawn)[0].tolist() == SEGMENTS
    assert video.frame_indices(file, video.strided(3, every=4, clips=2), drawn)[0].tolist() == STRIDED


SEGMENTS = [[45, 53, 109, 175, 201, 297]]
STRIDED = [[261, 265, 269], [217, 221, 225]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: video.uniform(0), "frames must be an integer from 1"),
        (lambda: video.segments(8, clips=0), "clips must be an integer from 1"),
        (lambda: video.strided(8, every=1, seconds=1), "every or seconds must be left out, not 1 and 1: give only one"),
        (lambda: video.strided(8, every=0), "every must be an integer from 1"),
        (lambda: video.strided(8, seconds=0), "seconds must be a number"),
        (lambda: video.uniform(8, short="pad"), "short must be one of 'repeat', 'loop', 'lengths'"),
    ],
)
def test_wrong_arguments_of_samplings(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


# Split

sources = st.dictionaries(
    st.sampled_from("abc"), st.lists(st.integers(1, 4), min_size=3, max_size=8), min_size=1, max_size=3
)


def library_of(counts):
    """A file for each (class, source, n), from {class: [number of files of each of its sources]}."""
    return [
        film([0, 1], name=f"{source}_{n}", class_name=class_name, source=f"{class_name}{source}")
        for class_name, sizes in counts.items()
        for source, size in enumerate(sizes)
        for n in range(size)
    ]


def names(parts):
    return [[(file.class_name, file.path.name) for file in part] for part in parts]


@given(sources, st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
def test_a_split_keeps_sources_whole_and_classes_everywhere(counts, seed, random):
    files = library_of(counts)
    parts = video.split(files, (0.6, 0.2, 0.2), seed)
    assert sorted(name for part in names(parts) for name in part) == sorted(names([files])[0])
    held = [{file.source for file in part} for part in parts]
    assert sum(map(len, held)) == len(set.union(*held))
    for part in parts:
        assert {file.class_name for file in part} == set(counts)
    random.shuffle(files)
    assert names(video.split(files, (0.6, 0.2, 0.2), seed)) == names(parts)


def test_a_split_comes_near_its_fractions_and_depends_on_the_seed():
    files = library_of({"a": [1] * 100, "b": [2] * 50})
    splits = [video.split(files, (0.7, 0.1, 0.2), seed) for seed in range(5)]
    for parts in splits:
        assert [len(part) for part in parts] == [140, 20, 40]
        assert [sum(file.class_name == "a" for file in part) for part in parts] == [70, 10, 20]
    assert len({str(names(parts)) for parts in splits}) == 5


def test_a_source_in_two_classes_stays_whole():
    files = [film([0, 1], name=f"{c}{s}", class_name=c, source=f"recording {s}") for c in "ab" for s in range(10)]
    train, test = video.split(files, (0.8, 0.2))
    assert len(train), len(test) == (16, 4)
    assert not {file.source for file in train} & {file.source for file in test}


def test_a_class_with_too_few_sources_is_named():
    files = library_of({"walk": [1] * 5, "run": [4, 4]})
    with pytest.raises(ValueError, match=r"3 parts, and the class 'run' has 2: 'run0', 'run1'; give fewer parts"):
        video.split(files, (0.5, 0.25, 0.25))


@pytest.mark.parametrize(
    ("files", "parts", "words"),
    [
        ([], (0.5, 0.5), "files must hold at least one video, not 0"),
        ([Path("a.mp4")], (0.5, 0.5), "files must be videos that index has found, not PosixPath: give"),
        (None, (0.5, 0.4), "parts must be two or more fractions above 0"),
        (None, (1.0,), "parts must be two or more fractions above 0"),
        (None, (0.5, -0.5, 1), "parts must be a number from 0 to 1"),
    ],
)
def test_wrong_arguments_of_split(files, parts, words):
    files = library_of({"a": [1] * 5}) if files is None else files
    with pytest.raises((TypeError, ValueError), match=words):
        video.split(files, parts)


# Clips and data sets


@pytest.fixture(scope="module")
def two_classes(tmp_path_factory):
    """Films of two classes, 20 to 45 frames long."""
    folder = tmp_path_factory.mktemp("two classes")
    for class_name in ("left", "right"):
        (folder / class_name).mkdir()
        for i in range(4):
            write(folder / class_name / f"{class_name}{i}.mp4", Film("", "libx264", frames=20 + 5 * i))
    return video.index(folder).files


def test_clips_are_arrays_with_labels_and_lengths(two_classes):
    x, y, lengths = video.clips(two_classes, video.strided(16, every=2, clips=2, short="lengths"), size=(HEIGHT, WIDTH))
    assert (x.shape, x.dtype) == ((16, 16, HEIGHT, WIDTH, 3), np.uint8)
    assert (y.tolist(), y.dtype) == ([0] * 8 + [1] * 8, np.int64)
    assert (lengths.tolist(), lengths.dtype) == ([10, 10, 13, 13, 15, 15, 16, 16] * 2, np.int32)
    for clip, real in zip(x, lengths, strict=True):
        shown = [number(frame) for frame in clip[:real]]
        assert (np.diff(shown) == 2).all()
        assert not clip[real:].any()
    assert len(video.clips(two_classes, video.uniform(4), size=16)) == 2


def test_logits_are_averaged_over_the_clips_of_a_video():
    scores = np.arange(12, dtype=np.float32).reshape(6, 2)
    assert np.array_equal(video.average_logits(scores, 3), [[2, 3], [8, 9]])
    with pytest.raises(ValueError, match="scores must have shape"):
        video.average_logits(scores, 4)


def batches(data):
    """What a data set serves in one pass: clips, labels."""
    x, y = zip(*((np.asarray(x), np.asarray(y)) for x, y in data), strict=True)
    return np.concatenate(x), np.concatenate(y)


@pytest.mark.slow
@pytest.mark.parametrize("cached", [False, True])
def test_a_data_set_serves_what_clips_reads(two_classes, tmp_path, cached):
    cache = tmp_path if cached else None
    x, y = video.clips(two_classes, video.uniform(6, clips=2), size=32, colour="grey")
    data = video.dataset(
        two_classes, video.uniform(6, clips=2), size=32, colour="grey", training=False, batch=3, cache=cache
    )
    assert data.cardinality() == 6
    assert data.element_spec[0].shape == (None, 6, 32, 32, 1)
    for _ in range(2):
        served, labels = batches(data)
        assert np.array_equal(served, x)
        assert np.array_equal(labels, y)
    assert len(list(tmp_path.iterdir())) == (8 if cached else 0)


@pytest.mark.slow
def test_in_training_each_pass_has_another_order_and_other_frames_and_a_new_set_repeats_them(two_classes, tmp_path):
    def passes(**options):
        data = video.dataset(two_classes, video.segments(4), size=(HEIGHT, WIDTH), batch=8, seed=3, **options)
        return [batches(data) for _ in range(2)]

    first, second = passes()
    assert sorted(first[1]) == sorted(second[1]) == [0] * 4 + [1] * 4
    assert not np.array_equal(first[0], second[0])
    for (x, y), (x_again, y_again) in zip(passes(), passes(cache=tmp_path), strict=True):
        assert np.array_equal(x, x_again)
        assert np.array_equal(y, y_again)


@pytest.mark.slow
def test_with_lengths_a_batch_is_a_pair_of_inputs(two_classes):
    data = video.dataset(two_classes, video.uniform(32, short="lengths"), size=16, batch=4, training=False)
    (x, lengths), y = next(iter(data))
    assert (x.shape, lengths.shape, y.shape) == ((4, 32, 16, 16, 3), (4,), (4,))
    assert lengths.dtype.name == "int32"
    assert lengths.numpy().tolist() == [20, 25, 30, 32]


@pytest.mark.slow
def test_a_fault_in_a_data_set_names_file_and_time(damaged):
    from seqlib.backend import tf

    folder, _ = damaged
    files = [file for file in video.index(folder).files if file.path.name == "middle-zeros-h264.mp4"]
    with pytest.raises(tf.errors.OpError, match=r"middle-zeros-h264.mp4 is damaged from [12]\.\d+ s on"):
        list(video.dataset(files, video.uniform(8), size=32))


@pytest.mark.slow
def test_fit_trains_on_it(two_classes):
    from seqlib import models, training

    data = video.dataset(two_classes, video.uniform(4), size=16, batch=4, augment=video.augmentation(brightness=9))
    run = training.fit(models.average_pooling(2, (4, 16, 16, 3)), data, epochs=2)
    assert len(run.history["loss"]) == 2


def test_a_cached_file_depends_on_the_options_and_on_the_video(two_classes, library, tmp_path):
    (tmp_path / "k").mkdir()
    path = tmp_path / "k" / "a.mp4"
    path.write_bytes((library / "films" / "h264.mp4").read_bytes())
    cache = tmp_path / "cache"

    def read(**options):
        files = video.index(tmp_path, source=lambda path: "a").files
        return video.clips(files, **({"sampling": video.uniform(4), "size": 16, "cache": cache} | options))[0]

    first = read()
    assert np.array_equal(read(), first)
    assert len(list(cache.iterdir())) == 1
    read(colour="grey")
    read(size=17)
    read(short_side=18)
    read(sampling=video.uniform(5))
    read(sampling=video.segments(4))  # in testing the same frames as uniform
    assert len(list(cache.iterdir())) == 5
    path.write_bytes((library / "films" / "h265.mp4").read_bytes())
    assert not np.array_equal(read(), first)
    assert len(list(cache.iterdir())) == 6


def test_a_cached_file_that_is_not_whole_is_made_anew(two_classes, tmp_path):
    x, _ = video.clips(two_classes, video.uniform(4), size=16, cache=tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:200])
    assert np.array_equal(video.clips(two_classes, video.uniform(4), size=16, cache=tmp_path)[0], x)


def test_a_run_that_is_killed_while_it_writes_goes_on(two_classes, tmp_path):
    program = """
import os, signal, sys
import numpy as np
from seqlib import video

whole, calls = np.lib.format.write_array_header_1_0, []

def begin(output, header):
    calls.append(1)
    whole(output, header)
    if len(calls) == 4:
        output.write(bytes(1000))
        output.flush()
        os.kill(os.getpid(), signal.SIGKILL)

np.lib.format.write_array_header_1_0 = begin
os.cpu_count = lambda: 1
video.clips(video.index(sys.argv[1]).files, video.uniform(4), size=16, cache=sys.argv[2])
"""
    folder = two_classes[0].path.parents[1]
    cache = tmp_path / "cache"
    done = subprocess.run([sys.executable, "-c", program, folder, cache], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    kept = {path: path.stat().st_mtime_ns for path in cache.glob("*.npy")}
    assert len(kept) == 3
    assert len(list(cache.glob("*.part"))) == 1
    x, _ = video.clips(two_classes, video.uniform(4), size=16)
    assert np.array_equal(video.clips(two_classes, video.uniform(4), size=16, cache=cache)[0], x)
    assert len(list(cache.glob("*.npy"))) == 8
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sampling": 16}, "sampling must be made by uniform, strided or segments, not 16: give"),
        ({"training": 1}, "training must be True or False"),
        ({"augment": {"flip": True}}, "augment must be made by augmentation"),
        ({"augment": video.augmentation(crop=33), "size": 32}, r"size must be at least the crop, \(33, 33\)"),
        ({"files": ["a.mp4"]}, "files must be videos that index has found, not str: give"),
    ],
)
def test_wrong_arguments_of_clips(two_classes, options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        video.clips(**({"files": two_classes} | options))


# Augmentation

CLIPS, LABELS = seqlib.clips("direction", 16, seed=5)
ALL = video.augmentation(flip={0: 1, 1: 0}, crop=(24, 28), brightness=20, contrast=0.3, jitter=2)


def test_augmentation_keeps_shapes_and_types_and_depends_on_seed_and_index_alone():
    x, y = video.augment(CLIPS, LABELS, ALL, seed=1)
    assert (x.shape, x.dtype, y.dtype) == ((16, 16, 24, 28, 1), np.uint8, np.int64)
    later, labels = video.augment(CLIPS[5:], LABELS[5:], ALL, seed=1, start=5)
    assert np.array_equal(later, x[5:])
    assert np.array_equal(labels, y[5:])
    assert not np.array_equal(video.augment(CLIPS, LABELS, ALL, seed=2)[0], x)


def test_all_frames_of_a_clip_are_treated_alike():
    still = np.repeat(CLIPS[:, :1], 16, axis=1)
    x, _ = video.augment(still, LABELS, ALL)
    assert (x == x[:, :1]).all()
    by_itself, _ = video.augment(still[0][:, None], np.zeros(16, np.int64), ALL)
    assert (by_itself != by_itself[:1]).any()


def test_a_flip_changes_the_labels_that_it_was_told_to_change():
    x, y = video.augment(CLIPS, LABELS, video.augmentation(flip={0: 1, 1: 0}))
    flipped = (x == CLIPS[:, :, :, ::-1]).all((1, 2, 3, 4))
    assert 0 < flipped.sum() < 16
    assert np.array_equal(x[~flipped], CLIPS[~flipped])
    assert np.array_equal(y, np.where(flipped & (LABELS < 2), 1 - LABELS, LABELS))
    x, y = video.augment(CLIPS, LABELS, video.augmentation(flip=True))
    assert np.array_equal(y, LABELS)


def test_jitter_and_colour_leave_padding_blank():
    x = CLIPS.copy()
    x[:, 10:] = 0
    changed, _ = video.augment(x, LABELS, ALL, lengths=np.full(16, 10))
    assert not changed[:, 10:].any()
    assert changed[:, :10].all(axis=(2, 3, 4)).any()


def test_jitter_moves_the_clip_in_time():
    x = np.broadcast_to(np.arange(16, dtype=np.uint8)[:, None, None, None], (50, 16, 2, 2, 1)).copy()
    moved, _ = video.augment(x, np.zeros(50, np.int64), video.augmentation(jitter=3))
    first, last = moved[:, 0, 0, 0, 0].astype(int), moved[:, -1, 0, 0, 0].astype(int)
    assert set(first) == {0, 1, 2, 3}
    assert set(last) == {12, 13, 14, 15}


def test_saturation_leaves_grey_alone_and_alpha_is_no_colour():
    x = np.repeat(CLIPS, 4, axis=-1)
    x[..., 3] = 77
    changed, _ = video.augment(x, LABELS, video.augmentation(saturation=1, brightness=30))
    assert (changed[..., 3] == 77).all()
    assert (changed[..., 0] == changed[..., 2]).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: video.augmentation(flip="yes"), "flip must be True or False"),
        (lambda: video.augmentation(flip={0: 1}), "flip must map each mirror image back"),
        (lambda: video.augmentation(crop=0), "crop must be an integer of at least 1"),
        (lambda: video.augmentation(contrast=2), "contrast must be a number from 0 to 1"),
        (lambda: video.augment(CLIPS, LABELS[:3], ALL), "y must have one label per clip"),
        (lambda: video.augment(CLIPS, LABELS, video.augmentation(crop=40)), "crop must be at most the size of a frame"),
        (lambda: video.augment(CLIPS[0], LABELS, ALL), "x must be a uint8 array"),
    ],
)
def test_wrong_arguments_of_augmentation(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


def test_the_picture_of_augmentation_has_a_text():
    picture = video.augmented_strip(CLIPS[0], ALL, seed=1)
    assert picture.metadata["alt"].startswith("Three rows of 16 frames")
