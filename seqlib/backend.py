"""Keras and TensorFlow, imported without the log lines that TensorFlow writes past Python to file descriptor 2."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # set it to 0 to read the log all the same
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # on many CPUs it is off, and training 2 to 6 x slower


def _import_quietly():
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] != "3":
        import tensorflow

        return
    kept = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        import tensorflow  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silence)


_import_quietly()

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

__all__ = ["keras", "tf"]
