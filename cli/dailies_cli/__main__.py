"""``dailies``: the commands, and how they end."""

from __future__ import annotations

import sys

import typer

from dailies_cli.commands import (
    batch,
    budgets,
    drop,
    generate,
    keys,
    library,
    models,
    operators,
    spend,
    webhooks,
)
from dailies_cli.display import errors, text
from dailies_cli.failures import Failure

__all__ = ["app", "main"]

_HELP = """Videos from prompts and images, by a Dailies of your own.

The app is the one that DAILIES_URL names, called with DAILIES_KEY; without it, the stack that
`make start` runs in this folder or one above.
"""

app = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode="markdown")
app.command()(generate.generate)
app.command()(drop.drop)
app.command()(library.watch)
app.command(name="list")(library.list_videos)
app.command()(library.show)
app.command()(library.get)
app.command()(library.cancel)
app.command()(library.delete)
app.command()(models.models)
app.command()(spend.usage)
app.command(rich_help_panel="For operators")(spend.spend)
app.command(rich_help_panel="For operators")(operators.attention)
app.command(rich_help_panel="For operators")(operators.find)
app.command(rich_help_panel="For operators")(operators.stop)
app.command(rich_help_panel="For operators")(operators.retry)
app.command(rich_help_panel="For operators")(operators.resolve)
app.command(rich_help_panel="For operators")(operators.deployments)
app.command(rich_help_panel="For operators")(operators.doctor)
app.add_typer(batch.app, name="batch")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(budgets.app, name="budgets", rich_help_panel="For operators")
app.add_typer(keys.app, name="keys", rich_help_panel="For operators")


def main() -> None:
    """Run the command that was written."""
    try:
        app(prog_name="dailies")
    except Failure as failure:
        errors.print(f"[red]{text(failure)}[/]", soft_wrap=True)
        sys.exit(failure.status)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
