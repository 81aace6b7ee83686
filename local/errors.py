"""The error of local tools. Its message is one sentence for the user, with the next command."""


class StackError(Exception):
    """A stack or a tool is not in the state that the command needs."""
