"""What can be wrong with a stack, told in one sentence to whoever typed the command."""


class StackError(Exception):
    """The local or the deployed stack is not as the command needs it."""
