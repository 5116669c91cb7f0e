"""What Slack takes and refuses, as far as it can be known without asking Slack.

The bot runs these checks before anything leaves; the sandbox runs them on everything that arrives. They take raw Block
Kit JSON (plain dicts) and return every `Problem` found, in the shape of Slack's own `blocks.validate`; an empty list is
a yes.
The numbers stand in `blocks.limits.numbers` and are also importable from here.
"""

from blocks.limits.numbers import *  # noqa: F403 - every name there is a limit, and callers want them by name
from blocks.limits.shapes import Problem, Surface
from blocks.limits.surfaces import (
    check_blocks,
    check_message,
    check_options,
    check_submission_answer,
    check_view,
    size_of,
)

__all__ = [
    "Problem",
    "Surface",
    "check_blocks",
    "check_message",
    "check_options",
    "check_submission_answer",
    "check_view",
    "size_of",
]
