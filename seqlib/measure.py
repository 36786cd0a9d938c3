"""Measurements: accuracy with its interval, agreement on twins, what a model costs, and what it can see."""

from __future__ import annotations

import math
import subprocess
import sys
import time
import weakref
from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import arguments
from .arguments import ModelInput
from .backend import (
    SUMS_ALIKE,
    before_softmax,
    classifier,
    keras,
    rescales,
    running_on,
    takes_clips,
    takes_lengths,
    tf,
)
from .costs import Layer, layer_costs, multiply_adds

__all__ = [
    "CLOSE_CALL",
    "MANY",
    "ROUNDING",
    "Accuracy",
    "CheckedClaims",
    "Claim",
    "ClassificationReport",
    "Counts",
    "FrameAccuracy",
    "Layer",
    "Timing",
    "TwinReport",
    "accuracy",
    "accuracy_by_frame",
    "average_precision",
    "check_claims",
    "classification_report",
    "latency",
    "layer_costs",
    "logits",
    "multiply_adds",
    "outcome",
    "parameters",
    "peak_memory",
    "receptive_field",
    "step_seconds",
    "twin_agreement",
]

CLOSE_CALL = 1e-4  # two best logits nearer than this may change places by rounding alone
MANY = 500  # clips from which on compiling a model takes less time than it saves
ROUNDING = 0.0 if SUMS_ALIKE else 1e-5  # how far logits may differ of which an argument says that they are the same


class Accuracy(NamedTuple):
    """How many answers were right, with a 95% Wilson interval.

    Examples
    --------
    >>> accuracy = Accuracy(right=90, total=100)
    >>> accuracy.value, round(accuracy.low, 3), round(accuracy.high, 3)
    (0.9, 0.826, 0.945)
    >>> print(accuracy)
    90.0% (90 of 100, 95% interval 82.6% to 94.5%)
    """

    right: int
    total: int

    @property
    def value(self) -> float:
        """The share of right answers, from 0 to 1."""
        return self.right / self.total

    @property
    def low(self) -> float:
        """The interval's lower end."""
        return self._interval()[0]

    @property
    def high(self) -> float:
        """The interval's upper end."""
        return self._interval()[1]

    def _interval(self):
        return _wilson(self.value, self.total)

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.right:,} of {self.total:,}, 95% interval {self.low:.1%} to {self.high:.1%})"


class FrameAccuracy(Accuracy):
    """How many answers at the frames of clips were right.

    The answers about one clip are not independent. The interval is that of as many independent answers as there are
    clips: the share of right answers about a clip varies at most as much as one answer does.

    Parameters
    ----------
    right, total : int
        Answers.
    clips : float
        How many clips they are about. Of clips of different length, how many equally long ones would say as much.

    Examples
    --------
    >>> accuracy = FrameAccuracy(right=1440, total=1600, clips=100)
    >>> print(accuracy)
    90.0% (1,440 of 1,600, 95% interval 82.6% to 94.5%)
    """

    clips: float

    def __new__(cls, right: int, total: int, clips: float) -> FrameAccuracy:
        """Keep the number of clips beside the two others."""
        self = super().__new__(cls, right, total)
        self.clips = clips
        return self

    def _interval(self):
        return _wilson(self.value, self.clips)


def _wilson(p, n):
    """E. B. Wilson, Probable inference, JASA 22 (1927) 209-212; z for 95%."""
    z = 1.959964
    centre = p + z**2 / (2 * n)
    spread = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = (centre - spread) / (1 + z**2 / n), (centre + spread) / (1 + z**2 / n)
    return (0.0 if p == 0 else low), (1.0 if p == 1 else high)


def _accuracy(right, total, *clips):
    return FrameAccuracy(right, total, *clips) if clips else Accuracy(right, total)


class Counts(NamedTuple):
    """How many answers were right, where an interval would say nothing.

    Examples
    --------
    >>> print(Counts(right=90, total=100))
    90.0% (90 of 100)
    """

    right: int
    total: int

    @property
    def value(self) -> float:
        """The share of right answers, from 0 to 1."""
        return self.right / self.total

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.right:,} of {self.total:,})"


class TwinReport(NamedTuple):
    """What a model answered on twin sets.

    Attributes
    ----------
    accuracy : Counts
        Over all clips of all sets, without an interval: the members of a set do not answer independently.
    sets : int
    same_answer : int
        Sets all of whose members were given the same class.
    most_right : int
        The largest number of right answers in one set.
    largest_difference : float
        Between the logits of two members of one set.
    close_calls : int
        Sets with a member whose two best logits are closer than 1e-4: rounding may decide those.
    all_right : int
        Sets all of whose members were classified correctly.
    """

    accuracy: Counts
    sets: int
    same_answer: int
    most_right: int
    largest_difference: float
    close_calls: int
    all_right: int

    def __str__(self) -> str:
        return (
            f"all members right in {self.all_right:,} of {self.sets:,} sets; at most {self.most_right} right in a set\n"
            f"same answer for all members in {self.same_answer:,} of {self.sets:,} sets; "
            f"right: {self.accuracy.right:,} of {self.accuracy.total:,} clips, {self.accuracy.value:.1%}\n"
            f"largest difference of logits within a set {self.largest_difference:.1e}; close calls {self.close_calls}"
        )


class Timing(NamedTuple):
    """Seconds: the median, and the quartiles about it."""

    median: float
    lower_quartile: float
    upper_quartile: float


_compiled: weakref.WeakKeyDictionary[keras.Model, Any] = (
    weakref.WeakKeyDictionary()
)  # model: its answer as a compiled function, while the model lives


def logits(model: keras.Model, x: ModelInput, batch: int = 32) -> NDArray[np.float32]:
    """Predict clips in batches; uint8 (B, T, H, W, C) to float32 (B, classes): logits, or what the model ends in.

    Of a model that answers at every frame they are (B, T, classes).

    This is done on the CPU, whatever the model was trained on: that twins get the same bits is promised there alone.
    From 500 clips on, the model is compiled, once; its weights may change afterwards, its layers may not.

    Parameters
    ----------
    model : keras.Model
        Clips to logits.
    x : uint8 array (B, T, H, W, C), or (clips, lengths) for a model with lengths
    batch : int
        How many clips at a time, at least 1.

    Returns
    -------
    float32 array (B, classes) or (B, T, classes)

    Raises
    ------
    TypeError
        If ``model`` is not a functional or sequential model that answers in float32, ``x`` not a uint8 array, or
        ``batch`` not an integer.
    ValueError
        If ``model`` does not give clips one score per class, or one that is not finite; if ``x`` does not hold clips of
        the shape that the model takes; if ``batch`` is less than 1.

    Examples
    --------
    >>> import seqlib
    >>> x, y = seqlib.clips("shape", n=6)
    >>> logits(seqlib.models.single_frame(4), x).shape
    (6, 4)
    """
    model = classifier(model, arguments.clip_shape(x), every_frame=True)
    clips, lengths = arguments.clips_and_lengths("x", x, takes_lengths(model), rescaled=rescales(model))
    arguments.same_shape("x", clips.shape[1:], model.inputs[0].shape[1:])
    batch = arguments.integer("batch", batch, 1)
    if len(clips) >= MANY and model not in _compiled:
        _compiled[model] = _compile(model)
    answer = _compiled.get(model, partial(model, training=False))
    fed = clips if lengths is None else (clips, lengths.astype(np.int32))
    with tf.device("CPU:0"):
        batches = (_part(fed, slice(i, i + batch)) for i in range(0, len(clips), batch))
        scores = np.concatenate([answer(part).numpy() for part in batches])
    if not np.isfinite(scores).all():
        row = scores[~np.isfinite(scores).all(axis=-1)][0]
        raise ValueError(
            f"model must give finite scores, not {row}: its weights or its pixels are too large; "
            "build it again, and train it with a smaller learning rate"
        )
    return scores


def _compile(model):
    """Compile a model's answer to any number of clips, without keeping the model alive."""
    alive = weakref.ref(model)

    def answer(clips):
        with tf.device("CPU:0"):
            return alive()(clips, training=False)

    clips = tf.TensorSpec(model.inputs[0].shape, tf.uint8)
    fed = (clips, tf.TensorSpec((None,), tf.int32)) if takes_lengths(model) else clips
    return tf.function(answer, input_signature=[fed])


def _part(x, index):
    """Index clips, or each of (clips, lengths)."""
    return keras.tree.map_structure(lambda array: array[index], x)


def _whole(model, clips):
    """Turn clips into what a model takes: with their lengths, T, if it takes them."""
    return (clips, tf.fill(clips.shape[:1], clips.shape[1])) if takes_lengths(model) else clips


def accuracy(model: keras.Model, x: ModelInput, y: NDArray[np.integer], batch: int = 32) -> Accuracy:
    """Count right answers.

    Parameters
    ----------
    model : keras.Model
        Clips to logits or probabilities: the best class is the same.
    x : uint8 array (B, T, H, W, C), or (clips, lengths) for a model with lengths
    y : integer array (B,), or (B, T) for a model that answers at every frame
        Labels after a clip's end do not count.
    batch : int
        How many clips at a time, at least 1.

    Returns
    -------
    Accuracy

    Raises
    ------
    TypeError
        If ``model`` is not a functional or sequential model that answers in float32, ``x`` not a uint8 array, ``y`` not
        an integer array, or ``batch`` not an integer.
    ValueError
        If ``model`` does not give clips one score per class, or one that is not finite; if ``x`` does not hold clips of
        the shape that the model takes, if ``y`` is not one label for each clip, from 0
        to the number of classes less 1, or if ``batch`` is less than 1.

    Examples
    --------
    >>> import seqlib
    >>> x, y = seqlib.clips("shape", n=8)
    >>> accuracy(seqlib.models.single_frame(4), x, y).total
    8
    """
    scores, counts = _scores(model, x, y, batch)
    right = (scores.argmax(-1) == y) & counts
    return _accuracy(int(right.sum()), int(counts.sum()), *_clips_counted(counts))


def accuracy_by_frame(
    model: keras.Model, x: ModelInput, y: NDArray[np.integer], batch: int = 32
) -> tuple[Accuracy, ...]:
    """Count right answers at each frame, over the clips that have it.

    Parameters
    ----------
    model : keras.Model
        Clips to logits (B, T, classes), or to probabilities.
    x : uint8 array (B, T, H, W, C), or (clips, lengths) for a model with lengths
    y : integer array (B, T)
    batch : int
        How many clips at a time, at least 1.

    Returns
    -------
    tuple of Accuracy
        One for each frame up to the end of the longest clip.

    Raises
    ------
    TypeError, ValueError
        If `accuracy` refuses these arguments, or ``y`` has one label per clip.

    Examples
    --------
    >>> import seqlib
    >>> x, _ = seqlib.clips("event", n=8)
    >>> model = seqlib.models.cnn_rnn(2, every_frame=True)
    >>> [accuracy.total for accuracy in accuracy_by_frame(model, x, seqlib.visible("event", n=8))] == [8] * 16
    True
    """
    if arguments.rank(y) == 1:
        raise ValueError(f"y must be labels for every frame, shape (B, T), not {y.shape}")
    scores, counts = _scores(model, x, y, batch)
    right = (scores.argmax(-1) == y) & counts
    pairs = zip(right.sum(0).tolist(), counts.sum(0).tolist(), strict=True)
    return tuple(Accuracy(right, total) for right, total in pairs if total)


def _scores(model, x, y, batch):
    """Predict clips and check their labels; return the scores, and which answers count, bool, of the labels' shape.

    Answers after a clip's end do not.
    """
    model = classifier(model, arguments.clip_shape(x), every_frame=arguments.rank(y) == 2)
    scores = logits(model, x, batch)
    arguments.labels("y", y, scores.shape[:-1], scores.shape[-1])
    if y.ndim == 2 and takes_lengths(model):
        return scores, np.arange(y.shape[1]) < x[1][:, None]
    return scores, np.ones(y.shape, bool)


def _clips_counted(counts):
    """Say how many equally long clips the counted frames (B, T) are worth; nothing of counted clips (B,).

    L. Kish, Survey Sampling, 1965, section 11.7: weights that differ cost precision.
    """
    frames = counts.sum(axis=1) if counts.ndim == 2 else np.zeros(0)
    return (float(frames.sum() ** 2 / (frames**2).sum()),) if frames.any() else ()


def twin_agreement(model: keras.Model, x: ModelInput, y: NDArray[np.integer], batch: int = 32) -> TwinReport:
    """Compare a model's answers within twin sets.

    Each member is predicted in a call of its own with the same batches, so that a model whose arithmetic is the same
    for all members gives the same bits.

    Parameters
    ----------
    model : keras.Model
        Clips to logits. Of a model that ends in a softmax or sigmoid, what comes before is compared: probabilities near
        0 and 1 are rounded to the same numbers where the logits differ.
    x : uint8 array (k, n, T, H, W, C), or (clips, lengths) for a model with lengths
    y : integer array (k, n)
    batch : int
        How many clips at a time, at least 1.

    Returns
    -------
    TwinReport

    Raises
    ------
    TypeError
        If ``model`` is not a functional or sequential model that answers in float32, ``x`` not a uint8 array, ``y`` not
        an integer array, or ``batch`` not an integer.
    ValueError
        If ``model`` does not give clips one score per class, gives one that is not finite, or ends in probabilities
        otherwise than in a last layer; if ``x`` does not hold sets of clips of the shape that it takes; if ``y`` is not
        one label for each clip, from 0 to the number of classes less 1; if ``batch`` is less than 1.

    Examples
    --------
    >>> import seqlib
    >>> x, y = seqlib.twins("direction", "middle", n=5)
    >>> report = twin_agreement(seqlib.models.single_frame(4), x, y)
    >>> report.same_answer, report.largest_difference, report.accuracy.value
    (5, 0.0, 0.25)
    """
    model = classifier(model, arguments.clip_shape(x, 6))
    clips, _ = arguments.clips_and_lengths("x", x, takes_lengths(model), rank=6, rescaled=rescales(model))
    model = before_softmax(model)
    scores = np.stack([logits(model, _part(x, member), batch) for member in range(len(clips))])
    if (scores >= 0).all() and np.allclose(scores.sum(-1), 1, atol=1e-3):
        raise ValueError(
            "model must end in logits, not in probabilities, which near 0 and 1 are rounded to the same number where "
            "the logits differ: compare the model without its softmax"
        )
    arguments.labels("y", y, scores.shape[:2], scores.shape[-1])
    answers = scores.argmax(-1)
    right = answers == y
    second, best = np.sort(scores, axis=-1)[..., -2:].T
    return TwinReport(
        accuracy=Counts(int(right.sum()), right.size),
        sets=scores.shape[1],
        same_answer=int((answers == answers[0]).all(axis=0).sum()),
        most_right=int(right.sum(axis=0).max()),
        largest_difference=float((scores.max(axis=0) - scores.min(axis=0)).max()),
        close_calls=int((best - second < CLOSE_CALL).any(axis=-1).sum()),
        all_right=int(right.all(axis=0).sum()),
    )


SOLVED, AT_CHANCE, KEPT = 0.9, 0.1, 2 / 3  # of the way from chance to all right; of what was learned


def outcome(own: float, new: float, chance: float) -> str:
    """Say in a word what came of a training, from the accuracy on its own clips and on new ones.

    Each accuracy counts as a share of the way from chance (0) to all right (1). In this order:

    - *solved*: 0.9 or more of the way on new clips;
    - *collapsed*: 0.1 or less on its own clips, so that nothing was learned, not even those;
    - *memorised*: on new clips less than two thirds of what it reached on its own;
    - *hard*: learned in part, and most of that holds for new clips.

    Parameters
    ----------
    own, new : float
        Accuracy on the clips of the training and on others, from 0 to 1.
    chance : float
        Accuracy by guessing, from 0 to below 1.

    Returns
    -------
    {"solved", "collapsed", "memorised", "hard"}

    Raises
    ------
    TypeError, ValueError
        If one of the three is not a number, or out of its range.

    Examples
    --------
    >>> outcome(0.5, 0.5, chance=0.5), outcome(1.0, 0.52, chance=0.5), outcome(0.9, 0.84, chance=0.25)
    ('collapsed', 'memorised', 'hard')
    """
    chance = arguments.number("chance", chance, 0, 1)
    if chance == 1:
        raise ValueError("chance must be below 1, not 1")
    own, new = (
        (arguments.number(name, value, 0, 1) - chance) / (1 - chance) for name, value in (("own", own), ("new", new))
    )
    if new >= SOLVED:
        return "solved"
    if own <= AT_CHANCE:
        return "collapsed"
    return "memorised" if new < KEPT * own else "hard"


class ClassificationReport(NamedTuple):
    """What a model answers for the clips of each class; see `classification_report`.

    Attributes
    ----------
    confusion : tuple of tuples of int
        The confusion matrix: ``confusion[label][answer]`` clips of class ``label`` were given the class ``answer``.
    average_precisions : tuple of float or None
        For each class, see `average_precision`; None for a class of which there are no clips, or no others.
    classes : tuple of str
        The classes' names.
    clips : tuple of float
        Of answers at every frame, the number of clips as in `FrameAccuracy`: of all classes, then of each.
    """

    confusion: tuple[tuple[int, ...], ...]
    average_precisions: tuple[float | None, ...]
    classes: tuple[str, ...]
    clips: tuple[float, ...] = ()

    @property
    def accuracy(self) -> Accuracy:
        """How many answers were right, over all classes."""
        right = sum(row[i] for i, row in enumerate(self.confusion))
        return _accuracy(right, sum(map(sum, self.confusion)), *self.clips[:1])

    @property
    def majority(self) -> Accuracy:
        """The majority baseline: how many answers would be right if each was the most frequent class."""
        return _accuracy(max(map(sum, self.confusion)), self.accuracy.total, *self.clips[:1])

    @property
    def recalls(self) -> tuple[Accuracy | None, ...]:
        """For each class, how many of its clips were given it; None for a class of which there are no clips."""
        return tuple(
            _accuracy(row[i], sum(row), *self.clips[i + 1 : i + 2]) if any(row) else None
            for i, row in enumerate(self.confusion)
        )

    def __str__(self) -> str:
        most = self.classes[max(range(len(self.classes)), key=lambda i: sum(self.confusion[i]))]
        baseline = f"{self.majority.value:.1%} ({self.majority.right:,} of {self.majority.total:,})"
        rows = [("class", "recall", "average precision", "share")]
        for name, recall, precision in zip(self.classes, self.recalls, self.average_precisions, strict=True):
            share = (recall.total if recall else 0) / self.accuracy.total
            rows.append(
                (name, str(recall or "no clips"), "-" if precision is None else f"{precision:.3f}", f"{share:.1%}")
            )
        counts = [("", *self.classes)]
        counts += [(name, *(f"{n:,}" for n in row)) for name, row in zip(self.classes, self.confusion, strict=True)]
        return "\n".join(
            (
                f"accuracy {self.accuracy}",
                f"majority baseline {baseline}: always {most!r}",
                *_columns(rows),
                "confusion matrix; rows are labels, columns are answers",
                *_columns(counts, str.rjust),
            )
        )


def _columns(rows, adjust=str.ljust):
    """Set a table of str as lines: the first column flush left, the others adjusted."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(adjust(cell, n) for cell, n in zip(others, widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def classification_report(
    model: keras.Model,
    x: ModelInput,
    y: NDArray[np.integer],
    classes: Sequence[str] | None = None,
    batch: int = 32,
) -> ClassificationReport:
    """Report what accuracy hides: how a model does on each class, and what always giving one answer would reach.

    Accuracy weighs each class by its share. Of 95 normal clips and 5 others, a model that always answers "normal"
    classifies 95% correctly, and none of the 5. That shows in the recall of the rare class. Its average precision asks
    less: whether the clips of the class come first when all are ranked by the model's odds for it.

    Parameters
    ----------
    model : keras.Model
        Clips to logits, or to probabilities.
    x : uint8 array (B, T, H, W, C), or (clips, lengths) for a model with lengths
    y : integer array (B,), or (B, T) for a model that answers at every frame
        Labels after a clip's end do not count.
    classes : sequence of str, optional
        The classes' names, such as ``seqlib.TASKS["direction"].classes``. Default: their numbers.
    batch : int
        How many clips at a time, at least 1.

    Returns
    -------
    ClassificationReport
        Print it; `seqlib.show.confusion_matrix` draws it.

    Raises
    ------
    TypeError
        If ``x``, ``y`` or ``batch`` is of a type that `accuracy` refuses, or ``classes`` is a single str.
    ValueError
        If ``x``, ``y`` or ``batch`` has a value that `accuracy` refuses, or ``classes`` are not one for each class.

    Examples
    --------
    >>> import seqlib
    >>> x, y = seqlib.clips("shape", n=8)
    >>> report = classification_report(seqlib.models.single_frame(4), x, y, seqlib.TASKS["shape"].classes)
    >>> report.majority.right, [recall.total for recall in report.recalls]
    (2, [2, 2, 2, 2])
    """
    scores, counts = _scores(model, x, y, batch)
    names = _class_names(classes, scores.shape[-1])
    clips = ()
    if counts.ndim == 2:
        of_class = (_clips_counted(counts & (y == label)) or (0.0,) for label in range(len(names)))
        clips = (*_clips_counted(counts), *(number for (number,) in of_class))
    scores, y = scores[counts], y[counts]
    confusion = np.zeros((len(names), len(names)), int)
    np.add.at(confusion, (y, scores.argmax(-1)), 1)
    precisions = (
        average_precision(odds, y == label) if 0 < (y == label).sum() < len(y) else None
        for label, odds in enumerate(_log_odds(scores).T)
    )
    return ClassificationReport(tuple(map(tuple, confusion.tolist())), tuple(precisions), names, clips)


def _class_names(classes, count):
    if isinstance(classes, str):
        raise TypeError(f"classes must be a sequence of str, one for each class, not the str {classes!r}")
    names = tuple(map(str, range(count) if classes is None else classes))
    if len(names) != count:
        raise ValueError(f"classes must be {count} names, one for each class, not {len(names)}")
    return names


def _log_odds(scores):
    """Logits or probabilities (B, classes) to the logarithm of each class's odds against all others, float64.

    They rank clips as the class's probability does, but do not saturate at 1.
    """
    scores = scores.astype(np.float64)
    if (scores >= 0).all() and np.allclose(scores.sum(-1), 1, atol=1e-3):
        scores = np.log(np.maximum(scores, np.finfo(np.float64).tiny))
    others = (np.logaddexp.reduce(np.delete(scores, label, axis=1), axis=1) for label in range(scores.shape[1]))
    return scores - np.stack(list(others), axis=1)


def average_precision(scores: ArrayLike, relevant: ArrayLike) -> float:
    """Summarise how well scores rank what is relevant: 1 if all that is comes first, about its share if at random.

    Each threshold gives a precision and a recall; the precisions are averaged, each weighted by the recall that its
    threshold adds: the sum over thresholds of (R_n - R_(n-1)) P_n, without interpolation. Equal scores pass the
    threshold together.

    Parameters
    ----------
    scores : float array (n,)
        The higher, the sooner something is taken to be relevant.
    relevant : bool array (n,)
        What is relevant, such as ``y == 1``; at least one.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    TypeError
        If ``relevant`` is not an array of bool.
    ValueError
        If ``scores`` is not a list of numbers, ``relevant`` has another length, or nothing is relevant.

    References
    ----------
    W. Su, Y. Yuan, M. Zhu, A relationship between the average precision and the area under the ROC curve, ICTIR 2015.

    Examples
    --------
    >>> average_precision([0.9, 0.8, 0.3, 0.1], [True, False, True, False])  # (1/1 + 2/3) / 2
    0.8333333333333333
    """
    scores, relevant = np.asarray(scores, float), np.asarray(relevant)
    if scores.ndim != 1:
        raise ValueError(f"scores must have one axis, shape (n,), not {scores.shape}")
    if np.isnan(scores).any():
        raise ValueError(f"scores must be numbers, not NaN, as {np.isnan(scores).sum()} of {len(scores)} are")
    if relevant.dtype != bool:
        raise TypeError(f"relevant must be an array of bool, such as y == 1, not {relevant.dtype}")
    if relevant.shape != scores.shape or not relevant.any():
        raise ValueError(
            f"relevant must have shape {scores.shape}, one value for each score, and True at least once, not "
            f"shape {relevant.shape} with {relevant.sum()} times True"
        )
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(relevant[order])
    thresholds = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    precision, recall = hits[thresholds] / (thresholds + 1), hits[thresholds] / hits[-1]
    return float((np.diff(recall, prepend=0) * precision).sum())


def parameters(model: keras.Model) -> int:
    """Count a model's parameters, trained or not; int.

    Examples
    --------
    >>> import seqlib
    >>> parameters(seqlib.models.single_frame(4))
    27716
    """
    return model.count_params()


def receptive_field(
    model: keras.Model, layer: str | None = None, samples: int = 32, seed: int = 0
) -> tuple[int, int, int]:
    """Find what one unit can see, by asking which inputs have a gradient.

    The unit is the middle one of ``layer``'s output (all its channels), the inputs are random clips: what pooling
    passes over in one clip, it lets through in another. The field is cut off at the borders of the clip.

    Parameters
    ----------
    model : keras.Model
        Clips (B, T, H, W, C) to anything.
    layer : str, optional
        A layer's name; by default the model's output.
    samples : int
        How many random clips, at least 1.
    seed : int
        From 0 to 2**31 - 1.

    Returns
    -------
    (int, int, int)
        Frames, rows and columns from the first to the last input that matters.

    Raises
    ------
    TypeError
        If ``model`` is not a functional or sequential model, ``layer`` not a str, or ``samples`` or ``seed`` not an
        integer.
    ValueError
        If ``model`` does not take clips of one known shape, has no layer of that name, or has gradients that are
        missing or not finite; if ``samples`` or ``seed`` is out of its range.

    Examples
    --------
    >>> import seqlib
    >>> receptive_field(seqlib.models.single_frame(4), "conv2")
    (1, 8, 8)
    """
    samples, seed = arguments.integer("samples", samples, 1), arguments.integer("seed", seed, 0, 2**31 - 1)
    shape = _clip_shape(model)
    if layer is not None:
        arguments.choice("layer", layer, [known.name for known in model.layers])
    if layer is None and len(model.outputs) != 1:
        raise ValueError(f"model must have one output, not {len(model.outputs)}: give the name of a layer, layer=...")
    output = model.outputs[0] if layer is None else model.get_layer(layer).output
    probe = keras.Model(tuple(model.inputs) if takes_lengths(model) else model.inputs[0], output)
    clips = tf.random.stateless_uniform((samples, *shape), (seed, 0), 0, 256)
    with tf.GradientTape() as tape:
        tape.watch(clips)
        units = probe(_whole(model, clips), training=False)
        middle = units[(slice(None), *(size // 2 for size in units.shape[1:-1]))]
        total = tf.reduce_sum(middle)
    gradient = tape.gradient(total, clips)
    if gradient is None:
        raise ValueError(
            "model must let gradients through from its output to its clips, but none arrive: "
            "look for a layer that rounds or that turns numbers into integers"
        )
    if not np.isfinite(gradient).all():
        raise ValueError("model must have finite gradients, but some are infinite or NaN: build it again")
    matters = (gradient.numpy() != 0).any(axis=(0, -1))
    extent = []
    for axis in range(3):
        seen = np.flatnonzero(matters.any(axis=tuple(other for other in range(3) if other != axis)))
        extent.append(int(seen[-1] - seen[0] + 1) if len(seen) else 0)
    return extent[0], extent[1], extent[2]


def latency(model: keras.Model, repeats: int = 30) -> Timing:
    """Time the answer to one clip, as a compiled function, after warming up.

    Parameters
    ----------
    model : keras.Model
        Clips to logits.
    repeats : int
        How many answers are timed, at least 1.

    Returns
    -------
    Timing
        Seconds for one clip.

    Raises
    ------
    TypeError, ValueError
        If ``repeats`` is not an integer, or is less than 1; if ``model`` does not take clips of one known shape.

    Examples
    --------
    >>> import seqlib
    >>> latency(seqlib.models.single_frame(4), repeats=3).median > 0
    True
    """
    answer = tf.function(lambda clip: model(clip, training=False))
    clip = _whole(model, tf.zeros((1, *_clip_shape(model)), tf.uint8))
    return _timed(lambda: keras.tree.flatten(answer(clip))[0].numpy(), arguments.integer("repeats", repeats, 1))


def step_seconds(model: keras.Model, batch: int = 32, repeats: int = 10) -> Timing:
    """Time one training step (forwards, backwards, update) on a copy of the model, after warming up.

    Parameters
    ----------
    model : keras.Model
        Clips to logits.
    batch : int
        How many clips a step takes, at least 1.
    repeats : int
        How many steps are timed, at least 1.

    Returns
    -------
    Timing
        Seconds for one step of ``batch`` clips.

    Raises
    ------
    TypeError, ValueError
        If ``batch`` or ``repeats`` is not an integer, or is less than 1; if ``model`` does not give clips of one known
        shape one score per class.

    Examples
    --------
    >>> import seqlib
    >>> step_seconds(seqlib.models.single_frame(4), batch=4, repeats=3).median > 0
    True
    """
    batch = arguments.integer("batch", batch, 1)
    _clip_shape(classifier(model))
    step = _training_step(keras.models.clone_model(model))
    return _timed(lambda: step(batch), arguments.integer("repeats", repeats, 1))


def peak_memory(model: keras.Model, batch: int = 32) -> int | None:
    """Measure by how much a process grows, at its peak, in training steps on a copy of the model.

    A process of its own does it, after a step of one clip, so that compilation does not count. It imports TensorFlow,
    which takes some seconds, and is given the model as `keras.Model.to_json` writes it.

    Parameters
    ----------
    model : keras.Model
        Clips to logits.
    batch : int
        How many clips a step takes, at least 1.

    Returns
    -------
    int or None
        Bytes; None on Windows, which does not tell.

    Raises
    ------
    TypeError, ValueError
        If ``batch`` is not an integer, or is less than 1; if ``model`` does not give clips of one known shape one score
        per class.
    RuntimeError
        If the process cannot build or train the model; the message ends with what it says. It knows no layer that was
        written for this process alone.

    Examples
    --------
    >>> import seqlib
    >>> small = seqlib.models.single_frame(4)
    >>> grown = peak_memory(small, batch=4)
    >>> grown is None or grown >= 0
    True
    """
    batch = arguments.integer("batch", batch, 1)
    _clip_shape(classifier(model))
    if sys.platform == "win32":
        return None
    child = subprocess.run(
        [sys.executable, "-P", "-c", _GROW, str(batch), *filter(None, sys.path)],
        input=model.to_json(),
        capture_output=True,
        encoding="utf-8",
    )
    if child.returncode:
        reason = child.stderr.strip().splitlines() or [f"exit status {child.returncode}"]
        raise RuntimeError(f"model could not be trained in a separate process: {reason[-1]}")
    return int(child.stdout.split()[-1])


# What the process runs. Linux lets it begin with the peak of the process that starts it, so a fork of it does the work.
# Its own path stands first: a script's folder may hold a file named like a standard module.
_GROW = f"""
import os, sys
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
sys.path += sys.argv[2:]
from {__name__} import _growth
print(_growth(sys.stdin.read(), int(sys.argv[1])))
"""


def _growth(description, batch):
    """Train a model, given as JSON, for two steps; by how many bytes this process's peak has grown."""
    import resource

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    step = _training_step(keras.models.model_from_json(description))
    step(1)
    before = peak()
    step(batch)
    step(batch)
    return peak() - before


def _training_step(model):
    """Compile a model; return a function of the batch size that trains it for one step, on blank clips."""
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    model.optimizer.build(model.trainable_variables)  # a step that has to make variables is traced twice
    shape = _clip_shape(model)
    return lambda batch: model.train_on_batch(
        _whole(model, tf.zeros((batch, *shape), tf.uint8)), np.zeros(batch, np.int64)
    )


def _clip_shape(model):
    """Return the shape of the clips that a model takes, (T, H, W, C), or say why there is none."""
    shape = tuple(takes_clips(model).inputs[0].shape[1:])
    if len(shape) != 4 or None in shape:
        raise ValueError(f"model must take clips of one known shape, (T, H, W, C), not {shape}")
    return shape


def _timed(call, repeats, warm_up=1):
    seconds = []
    for turn in range(warm_up + repeats):
        began = time.perf_counter()
        call()
        if turn >= warm_up:
            seconds.append(time.perf_counter() - began)
    return Timing(*(float(np.quantile(seconds, q)) for q in (0.5, 0.25, 0.75)))


class Claim(NamedTuple):
    """One checked claim: ``measured`` stands in ``relation`` ("==", ">=" or "<=") to ``bound``."""

    claim: str
    measured: float
    relation: str
    bound: float

    @property
    def holds(self) -> bool:
        """Whether the measurement keeps the bound.

        Raises
        ------
        TypeError, ValueError
            If ``relation`` is none of the three.
        """
        relations = {
            "==": self.measured == self.bound,
            ">=": self.measured >= self.bound,
            "<=": self.measured <= self.bound,
        }
        return relations[arguments.choice("relation", self.relation, relations)]


def _plain(number):
    return f"{number:,}" if isinstance(number, int) else f"{number:.4g}"


class CheckedClaims(tuple[Claim, ...]):
    """A tuple of `Claim` that shows itself as a table, and on what it was measured."""

    def _rows(self):
        signs = {"==": "=", ">=": "≥", "<=": "≤"}
        for claim in self:
            yield claim.claim, _plain(claim.measured), f"{signs[claim.relation]} {_plain(claim.bound)}", "yes"

    def __repr__(self) -> str:
        rows = [f"{claim}: {measured} ({bound}) holds" for claim, measured, bound, _ in self._rows()]
        return "\n".join([*rows, running_on()])

    def _repr_html_(self):
        cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in self._rows()]
        head = "<tr><th>claim</th><th>measured</th><th>bound</th><th>holds</th></tr>"
        rows = "".join(f"<tr>{row}</tr>" for row in cells)
        return f"<table><caption>{escape(running_on())}</caption>{head}{rows}</table>"


def check_claims(*claims: tuple[str, float, str, float]) -> CheckedClaims:
    """Check a lesson's claims; each is (claim, measured, relation, bound).

    Returns
    -------
    CheckedClaims
        A table for the reader.

    Raises
    ------
    AssertionError
        If a claim does not hold; the message lists every such claim with its figures.
    TypeError, ValueError
        If a relation is none of "==", ">=" and "<=".

    Examples
    --------
    >>> check_claims(("one frame tells the shape", 0.97, ">=", 0.9))
    one frame tells the shape: 0.97 (≥ 0.9) holds
    Run on ...; TensorFlow ..., Keras ...
    """
    checked = CheckedClaims(Claim(*claim) for claim in claims)
    broken = [claim for claim in checked if not claim.holds]
    if broken:
        raise AssertionError(
            "; ".join(f"{c.claim}: {c.measured:.6g} is not {c.relation} {c.bound:.6g}" for c in broken)
            + f". {running_on()}"
        )
    return checked
