"""`vlbench describe`: let a language model describe tags."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from vlbench.cli.flags import Amount, number_flag
from vlbench.cli.output import say
from vlbench.tagging.chat import Chat, Endpoint, Sampling
from vlbench.tagging.describe import describe

EXAMPLES = """\b
vlbench describe tags.txt --endpoint https://api.openai.com/v1 --model gpt-4o-mini
vlbench describe tags.txt --endpoint http://localhost:8080/v1 --model qwen --out tags.json
"""


@click.command("describe", epilog=EXAMPLES)
@click.argument("tags", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--endpoint", required=True, help="The address of an OpenAI-compatible server, up to /v1.", metavar="URL"
)
@click.option("--model", "-m", required=True, help="The name of the language model there.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The description file; finished tags in it are kept.  [default: TAGS with .descriptions.json]",
)
@number_flag("--count", 10, "How many answers to each of the five questions.")
@click.option("--temperature", type=Amount(min=0), default=0.99, show_default=True)
@number_flag("--max-tokens", 77, "Most tokens of an answer.")
@click.option(
    "--api-key-env",
    default="OPENAI_API_KEY",
    show_default=True,
    metavar="NAME",
    help="The environment variable with the key; leave it unset if the server needs none.",
)
@click.option(
    "--timeout",
    type=Amount(min=0, min_open=True),
    default=60,
    show_default=True,
    help="Seconds that an answer may take.",
)
@number_flag(
    "--retries",
    5,
    "Retries after 429, 5xx, a timeout or a lost connection; each wait is twice the one before.",
    least=0,
)
def command(
    tags: Path,
    model: str,
    out: Path | None,
    api_key_env: str,
    endpoint: str,
    timeout: float,
    retries: int,
    **sampling: Any,
) -> None:
    """Let a language model describe tags, for models that read descriptions.

    TAGS is a file with one tag per line, or a .tsv file with the columns `name` and ids. The questions are
    those of RAM++'s authors; `--descriptions` takes the file that is written. An interrupted run continues
    where it stopped.
    """
    key = os.environ.get(api_key_env, "").strip()
    server = Endpoint(
        url=endpoint, model=model, key=key, key_name=api_key_env, timeout=timeout, retries=retries
    )
    out = out or tags.with_suffix(".descriptions.json")
    try:
        done = describe(tags, out, Chat(server, Sampling(**sampling)))
    except KeyboardInterrupt:
        say(f"vlbench: stopped; finished tags are in {out}, the same command goes on from there")
        sys.exit(130)
    say(f"{out}: {done.asked} tags described, {done.kept} there before")
