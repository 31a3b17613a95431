"""`vlbench help`: the help of vlbench or of one of its commands."""

import click

from vlbench.cli.output import answer_text


@click.command("help")
@click.argument("name", required=False)
@click.pass_context
def command(context: click.Context, name: str | None) -> None:
    """Show the help of vlbench, or of the command NAME."""
    group = context.find_root()
    assert isinstance(group.command, click.Group)
    if name is None:
        answer_text(group.get_help())
        return
    found = group.command.resolve_command(group, [name])[1]
    assert found is not None  # an unknown name is a usage error
    answer_text(click.Context(found, info_name=name, parent=group).get_help())
