# SPDX-License-Identifier: MIT
"""Fixtures of the end-to-end tests: a bmad, and a receiver for what it sends."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import BINARY, Bmad  # noqa: E402 (the folder must be found first)
from receiver import Receiver  # noqa: E402


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: run `make e2e`, which builds it", returncode=2)


@pytest.fixture
def receiver():
    with Receiver() as server:
        yield server


@pytest.fixture
def make_bmad(tmp_path):
    """make_bmad(jobs={...}, channels={...}): several have a folder and a store each."""
    made = []

    def make(**sections):
        made.append(Bmad(tmp_path / f"bmad{len(made)}", **sections))
        return made[-1]

    yield make
    for bmad in made:
        bmad.__exit__()
