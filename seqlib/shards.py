"""Clips that do not fit into memory: written once into shards, files of some hundred or thousand, and read one by one.

Clip i of a source is a pure function of i, so shard k is a slice, and any machine can write any of them. A shard is a
NumPy file, ``00003-of-00016-<digest>.npz``, with clips ``x``, labels ``y`` and, of some films, ``lengths``. The digest
in its name is the SHA-256 of its bytes. So what was written is known by its name, and what was damaged since is found.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from . import arguments, progress, rendering, tasks, video

if TYPE_CHECKING:
    from .training import Dataset

__all__ = ["DamagedShardError", "Source", "dataset", "filmed", "read", "rendered", "write"]

Arrays = tuple[NDArray[Any], ...]
_ABOUT, _FORMAT = "shards.json", 1
_BYTES = 2**26  # of a shard, if nothing else is asked for
_NAMES = ("x", "y", "lengths")


class DamagedShardError(ValueError):
    """A shard is missing, or its bytes are not those that were written; the message names it."""


class Source(NamedTuple):
    """Clips that can be made in slices: what `rendered` and `filmed` return, or your own.

    Attributes
    ----------
    n : int
        How many clips there are.
    make : callable
        (start, stop) -> (x, y) or (x, y, lengths): the clips from ``start`` up to ``stop``, uint8 (B, T, H, W, C), with
        labels int64 (B,). The same numbers must always give the same clips.
    about : dict
        What JSON can hold: all that the clips depend on. `write` compares it when it goes on.
    """

    n: int
    make: Callable[[int, int], Arrays]
    about: dict[str, Any]


def rendered(task: str | tasks.Task, n: int, seed: int = 0, **options: Any) -> Source:
    """Describe clips of a task, for `write`.

    Parameters
    ----------
    task : str or Task
        A key of `TASKS`, or a task of your own.
    n : int
        How many clips.
    seed : int
        As in `seqlib.clips`.
    **options
        As in `seqlib.clips`: ``frames``, ``resolution`` and so on.

    Returns
    -------
    Source

    Raises
    ------
    TypeError, ValueError
        For an argument that `seqlib.clips` refuses.

    Examples
    --------
    >>> source = rendered("direction", 1000, frames=8)
    >>> source.make(998, 1000)[0].shape
    (2, 8, 32, 32, 1)
    """
    n = arguments.integer("n", n, 1)
    tasks.clips(task, 1, seed, start=n - 1, **options)  # refuses what it cannot draw

    def make(start, stop):
        return tasks.clips(task, stop - start, seed, start=start, **options)

    return Source(n, make, {"task": tasks.find(task).name, "seed": seed, "options": options})


def filmed(
    files: Iterable[video.File],
    sampling: video.Sampling = video.uniform(),  # noqa: B008 (a tuple of constants)
    *,
    size: video.Size = 112,
    short_side: int | None = None,
    colour: str = "rgb",
    seed: int = 0,
) -> Source:
    """Describe clips of videos, for `write`. Frames are chosen as in testing; change the clips that you read.

    Parameters
    ----------
    files : iterable of File
        From `seqlib.video.index` or `split`.
    sampling, size, short_side, colour
        As in `seqlib.video.clips`.
    seed : int
        From 0 to 2**32 - 1. The videos are shuffled, so that a shard does not hold one class alone.

    Returns
    -------
    Source

    Raises
    ------
    TypeError
        If ``seed`` is not an integer.
    ValueError
        If there are no files.

    Examples
    --------
    With films in ``films/walk/anna.mp4`` and so on::

        train, test = seqlib.video.split(seqlib.video.index("films").files, (0.8, 0.2))
        write("shards/train", filmed(train, size=64))
    """
    listed = list(files)
    seed = arguments.integer("seed", seed, 0, 2**32 - 1)
    if not listed:
        raise ValueError("files must hold at least one video, not 0")
    order = np.argsort(rendering.hash32(seed, crc32(b"shards"), np.arange(len(listed))), kind="stable")
    videos, several = [listed[place] for place in order], sampling.clips
    how = {"size": size, "short_side": short_side, "colour": colour}

    def make(start, stop):
        first = start // several
        arrays = video.clips(videos[first : -(-stop // several)], sampling, **how)
        return tuple(array[start - first * several : stop - first * several] for array in arrays)

    known = [(file.class_name, file.path.name, file.frames, file.width, file.height) for file in videos]
    digest = hashlib.sha256(repr(known).encode("utf-8", "surrogateescape")).hexdigest()
    return Source(len(videos) * several, make, {"videos": digest, "sampling": list(sampling), **how})


def write(
    folder: str | os.PathLike[str], source: Source, *, per_shard: int | None = None, part: tuple[int, int] = (1, 1)
) -> None:
    """Write clips into shards; a call after an interruption makes what is missing.

    A shard is written beside and renamed, so none is there in half. Memory holds one shard at a time. To repair a
    damaged shard, delete it and call this again.

    Parameters
    ----------
    folder : path
        A new folder, or one that an earlier call with the same arguments has begun to fill.
    source : Source
        Made by `rendered` or `filmed`, or your own.
    per_shard : int, optional
        Clips in a shard; as many as fit into 64 MiB, if not given.
    part : (int, int)
        (i, n) writes every n-th shard from the i-th on, 1 to n: n jobs write all of them.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If ``part`` is not (i, n); if ``folder`` holds shards of other clips.

    Examples
    --------
    A million clips, in two jobs::

        source = rendered("direction", 1_000_000)
        write("shards", source, part=(1, 2))  # in one
        write("shards", source, part=(2, 2))  # in the other
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sample = source.make(0, 1)
    if per_shard is None:
        per_shard = max(1, _BYTES // sum(array.nbytes for array in sample))
    per_shard = arguments.integer("per_shard", per_shard, 1)
    shapes = {name: [array.dtype.name, *array.shape[1:]] for name, array in zip(_NAMES, sample, strict=False)}
    about = {"format": _FORMAT, "n": source.n, "per_shard": per_shard, "arrays": shapes, "source": source.about}
    _declare(folder, json.loads(json.dumps(about)))
    count = _count(about)
    there = _there(folder)
    missing = [number for number in _part(part, count) if number not in there]
    for number in progress.counted(missing, len(missing), "shards written"):
        start = number * per_shard
        _keep(folder, f"{number:05d}-of-{count:05d}", source.make(start, min(start + per_shard, source.n)))


def _declare(folder, about):
    """Say in a file what a folder is to hold, unless it says so already."""
    if (folder / _ABOUT).exists():
        held = _about(folder)
        differs = sorted(name for name in held.keys() | about.keys() if held.get(name) != about.get(name))
        if differs:
            name = differs[0]
            raise ValueError(
                f"folder must be new or hold shards of the same clips; {folder} has {name} {held.get(name)}, not "
                f"{about.get(name)}: give another folder"
            )
        return
    beside = folder / f"{_ABOUT}.{os.getpid()}.part"
    beside.write_text(json.dumps(about, indent=1), "utf-8")
    beside.replace(folder / _ABOUT)


def _about(folder):
    try:
        return json.loads((folder / _ABOUT).read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(f"folder must be one that seqlib.shards.write has filled; {folder} has no {_ABOUT}") from None


def _count(about):
    return -(-about["n"] // about["per_shard"])


def _there(folder):
    """Find the shards of a folder; {number: path}."""
    return {
        int(path.name[:5]): path
        for path in folder.iterdir()
        if re.fullmatch(r"\d{5}-of-\d{5}-[0-9a-f]+\.npz", path.name)
    }


def _part(part, count):
    """Choose the shards of part (i, n)."""
    try:
        number, parts = part
    except (TypeError, ValueError):
        raise ValueError(f"part must be (i, n), such as (1, 4), not {part!r}") from None
    parts = arguments.integer("part[1]", parts, 1)
    return range(arguments.integer("part[0]", number, 1, parts) - 1, count, parts)


def _digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _keep(folder, name, arrays):
    """Write a shard beside, and give it its name and digest once it is whole."""
    beside = folder / f"{name}.{os.getpid()}.part"
    try:
        with beside.open("wb") as file:
            np.savez(file, **dict(zip(_NAMES, arrays, strict=False)))
        beside.replace(folder / f"{name}-{_digest(beside)}.npz")
    finally:
        beside.unlink(missing_ok=True)


def read(
    folder: str | os.PathLike[str], *, skip_damaged: bool = False, part: tuple[int, int] = (1, 1)
) -> Iterator[Arrays]:
    """Read shards, one after the other; each is checked before it is given.

    Parameters
    ----------
    folder : path
        One that `write` has filled.
    skip_damaged : bool
        Whether to go on after a damaged shard, with a warning that names it.
    part : (int, int)
        (i, n) reads every n-th shard from the i-th on, 1 to n.

    Yields
    ------
    x : uint8 array (B, T, H, W, C)
    y : int64 array (B,)
    lengths : int32 array (B,)
        Only if the source has lengths.

    Raises
    ------
    DamagedShardError
        If a shard is missing or damaged, unless it is skipped.
    ValueError
        If `write` has not filled the folder.
    """
    folder = Path(folder)
    return _checked(folder, _part(part, _count(_about(folder))), arguments.flag("skip_damaged", skip_damaged))


def _checked(folder, numbers, skip_damaged):
    there = _there(folder)
    for number in numbers:
        try:
            if number not in there:
                raise DamagedShardError(f"shard {number:05d} of {folder} is missing: write makes it")
            arrays = _load(there[number])
        except DamagedShardError as damage:
            if not skip_damaged:
                raise
            warnings.warn(f"skipped: {damage}", stacklevel=3)
        else:
            yield arrays


def _load(path):
    """Read a shard, or say what is wrong with it."""
    try:
        if _digest(path) == path.stem.rpartition("-")[2]:
            with np.load(path, allow_pickle=False) as arrays:
                return tuple(arrays[name] for name in _NAMES if name in arrays.files)
        why = "its SHA-256 is not the one in its name"
    except OSError as error:
        why = str(error)
    raise DamagedShardError(f"shard {path} is damaged: {why}; delete it, and write makes it again")


def dataset(
    folder: str | os.PathLike[str],
    *,
    batch: int = 32,
    training: bool = True,
    seed: int = 0,
    skip_damaged: bool = False,
    part: tuple[int, int] = (1, 1),
) -> Dataset:
    """Serve the clips of shards in batches. Memory holds a few shards at a time.

    Parameters
    ----------
    folder : path
        One that `write` has filled.
    batch : int
        Clips in a batch, B.
    training : bool
        Whether each pass has another order: that of the shards changes, and that of the clips within each.
    seed : int
        From 0 to 2**32 - 1.
    skip_damaged, part
        As in `read`.

    Returns
    -------
    tf.data.Dataset
        Of (x, y): uint8 (B, T, H, W, C) and int64 (B,); of ((x, lengths), y) if the source has lengths.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If `write` has not filled the folder; if a number is out of its range.

    Examples
    --------
    With a folder that `write` has filled::

        model = seqlib.models.conv3d(seqlib.TASKS["direction"])
        seqlib.training.fit(model, dataset("shards"), epochs=1)
    """
    from .backend import tf

    folder = Path(folder)
    about = _about(folder)
    numbers = _part(part, _count(about))
    batch = arguments.integer("batch", batch, 1)
    training = arguments.flag("training", training)
    seed = arguments.integer("seed", seed, 0, 2**32 - 1)
    skip_damaged = arguments.flag("skip_damaged", skip_damaged)
    passes = itertools.count()

    def serve():
        epoch = next(passes)
        order = _shuffled(len(numbers), training, seed, epoch)
        for number, arrays in enumerate(_checked(folder, [numbers[place] for place in order], skip_damaged)):
            rows = _shuffled(len(arrays[1]), training, seed, epoch, number + 1)
            yield tuple(array[rows] for array in arrays)

    signature = tuple(
        tf.TensorSpec((None, *shape), dtype) for dtype, *shape in (about["arrays"][name] for name in about["arrays"])
    )
    served = tf.data.Dataset.from_generator(serve, output_signature=signature).prefetch(1).rebatch(batch)
    if not skip_damaged:
        held = sum(min(about["per_shard"], about["n"] - number * about["per_shard"]) for number in numbers)
        served = served.apply(tf.data.experimental.assert_cardinality(-(-held // batch)))
    if len(signature) == 3:
        served = served.map(lambda x, y, lengths: ((x, lengths), y))
    return served.prefetch(4)


def _shuffled(count, training, *words):
    """Return the numbers below ``count`` in an order that depends on ``words``, or as they are."""
    return np.argsort(rendering.hash32(*words, np.arange(count)), kind="stable") if training else np.arange(count)
