from __future__ import annotations

import os
import subprocess
import sys
import types

import pytest

from spatial_llava_ros import __version__
from spatial_llava_ros.cli import main as cli
from spatial_llava_ros.errors import InvalidInputError


@pytest.fixture
def command(monkeypatch):
    """Installs a subcommand 'try' that does what it is told."""

    def install(run, add=lambda parser: None):
        module = types.ModuleType("spatial_llava_ros.cli.try")
        module.add_parser = lambda subparsers: add(subparsers.add_parser("try"))
        module.run = run
        monkeypatch.setitem(sys.modules, "spatial_llava_ros.cli.try", module)
        monkeypatch.setitem(cli.COMMANDS, "try", "try something")

    return install


def raiser(error: BaseException):
    def run(args):
        raise error

    return run


def test_help_teaches(capsys):
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert 'spatial-llava locate sim "the red mug left of the laptop"' in out
    assert "depth_scale is depth units per metre" in out
    for name, summary in cli.COMMANDS.items():
        assert name in out and summary.split()[0] in out


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"spatial-llava {__version__}"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "required: COMMAND"),
        (["lokate"], "invalid choice: 'lokate'"),
        (["--nonsense", "locate", "a", "b"], "--nonsense"),
        (["locate"], "required: SOURCE, EXPRESSION"),
        (["locate", "a", "b", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["locate", "a", "b", "--frame", "two"], "invalid int value: 'two'"),
        (["locate", "a", "b", "--frame", "1", "--all"], "not allowed with"),
        (["locate", "a", "b", "--pict", "x.png"], "unrecognized arguments: --pict"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(argv, words, capsys):
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert words in err and "--help" in err


def test_our_errors_are_one_line_and_exit_2(command, capsys):
    command(raiser(InvalidInputError("depth.png:\n is 8-bit")))
    assert cli.main(["try"]) == 2
    assert capsys.readouterr().err == "spatial-llava: error: depth.png: is 8-bit\n"


def test_a_missing_package_is_named_and_breaks_only_its_command(command, capsys):
    command(raiser(ModuleNotFoundError("No module named 'rclpy'", name="rclpy")))
    assert cli.main(["try"]) == 2
    err = capsys.readouterr().err
    assert "'rclpy', which is not installed" in err and "doctor" in err
    assert cli.main(["locate", "--help"]) == 0


def test_a_bug_of_ours_is_one_line_unless_debugging(command, capsys):
    command(raiser(KeyError("mug")))
    assert cli.main(["try"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert cli.main(["try", "--debug"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err and err.endswith("internal error: KeyError: 'mug'\n")


def test_interruption_is_130(command, capsys):
    command(raiser(KeyboardInterrupt()))
    assert cli.main(["try"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_full_disk_is_one_line_and_exit_2(command, capsys):
    command(raiser(OSError(28, "No space left on device")))
    assert cli.main(["try"]) == 2
    assert capsys.readouterr().err == "spatial-llava: error: [Errno 28] No space left on device\n"


def test_a_terminal_without_the_letters_still_gets_the_answer():
    program = (
        "import sys, types; from spatial_llava_ros.cli import main as cli\n"
        "m = types.ModuleType('x'); m.run = lambda args: print('3 \u00b1 1 mm') or 0\n"
        "m.add_parser = lambda s: s.add_parser('locate')\n"
        "sys.modules['spatial_llava_ros.cli.locate'] = m\n"
        "sys.exit(cli.main(['locate']))\n"
    )
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"3 ? 1 mm\n", b"")


def test_debug_after_two_dashes_is_an_argument(command):
    seen = []
    command(lambda args: seen.append(args.words) or 0, lambda parser: parser.add_argument("words", nargs="*"))
    assert cli.main(["try", "--", "--debug"]) == 0
    assert seen == [["--debug"]]


def test_a_reader_that_stops_reading_is_no_error():
    program = (
        "import sys, types; from spatial_llava_ros.cli import main as cli\n"
        "def run(args):\n"
        "    for i in range(100000): print('a line')\n"
        "    return 0\n"
        "m = types.ModuleType('x'); m.run = run; m.add_parser = lambda s: s.add_parser('locate')\n"
        "sys.modules['spatial_llava_ros.cli.locate'] = m\n"
        "sys.exit(cli.main(['locate']))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0


def test_help_and_version_do_not_load_the_heavy_parts():
    program = (
        "import sys; from spatial_llava_ros.cli.main import main; main(['--version']); main(['locate', '--help'])\n"
        "print(sorted({'rclpy', 'rosbags', 'mcap', 'open3d', 'torch', 'lark'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
