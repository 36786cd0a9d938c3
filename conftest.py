"""Start the kernels of nbval as `make lab` and `make notebooks` start theirs; the rest is in tests/conftest.py."""

from tools import kernels

kernels.use()
