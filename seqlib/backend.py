"""Keras and TensorFlow, set up alike on every machine, without the log lines that TensorFlow writes past Python.

Numbers are float32 and are multiplied as such, on a GPU too: no mixed precision, no TensorFloat-32.
"""

from __future__ import annotations

import os
import platform

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

keras.config.set_dtype_policy("float32")
tf.config.experimental.enable_tensor_float_32_execution(False)

# With oneDNN, on x86 processors, TensorFlow sums alike at every place and instant; its other kernels do not.
SUMS_ALIKE = os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1" and platform.machine().lower() in ("x86_64", "amd64")

__all__ = ["SUMS_ALIKE", "keras", "running_on", "tf"]


def running_on() -> str:
    """Say in one line on what models are trained here, and with which versions; str.

    Examples
    --------
    >>> running_on()
    'Run on the CPU, ... cores; TensorFlow ..., Keras ...'
    """
    details = tf.config.experimental.get_device_details
    gpus = [details(gpu).get("device_name", gpu.name) for gpu in tf.config.get_visible_devices("GPU")]
    place = f"the GPU {', '.join(gpus)}, answers counted on the CPU" if gpus else f"the CPU, {os.cpu_count()} cores"
    return f"Run on {place}; TensorFlow {tf.__version__}, Keras {keras.__version__}"
