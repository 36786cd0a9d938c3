"""Every lesson on a GPU (``make gpu``), for those who have one: Linux, with NVIDIA's driver."""

import shutil
import sys
import tempfile
import time
from importlib.metadata import version

from tools import environments, notebooks, where_it_runs

SEEN = """
from seqlib.backend import tf
for gpu in tf.config.list_physical_devices("GPU"):
    print(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
"""


def devices(python):
    """List the names of the GPUs that TensorFlow sees from another Python."""
    return environments.run(python, "-c", SEEN).splitlines()


def main():
    """Run every lesson with its checked claims on the GPU; return how many failed."""
    if not shutil.which("nvidia-smi"):
        raise SystemExit("make gpu: this machine has no NVIDIA driver (nvidia-smi), so there is no GPU to run on")
    began = time.perf_counter()
    print("Installing TensorFlow with its CUDA libraries (some gigabytes, once) ...", flush=True)
    cuda = {"tensorflow": "tensorflow[and-cuda]"}
    needs = [*environments.needs(), *environments.needs("video"), *environments.needs("pictures")]
    names = [*(need.name for need in needs), "ipykernel"]
    pins = [f"{cuda.get(name, name)}=={version(name)}" for name in names]
    python = environments.make(environments.FOLDER / "gpu", sys.executable, *pins)
    environments.install_wheel(python)
    found = devices(python)
    if not found:
        raise SystemExit("make gpu: TensorFlow sees no GPU here; TF_CPP_MIN_LOG_LEVEL=0 makes it say why")
    lessons = notebooks.lessons()
    with tempfile.TemporaryDirectory() as empty:
        failures = environments.run_lessons(lessons, python, empty)
    print("\n".join([f"On {found[0]}: {len(lessons) - len(failures)} of {len(lessons)} lessons passed", *failures]))
    if not failures:
        row = {"device": found[0], "python": environments.version_of(python)}
        row |= {"packages": environments.installed(python), "lessons": [notebooks.number(path) for path in lessons]}
        where_it_runs.keep("gpu", row | {"seconds": round(time.perf_counter() - began)})
    return len(failures)


if __name__ == "__main__":
    sys.exit(main() > 0)
