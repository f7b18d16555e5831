"""Commands that ask the running daemon by its control socket: status, charger, log. And explain, which needs none."""

from gateway.commands.arguments import add_arguments

__all__ = ["add_arguments"]
