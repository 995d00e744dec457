"""Sweeps that are told to end, two at once, and locks that are links."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paretoprune.study import storage


def begin(*options):
    """A sweep of its own that lasts until it is told to end."""
    command = [sys.executable, "-m", "paretoprune", "sweep", "study", "--epochs=100000"]
    process = subprocess.Popen(
        [*command, "--fleet=2", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    while not storage.is_study(Path("study")) and process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.01)
    assert process.poll() is None, process.stderr.read()
    return process


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_sweep_with_a_sentence(kind):
    process = begin()
    process.send_signal(kind)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert err.rstrip().endswith("the same command goes on")
    assert "Traceback" not in err
    assert not Path("study/.lock.json").exists()


@pytest.mark.slow
def test_a_second_process_is_told_who_is_in(paretoprune):
    process = begin()
    try:
        answer = paretoprune("sweep", "study")
        assert answer.code == 5
        host = os.uname().nodename
        assert f"study (process {process.pid} on {host}, since 20" in answer.err
        for reader in (["show", "study"], ["show", "study", "--all", "--json"]):
            assert paretoprune(*reader).code == 0
    finally:
        process.kill()
        process.communicate()
    assert Path("study/.lock.json").exists(), "what a killed process leaves"
    with storage.locked(Path("study")):
        assert json.loads(Path("study/.lock.json").read_text())["process"] == os.getpid()


@pytest.mark.parametrize("name", [".lock", ".lock.json"])
def test_a_lock_that_is_a_link_is_refused_and_what_it_leads_to_stays(name, swept, paretoprune):
    swept(max_runs=4)
    Path("mine").write_text("precious")
    Path("study", name).unlink(missing_ok=True)
    Path("study", name).symlink_to(Path("mine").absolute())
    answer = paretoprune("sweep", "study")
    assert (answer.code, "is a link" in answer.err) == (4, True)
    assert Path("mine").read_text() == "precious"
