"""Settings given on the command line: each can be, and each mistake names the option that made it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

from hpq_hls.errors import ConfigError
from hpq_hls.settings.config import Settings, load_config, parse_settings
from hpq_hls.settings.errors import known_keys
from hpq_hls.settings.given import key_path
from hpq_hls.settings.named import NAMED


def test_every_named_option_is_a_setting():
    assert {named.key for named in NAMED} <= set(known_keys(Settings))


def test_every_setting_can_be_set():
    for key in known_keys(Settings):
        assert ".".join(map(str, key_path(Settings, key))) == key


def test_names_of_layers_may_have_dots():
    path = ("hardware", "layers", "features.0", "pe")
    assert key_path(Settings, "hardware.layers.features.0.pe") == path
    assert key_path(Settings, "precision.layers.features.0") == ("precision", "layers", "features.0")
    assert key_path(Settings, "hardware.fifo_depths.a.b") == ("hardware", "fifo_depths", "a.b")


def test_an_option_replaces_what_the_file_says(project):
    project.edit("precision:", "hardware: {part: xc7s6, target_interval: 400}\nprecision:")
    given = parse_settings(
        {"hardware.target_fps": "1000", "hardware.part": "KV260", "search.weight_bits": "2,4"},
        ["precision.layers.0.weight=5", "hardware.layers.3={pe: 2}", "search.confidence="],
    )
    settings = load_config(project.file, given).settings
    assert (settings.hardware.target_interval, settings.hardware.target_fps) == (None, 1000.0)
    assert settings.hardware.part == "xck26-sfvc784-2LV-c"  # that of the board
    assert settings.hardware.board is None
    assert settings.search.weight_bits == (2, 4)
    assert settings.search.confidence is None
    assert settings.precision.layers["0"].weight == 5
    assert settings.precision.default.weight == 6  # as in the file
    assert settings.hardware.folding() == {"3": {"pe": 2}}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--set", "hardware.prat=x"],
            "--set hardware.prat: hardware.prat is no known key; did you mean 'part'?",
        ),
        (["--set", "clock_ns=4"], "did you mean hardware.clock_ns?"),
        (["--set", "hardware.part"], "--set hardware.part: write key=value"),
        (["--set", "search.seed.x=1"], "search.seed is a value and has no keys"),
        (["--clock", "fast"], "--clock: hardware.clock_ns is 'fast'; it must be a number"),
        (["--part", "xc7z02"], "--part: hardware.part is 'xc7z02'"),
        (["--set", "search.seed=[1"], "--seed, line 1: not valid YAML"),
        (
            ["--set", "hardware.io=streem"],
            "--io: hardware.io is 'streem'; did you mean 'stream'?",
        ),
        (
            ["--target-fps", 5, "--target-interval", 5],
            "--target-interval and --target-fps contradict each other",
        ),
        (["--part", "xc7s6", "--board", "KV260"], "--board and --part contradict each other"),
        (["--clock", 4, "--set", "hardware.clock_ns=5"], "--clock is 4 and --set hardware.clock_ns is 5"),
        (["--set", "name=a", "--set", "name=b"], "--set name is given twice, as a and as b"),
        (["-v", "-q"], "--verbose and --quiet contradict each other"),
    ],
)
def test_mistakes_name_the_option(run, project, words, message):
    outcome = run("estimate", project.file, *words, "--json")
    assert outcome.status == 1
    assert message in outcome.json["error"]["message"]
    assert message in outcome.err


def test_pick_and_resume_contradict_each_other(run, project):
    assert "--pick and --resume contradict" in run("search", project.file, "--pick", 1, "--resume").err


def test_wrong_words_are_a_json_error_too(run):
    for words, told in ((["estimat"], "Did you mean 'estimate'?"), (["estimate", "--prat", "x"], "--part")):
        outcome = run(*words, "--json")
        assert outcome.status == 2
        assert outcome.json["error"]["kind"] == "UsageError"
        assert told in outcome.json["error"]["message"]
        assert told in run(*words).err  # and without --json
    assert run("estimate", "--help", "--json").status == 0


def test_the_next_command_is_said_with_the_same_options(run, project):
    outcome = run("quantize", project.file, "--part", "xc7s6", "--set", "name=other")
    words = shlex.split(outcome.out.strip().splitlines()[-1])
    assert words[:3] == ["Next:", "hpq", "generate"]
    assert words[3:] == [str(project.file), "--set", "name=other", "--part", "xc7s6"]
    assert "Next:" not in run("quantize", project.file, "--quiet").out
    quiet = run("quantize", project.file, "-q", "--json")
    assert quiet.err == ""
    json.loads(quiet.out)


def test_no_color_means_none(project):
    environment = {**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "hpq_hls", "quantize", str(project.file), "--help"]
    colour = re.compile(rb"\x1b\[(\d+;)*3[0-7]m")
    assert not colour.search(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    environment.pop("NO_COLOR")
    assert colour.search(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.15, 0.3])
def test_ctrl_c_is_answered_from_the_first_moment(project, delay):
    # What runs in the background of a shell without job control ignores Ctrl-C, and so do its children.
    heard = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    ready = "from hpq_hls.cli import main; sys.argv = ['hpq', 'doctor']; print('ready', flush=True); "
    program = f"{heard} {ready} main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    time.sleep(0.1 + delay)  # until main has begun
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1] == "Error: Interrupted; nothing half-written is left behind."


def test_unknown_settings_are_refused_in_python_too():
    with pytest.raises(ConfigError, match="is no known key"):
        key_path(Settings, "hardware.layers_.a.pe")
