"""The helper package of Frames in Time: clips of moving shapes, small models, and honest measurements.

Submodules load when they are used; importing this package does not import TensorFlow.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {  # where each public function lives
    "TASKS": "tasks",
    "clips": "tasks",
    "twins": "tasks",
    "dataset": "training",
    "check": "exercises",
    "quiz": "quizzes",
}
_MODULES = (
    "exercises",
    "model_files",
    "measure",
    "models",
    "puzzles",
    "quizzes",
    "rendering",
    "show",
    "tasks",
    "training",
    "widgets",
)

__all__ = [*_HOME, *_MODULES]


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
