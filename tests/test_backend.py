"""What the course asks of TensorFlow on every machine, also on those with more devices than this one has."""

import os
import re
import subprocess
import sys

import pytest

from seqlib import backend, measure
from seqlib.backend import keras, tf

pytestmark = pytest.mark.slow  # other settings of TensorFlow take processes of their own


def test_numbers_are_float32_and_multiplied_as_such():
    assert keras.config.dtype_policy().compute_dtype == "float32"
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


def test_the_course_says_on_what_it_runs_in_one_line(monkeypatch):
    line = backend.running_on()
    assert "on the CPU" in line and tf.__version__ in line and keras.__version__ in line
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [gpu])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": "Tesla T4"})
    table = measure.check_claims(("one is one", 1, "==", 1))
    for words in (repr(table), table._repr_html_()):
        assert "on the GPU Tesla T4, answers counted on the CPU" in words


TWO_DEVICES = """
from seqlib import measure, models, tasks, training
from seqlib.backend import tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
x, y = tasks.clips("shape", 64, resolution=16, size=6)
for family in ("conv3d", "cnn_rnn"):
    with tf.device("CPU:1"):  # the stand-in for a GPU
        model = getattr(models, family)(4, x.shape[1:])
        training.fit(model, (x, y), epochs=1)
        assert "CPU:1" in model(x[:2]).device
        seen = []
        call = model.call
        model.call = lambda *given, **options: seen.append(call(*given, **options)) or seen[-1]
        measure.accuracy(model, x, y, batch=32)
    print(f"\\n{family}", *(logits.device for logits in seen))
"""


def test_answers_are_counted_on_the_cpu_whatever_the_model_was_trained_on():
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    devices = dict(re.findall(r"(?m)^(conv3d|cnn_rnn) (.*)$", done.stdout))
    assert list(devices) == ["conv3d", "cnn_rnn"]
    for batches in devices.values():
        assert re.fullmatch(r"\S*device:CPU:0 \S*device:CPU:0", batches), devices


def test_sums_are_alike_where_onednn_does_them():
    """The same bits are promised where certain kernels do the sums; without those, no more than `measure.ROUNDING`."""
    code = (
        "from seqlib import measure, models, tasks\n"
        "x, y = tasks.twins('order', 'swap', 64, frames=11, resolution=21, size=5)\n"
        "seen = measure.twin_agreement(models.max_pooling(2, x.shape[2:]), x, y)\n"
        "assert seen.largest_difference <= measure.ROUNDING, seen\n"
        "print(measure.ROUNDING)"
    )
    for onednn, rounding in (("1", str(measure.ROUNDING)), ("0", "1e-05")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=os.environ | {"TF_ENABLE_ONEDNN_OPTS": onednn},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == rounding
