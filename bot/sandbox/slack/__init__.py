"""A Slack workspace on loopback, as strict as Slack, with people in it: `SlackSandbox` makes one."""

from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.forms import Form, Reply, Submitted
from bot.sandbox.slack.people import Person
from bot.sandbox.slack.posts import Button, Channel, Message
from bot.sandbox.slack.sandbox import SlackSandbox

__all__ = ["Button", "Channel", "Fault", "Form", "Message", "Person", "Reply", "SlackSandbox", "Submitted"]
