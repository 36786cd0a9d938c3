"""Start an IPython kernel in which TensorFlow is imported without its log lines, whoever imports it first.

TensorFlow writes some lines to the process's own stderr before it reads any setting, so that is silent meanwhile.
"""

import os
import sys
from importlib.util import find_spec


class QuietTensorFlow:
    """A finder that wraps the first import of TensorFlow, and then is gone."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """Return TensorFlow's spec with a loader that is silent; None for any other module."""
        if name != "tensorflow":
            return None
        sys.meta_path.remove(QuietTensorFlow)
        spec = find_spec(name)
        if spec and spec.loader:
            load = spec.loader.exec_module
            spec.loader.exec_module = lambda module: silently(load, module)
        return spec


def silently(function, *arguments):
    """Call a function while nothing that is written to stderr, even past Python, goes anywhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        return function(*arguments)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


if __name__ == "__main__":
    del sys.path[0]  # this file's folder, which has nothing to import
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as in seqlib.backend, which may come too late
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3":  # set it to 0 to read the log all the same
        sys.meta_path.insert(0, QuietTensorFlow)
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
