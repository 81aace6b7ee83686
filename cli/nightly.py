"""The whole of `make nightly`: a fresh local stack, a roster, a nightly run."""

from dataclasses import dataclass

from cli.failures import Interrupted
from cli.options import describe_roster
from cli.output import say
from cli.runs import nightly_event
from cli.stacks import open_stack
from cli.start import start
from cli.waiting import reporting_steps
from local.redeploy import bring_up
from local.stack import LocalStack


@dataclass(frozen=True, slots=True)
class Night:
    """The size of the roster, and the settings, of a local night."""

    mentors: int
    expired: int
    unforeseen: int = 0
    """How many of the expired mentors were not warned."""
    brake: str = "watch"
    """The mode of the organisation's brake (G2)."""


def run_night(night: Night, *, as_json: bool) -> None:
    """Wipe the local stack, start and seed it, send the nightly rule's event, follow the run.

    Raises:
        Interrupted: the user pressed Ctrl-C.
        NotInOrder: the dispatcher did not start the run.
    """
    prepare(LocalStack(), night)
    say(describe_roster(night.mentors, night.expired, night.unforeseen))
    stack = open_stack(None)
    say("sending the nightly rule's event; the stack stays up (mentor-pause local down stops it)")
    start(stack, nightly_event(stack), wait=True, as_json=as_json, last_line=True)


def prepare(local_stack: LocalStack, night: Night) -> None:
    """Wipe the local stack, start it and load a roster.

    Raises:
        Interrupted: the user pressed Ctrl-C; the message says what is left.
    """
    try:
        with reporting_steps() as say_step, local_stack.alone(say_step):
            say_step("wiping the local stack")
            local_stack.reset(say_step)
            bring_up(local_stack, say_step)
            say_step("loading the roster")
            local_stack.seed(
                night.mentors, night.expired, 1, unforeseen=night.unforeseen, brake=night.brake
            )
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted before the run started; the local stack may be partly started, and its"
            " earlier data may be gone. Start again with: mentor-pause nightly; or stop it with:"
            " mentor-pause local down"
        ) from None
