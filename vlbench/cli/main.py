"""The `vlbench` command: a group that imports each command when it is called."""

import importlib
import os
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from vlbench.api.failures import NotAllRun
from vlbench.cli.output import say
from vlbench.core.errors import CheckFailed, UnknownName, VlbenchError
from vlbench.core.machine import fault_line, hidden_fault, is_machine_fault, is_out_of_memory
from vlbench.core.signals import interrupted_by_stops
from vlbench.core.uncollected import uncollected
from vlbench.core.visible import visible

COMMANDS = {
    "cache": "Look after the cache folder: its size, what may go, what is damaged, what another one has.",
    "check": "Compare results with a baseline: did a score, a protocol, weights or data change?",
    "compare": "Compare two models on the same images, with paired tests.",
    "data": "Check or fetch the data of tasks.",
    "describe": "Let a language model describe tags, for models that read descriptions.",
    "doctor": "Say what a run would find here: versions, devices, folders, the hub, what is missing.",
    "export": "Write results in the layouts of other tools.",
    "help": "Show the help of vlbench, or of a command.",
    "import": "Import what other projects have learned or measured.",
    "fit": "Learn a prompt context on a few images of a task's training split.",
    "leaderboard": "Rebuild the leaderboard CSVs from the result JSON files, or check them.",
    "list": "List models, tasks, collections, metrics, methods, scorings or sources.",
    "ood": "Tell one task's images from another's by a model's confidence.",
    "retrieve": "Take image-text pairs for a task's classes out of a pool, to tune a model on.",
    "run": "Score models on tasks and write the results.",
    "show": "Show a task, model or collection.",
    "site": "Write a static site of the results: leaderboard, tasks, models, comparisons.",
    "sweep-prompts": "Score a model on a task by each template alone.",
    "tag": "Print the tags of images: files, folders with all below them, wildcards.",
    "verify": "Set results beside published scores of the same model and protocol.",
}
_LOGIN = re.compile(r"(\w://)[^/\s@]+@")
"""USER:PASSWORD in an address, which libraries quote in their messages."""
MODULES = {"import": "importing", "list": "listing", "sweep-prompts": "sweep_prompts"}


class Commands(click.Group):
    """Commands by name. The module of a command is imported when it is called, not for --help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All commands, sorted."""
        return sorted(COMMANDS)

    @uncollected()  # what is imported stays
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command with this name, from the module of the same name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"vlbench.cli.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names."""
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise UnknownName("command", args[0], COMMANDS, advice="`vlbench --help` lists all")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Call the command; a wrong argument is told as other names are. Ctrl-C and SIGTERM end in a line."""
        try:
            with interrupted_by_stops():
                return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            say("vlbench: stopped; what is finished is kept, the same command goes on from there")
            sys.exit(128 + (stop.args[0] if stop.args else signal.SIGINT))
        except click.UsageError as error:
            told = error.format_message()
            shown = visible(told, keep="\t\n")
            if shown == told:
                raise
            raise click.UsageError(shown, error.ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


group = click.version_option(package_name="vlbench")(
    Commands(
        "vlbench",
        context_settings={
            "auto_envvar_prefix": "VLBENCH",
            "max_content_width": 100,
            "help_option_names": ["-h", "--help"],
        },
        help="One benchmark harness for zero-shot vision-language models.",
    )
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Exit code: 0 done, 1 a check or a part failed, 2 a mistake of the user."""
    # what the hub's client tells of a failed request stands in the one line of the error
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    try:
        group.main(args=arguments, prog_name="vlbench", standalone_mode=True)
    except CheckFailed as error:
        _say(error)
        sys.exit(1)
    except NotAllRun as error:
        for line in error.failed:
            _say(line)
        sys.exit(1 if error.done else 2)
    except VlbenchError as error:
        fault = hidden_fault(error)
        _say(error if fault is None else fault_line(fault))
        _leave(error.__cause__)
    except (MemoryError, OSError, RuntimeError, ImportError, SystemError) as error:
        if not is_machine_fault(error) and getattr(error, "filename", None) is None:
            raise
        _say(fault_line(error))
        _leave(error)


def _leave(error: BaseException | None) -> NoReturn:
    """End with 2; libraries that say goodbye need memory too, and would say at length that there is none."""
    if is_out_of_memory(error):
        sys.unraisablehook = lambda _: None
    sys.exit(2)


def _say(error: VlbenchError | str) -> None:
    line = _LOGIN.sub(r"\1***@", " ".join(str(error).split()))
    with suppress(OSError):
        click.echo(f"vlbench: {visible(line)}", err=True)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # nothing takes it, and Python would complain once more when it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
