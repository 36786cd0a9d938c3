"""The helper package of Frames in Time: clips of moving shapes, small models, and honest measurements.

Submodules load when they are used; importing this package does not import TensorFlow.
"""

import sys
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for type checkers and editors, which do not run the rest
    from . import (
        alarms,
        backend,
        exercises,
        export,
        machine,
        measure,
        model_files,
        models,
        puzzles,
        quizzes,
        rendering,
        show,
        stream,
        stream_steps,
        tasks,
        training,
        video,
        watch,
        widgets,
    )
    from .exercises import check
    from .quizzes import quiz
    from .tasks import TASKS, clips, twins, visible
    from .training import dataset

__version__ = "0.1.0"

__all__ = [
    "TASKS",
    "alarms",
    "backend",
    "check",
    "clips",
    "dataset",
    "exercises",
    "export",
    "machine",
    "measure",
    "model_files",
    "models",
    "puzzles",
    "quiz",
    "quizzes",
    "rendering",
    "show",
    "stream",
    "stream_steps",
    "tasks",
    "training",
    "twins",
    "video",
    "visible",
    "watch",
    "widgets",
]

_HOME = {  # where each public function lives; the other names are modules
    "TASKS": "tasks",
    "clips": "tasks",
    "twins": "tasks",
    "visible": "tasks",
    "dataset": "training",
    "check": "exercises",
    "quiz": "quizzes",
}


def _when_used(name):
    """Make an attribute of this package that is imported when it is first used."""

    def imported(package):
        module = import_module(f"{__name__}.{_HOME.get(name, name)}")
        return getattr(module, name) if name in _HOME else module

    return cached_property(imported)


# Properties, and not a `__getattr__` of the module: completion in IPython asks each name for its type, and with that
# function TAB on `seqlib.mea` imports TensorFlow. A property's type it does not ask for.
sys.modules[__name__].__class__ = type("Package", (ModuleType,), {name: _when_used(name) for name in __all__})


def __dir__() -> list[str]:
    return sorted(name for name in {*globals(), *__all__} if name in __all__ or name.startswith("__"))
