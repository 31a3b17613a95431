"""The `vlbench` command: a group whose commands are imported when they are called."""

import importlib
import os
import sys
from collections.abc import Sequence

import click

from vlbench.core.errors import CheckFailed, VlbenchError

COMMANDS = {
    "cache": "Look after the cache folder: its size, what may go, what is damaged, what another one has.",
    "check": "Compare results with a baseline: did a score, a protocol, weights or data change?",
    "compare": "Compare two models on the same images, with paired tests.",
    "data": "Check or fetch the data of tasks.",
    "describe": "Let a language model describe tags, for models that read descriptions.",
    "export": "Write results in the layouts of other tools.",
    "import": "Import what other projects have learned or measured.",
    "fit": "Learn a prompt context on a few images of a task's training split.",
    "leaderboard": "Rebuild the leaderboard CSVs from the result JSON files, or check them.",
    "list": "List models, tasks, collections, metrics, methods, scorings or sources.",
    "ood": "Tell one task's images from another's by a model's confidence.",
    "run": "Score models on tasks and write the results.",
    "show": "Show a task, model or collection.",
    "site": "Write a static site of the results: leaderboard, tasks, models, comparisons.",
    "sweep-prompts": "Score a model on a task by each template alone.",
    "tag": "Print the tags of images: files, folders with all below them, wildcards.",
    "verify": "Set results beside published scores of the same model and protocol.",
}
MODULES = {"import": "importing", "list": "listing", "sweep-prompts": "sweep_prompts"}


class Commands(click.Group):
    """Commands by name; their modules are imported when one is called, not for --help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All commands, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name, from the module of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"vlbench.cli.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


group = click.version_option(package_name="vlbench")(
    Commands(
        "vlbench",
        context_settings={"auto_envvar_prefix": "VLBENCH", "max_content_width": 100},
        help="One benchmark harness for zero-shot vision-language models.",
    )
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: exit code 0 done, 1 a check failed, 2 the user's mistake."""
    # what the hub's client tells of a failed request stands in the one line of the error
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    try:
        group.main(args=arguments, prog_name="vlbench", standalone_mode=True)
    except CheckFailed as error:
        _say(error)
        sys.exit(1)
    except VlbenchError as error:
        _say(error)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        _say(f"{error.filename}: {error.strerror}; name another place or free this one")
        sys.exit(2)


def _say(error: VlbenchError | str) -> None:
    line = " ".join(str(error).split())
    click.echo(f"vlbench: {line}", err=True)
