"""``fullcourt``, as it is installed: its help, what it refuses, and whose code it runs."""

import re
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from deployments.commands.main import fullcourt, main
from tasks.settings import PROJECT_ROOT
from tests.deployments.checkout import copy_checkout, user_environment


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(checkout / ".venv" / "bin" / "fullcourt"), *arguments]
    return subprocess.run(
        command, cwd=checkout.parent, env=user_environment(), capture_output=True, text=True, check=False
    )


def test_a_copy_of_the_checkout_runs_its_own_code_from_wherever_it_is_called(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy_checkout(copy)
    module = copy / "deployments" / "commands" / "main.py"
    module.write_text(module.read_text(encoding="utf-8").replace("The main door", "A copied door"), encoding="utf-8")
    shown = run(copy, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "A copied door to the flows is" in " ".join(shown.stdout.split())
    programs = run(copy, "services", "--home", str(tmp_path / "home"))
    assert programs.returncode == 1
    assert programs.stdout == "server: not running\nworker: not running\n"


def test_the_venv_of_another_checkout_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(PROJECT_ROOT / ".venv")
    refused = run(tmp_path, "down")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"error: {tmp_path}/.venv was set up for {PROJECT_ROOT}, where this command would act: "
        f"remove it and run `make setup` in {tmp_path}\n"
    )


def test_every_command_says_in_one_line_what_it_does_and_explains_each_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out.partition("Commands:\n")[2]
    for name, command in fullcourt.commands.items():
        assert re.search(rf"^  {name}  +\S.*\.$", shown, re.MULTILINE), name
        assert main([name, "--help"]) == 0
        assert all(getattr(parameter, "help", None) for parameter in command.params), name
    assert "..." not in shown  # no line is cut off


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "Error: No such command 'rnu'."),
        (["run"], "Error: Missing argument 'NAME'."),
        (["cleanup", "--days", "a few"], "Error: Invalid value for '--days': 'a few' is not a valid integer."),
        (["cleanup", "--dry-run", "--yes"], "Error: --dry-run, --yes: give one of them"),
        (["restore", "x", "--dry-run", "--yes"], "Error: --dry-run, --yes: give one of them"),
        (["ddl", "drop"], "Error: Invalid value for '{write|apply}': 'drop' is not one of 'write', 'apply'."),
    ],
)
def test_a_usage_error_ends_with_2_and_points_to_the_help(
    arguments: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("Usage: fullcourt ")
    assert said in error.splitlines()[-1]
    assert " --help' for help." in error


def test_a_reader_that_stops_reading_ends_a_command_without_a_traceback() -> None:
    script = ".venv/bin/fullcourt --help | true; echo ${PIPESTATUS[0]}"
    done = subprocess.run(["bash", "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    assert done.stdout.strip() in {"0", "1"}


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert run(PROJECT_ROOT, "--version").stdout == f"fullcourt {project['version']}\n"
