"""Shards: what is read is what was to be written, whoever wrote it; damage is named; memory holds a few shards."""

import itertools
import os
import signal
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from PIL import Image

import seqlib
from seqlib import shards, video

SMALL = {"frames": 4, "resolution": 8, "size": (3, 4)}  # 256 bytes a clip
N, PER_SHARD = 70, 16


def source(seed=0):
    return shards.rendered("direction", N, seed, **SMALL)


@pytest.fixture
def folder(tmp_path):
    """Five shards, the last one smaller."""
    shards.write(tmp_path, source(), per_shard=PER_SHARD)
    return tmp_path


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def joined(parts):
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def numbers_of(x):
    """Which clips of the source these are, by their pixels."""
    known = {clip.tobytes(): number for number, clip in enumerate(seqlib.clips("direction", N, 0, **SMALL)[0])}
    return [known[np.asarray(clip).tobytes()] for clip in x]


def test_what_is_read_is_what_the_task_draws(folder):
    x, y = joined(shards.read(folder))
    expected = seqlib.clips("direction", N, 0, **SMALL)
    assert x.dtype == np.uint8 and y.dtype == np.int64
    assert (x == expected[0]).all() and (y == expected[1]).all()
    assert len(list(folder.glob("*.npz"))) == 5


def test_several_jobs_write_the_same_files_as_one(folder, tmp_path_factory):
    together = tmp_path_factory.mktemp("together")
    for number in (3, 1, 2):
        shards.write(together, source(), per_shard=PER_SHARD, part=(number, 3))
    assert files(together) == files(folder)
    parts = [len(list(shards.read(folder, part=(number, 3)))) for number in (1, 2, 3)]
    assert parts == [2, 2, 1]


KILLED = f"""
import os, signal, sys
from seqlib import shards, video
source = shards.rendered("direction", {N}, **{SMALL})
def make(start, stop):
    if start == 48:
        open(os.path.join(sys.argv[1], "00009-of-00009.1.part"), "wb").write(b"half of it")
        os.kill(os.getpid(), signal.SIGKILL)
    return source.make(start, stop)
shards.write(sys.argv[1], source._replace(make=make), per_shard={PER_SHARD})
"""


def test_a_writer_that_was_killed_goes_on_and_makes_nothing_twice(folder, tmp_path_factory):
    begun, made = tmp_path_factory.mktemp("begun"), []
    done = subprocess.run([sys.executable, "-c", KILLED, begun], env=os.environ | {"PYTHONPATH": os.getcwd()})
    assert done.returncode == -signal.SIGKILL
    assert len(list(begun.glob("*.npz"))) == 3
    with pytest.raises(shards.DamagedShardError, match=r"00003 of .* is missing: write makes it"):
        list(shards.read(begun))

    def make(start, stop):
        made.append(start)
        return source().make(start, stop)

    shards.write(begun, source()._replace(make=make), per_shard=PER_SHARD)
    assert made == [0, 48, 64]  # the first is asked for its shape
    (begun / "00009-of-00009.1.part").unlink()
    assert files(begun) == files(folder)


def damage(folder, how):
    """Damage the second shard; return its name."""
    path = sorted(folder.glob("*.npz"))[1]
    whole = path.read_bytes()
    if how == "a bit":
        path.write_bytes(whole[:900] + bytes([whole[900] ^ 1]) + whole[901:])
    elif how == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "another":
        path.write_bytes(sorted(folder.glob("*.npz"))[2].read_bytes())
    else:
        path.unlink()
    return path.name


@pytest.mark.parametrize("how", ["a bit", "cut", "empty", "another", "gone"])
def test_a_damaged_shard_is_named_and_skipped_only_if_that_is_asked_for(folder, how):
    name = damage(folder, how)
    named = "shard 00001 of .* is missing" if how == "gone" else f"{name} is damaged.*write makes it again"
    parts = shards.read(folder)
    assert len(next(parts)[1]) == PER_SHARD
    with pytest.raises(shards.DamagedShardError, match=named):
        next(parts)
    with pytest.warns(UserWarning, match=named):
        x, _ = joined(shards.read(folder, skip_damaged=True))
    assert numbers_of(x) == [*range(16), *range(32, N)]


def test_a_damaged_shard_is_repaired(folder):
    before = files(folder)
    (folder / damage(folder, "a bit")).unlink()
    shards.write(folder, source(), per_shard=PER_SHARD)
    assert files(folder) == before


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ((source(seed=1), PER_SHARD), "source .*'seed': 0.*, not .*'seed': 1"),
        ((source(), 8), "per_shard 16, not 8"),
        ((shards.rendered("direction", 71, **SMALL), PER_SHARD), "n 70, not 71"),
    ],
)
def test_a_folder_with_other_clips_is_refused(folder, changed, what):
    before = files(folder)
    with pytest.raises(ValueError, match=f"folder must be new or hold shards of the same clips.*{what}"):
        shards.write(folder, changed[0], per_shard=changed[1])
    assert files(folder) == before


def test_what_is_no_folder_of_shards_and_what_is_no_part_is_refused(folder, tmp_path_factory):
    with pytest.raises(ValueError, match=r"folder must be one that seqlib.shards.write has filled"):
        shards.read(tmp_path_factory.mktemp("empty"))
    for part, what in (((0, 2), r"part\[0\]"), ((3, 2), r"part\[0\]"), ((1, 0), r"part\[1\]"), (1, "part must be")):
        with pytest.raises(ValueError, match=what):
            shards.read(folder, part=part)


def test_a_dataset_shows_each_clip_once_in_another_order_each_time(folder):
    data = shards.dataset(folder, batch=32)
    assert data.cardinality() == 3
    passes = [joined((x.numpy(), y.numpy()) for x, y in data) for _ in range(2)]
    orders = [numbers_of(x) for x, _ in passes]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(N)) and orders[0] != orders[1]
    for order, (_, y) in zip(orders, passes, strict=True):
        assert (y == seqlib.clips("direction", N, 0, **SMALL)[1][order]).all()
    again = [numbers_of(joined((x.numpy(),) for x, _ in data)[0]) for data in [shards.dataset(folder)]]
    assert again == orders[:1]
    assert numbers_of(joined((x.numpy(),) for x, _ in shards.dataset(folder, training=False))[0]) == list(range(N))


def test_a_dataset_names_a_damaged_shard_and_skips_it_only_if_that_is_asked_for(folder):
    name = damage(folder, "cut")
    with pytest.raises(Exception, match=f"{name} is damaged"):
        list(shards.dataset(folder))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert sum(len(y) for _, y in shards.dataset(folder, skip_damaged=True)) == N - PER_SHARD
    assert any(name in str(warning.message) for warning in caught)


def test_a_dataset_reads_ahead_by_a_few_shards_only(tmp_path, monkeypatch):
    loaded, load = [], shards._load
    shards.write(tmp_path, source(), per_shard=2)
    monkeypatch.setattr(shards, "_load", lambda path: loaded.append(path) or load(path))
    for _ in itertools.islice(shards.dataset(tmp_path, batch=2), 3):
        pass
    assert len(loaded) <= 12  # of 35: three, four batches in the queue, and what is under way


def test_memory_stays_flat_over_20_000_clips(tmp_path):
    """Both ways take less than three shards of forty."""
    large = shards.rendered("shape", 20_000, noise=0, **SMALL)
    one_shard = 500 * 264
    large.make(0, 500)  # the atlas is kept

    def peak(do):
        tracemalloc.start()
        do()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    wrote = peak(lambda: shards.write(tmp_path, large, per_shard=500))
    counts = []
    read = peak(lambda: counts.extend(len(y) for _, y in shards.read(tmp_path)))
    assert sum(counts) == 20_000 and len(counts) == 40
    assert max(wrote, read) < 10 * one_shard, (wrote, read)


def test_files_are_cut_to_64_mebibytes_if_nothing_else_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "_BYTES", 264 * 30)
    shards.write(tmp_path, source())
    assert [len(y) for _, y in shards.read(tmp_path)] == [30, 30, 10]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Four recordings of one class and three of another, as pictures, each of them another grey."""
    folder = tmp_path_factory.mktemp("recordings")
    for number in range(7):
        place = folder / ("jump" if number < 4 else "walk") / f"take {number}"
        place.mkdir(parents=True)
        for frame in range(3 + number % 2):
            pixels = np.full((8, 8), 30 * number + frame, np.uint8)
            Image.fromarray(pixels).save(place / f"{frame}.png")
    return video.index(folder, picture_rate=10).files


@pytest.mark.parametrize(
    "sampling", [video.uniform(2, clips=2), video.uniform(4, short="lengths")], ids=["two", "lengths"]
)
def test_clips_of_films_are_stored_as_they_are_read_but_mixed(recordings, sampling, tmp_path):
    given = {"size": 8, "colour": "grey"}
    source = shards.filmed(recordings, sampling, seed=3, **given)
    shards.write(tmp_path, source, per_shard=3)
    stored, read = joined(shards.read(tmp_path)), video.clips(recordings, sampling, **given)
    assert len(stored) == len(read) and [array.dtype for array in stored] == [array.dtype for array in read]
    names = [[clip.tobytes() for clip in arrays[0]] for arrays in (stored, read)]
    assert names[0] != names[1] and source.n == len(names[0])
    order = [names[1].index(name) for name in names[0]]
    for ours, theirs in zip(stored, read, strict=True):
        assert (ours == theirs[order]).all()
    assert len(set(stored[1][:6].tolist())) == 2  # the first shards hold both classes
    if len(stored) == 3:
        (x, lengths), y = next(iter(shards.dataset(tmp_path, batch=5, training=False)))
        assert (x.shape, lengths.numpy().tolist(), y.numpy().tolist()) == (
            (5, 4, 8, 8, 1),
            stored[2][:5].tolist(),
            stored[1][:5].tolist(),
        )


def test_other_films_or_another_seed_are_other_clips(recordings, tmp_path):
    shards.write(tmp_path, shards.filmed(recordings, video.uniform(2), size=8))
    for other in (
        shards.filmed(recordings[1:], video.uniform(2), size=8),
        shards.filmed(recordings, video.uniform(2), size=8, seed=1),
    ):
        with pytest.raises(ValueError, match="folder must be new or hold shards of the same clips"):
            shards.write(tmp_path, other)
    with pytest.raises(ValueError, match="files must hold at least one video, not 0"):
        shards.filmed([])
