"""Text that Slack shows, made from text that nobody here wrote.

Slack knows two kinds of text object. `plain_text` is shown as it stands. `mrkdwn` is parsed, and has no escape
character: only `&`, `<` and `>` can be written as entities (https://docs.slack.dev/messaging/formatting-message-text).
Whatever a person or Astro wrote goes into the first kind, or through `escape` or `code` into the second.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

TextObject = dict[str, Any]

NOTHING = "–"  # Slack refuses an empty text object; this is what stands for "nothing here"

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

# Marks that format in mrkdwn, and the twins that look the same and do nothing. Why twins: a zero-width character beside
# a mark may count as a word's edge (people use it to format half a word), and travels unseen when somebody copies the
# text. The other known way, the fallback text of an invalid <!date>, would need the very markup that is kept out here.
_TWINS = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ", ":": "∶", "@": "＠", ">": "›"})
_MARKS = re.compile(
    r"`"  # code, everywhere
    r"|(?<![A-Za-z0-9])[*_~]|[*_~](?![A-Za-z0-9])"  # bold, italic, strike: only at a word's edge, so prod_aws stays
    r"|(?m:^[ \t]*>[> \t]*)"  # a quotation, at the start of a line
    r"|:(?=[\w'+`-]+:)"  # :emoji:, its first colon; the twin of a backtick counts as a letter
    r"|@(?=(?:here|channel|everyone)\b)"  # the three that would ping a crowd, should a client parse bare names
)

# Controls, and what turns the direction of the text that follows (Unicode TR9): they make one thing look like another.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_ID = re.compile(r"[A-Za-z0-9]+")
_PROVIDERS = {"AWS": "AWS", "AZURE": "Azure", "GCP": "GCP"}
_TYPES = {"DEDICATED": "Dedicated", "HYBRID": "Hybrid"}


def escape(text: str, limit: int | None = None) -> str:
    """`text` for use inside mrkdwn: it reads the same and can't ping, link, format or turn into an emoji.

    Bare addresses and e-mails stay as they are, because `mrkdwn` switches Slack's own search for them off. With `limit`
    the result is at most that long (see `truncate`) and ends in … where something was cut, never inside an entity.
    """
    whole = (_ENTITIES.get(letter, letter) for letter in _defused(clean(text)))
    return _defused(_cut(whole, limit))  # once more: a cut can put a mark at a word's edge, and make @here of @heretic


def _defused(text: str) -> str:
    return _MARKS.sub(lambda mark: mark[0].translate(_TWINS), text)


def entities(text: str) -> str:
    """`text` for a message's `text`, which notifications show: exact but for `&<>`, so it can't ping or link."""
    return "".join(_ENTITIES.get(letter, letter) for letter in clean(text))


def clean(text: str) -> str:
    """`text` without control and direction characters and lone surrogates; line ends become `\\n`."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def code(text: str) -> str:
    """An API's own word in backticks, on one line. A backtick inside becomes its twin and can't end the code."""
    word = " ".join(clean(text).replace("`", "ˋ").split())
    return f"`{''.join(_ENTITIES.get(letter, letter) for letter in word)}`" if word else NOTHING


def truncate(text: str, limit: int) -> str:
    """At most `limit` characters, the last being … where something was cut.

    Counted in UTF-16 units, as JavaScript does: whether Slack counts so isn't documented, and it is the stricter
    reading (an emoji is two).
    """
    return _cut(text, limit)


def length(text: str) -> int:
    """How long `text` is, in UTF-16 units (see `truncate`)."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def plain(text: str, limit: int = 3000) -> TextObject:
    """A plain_text object: shown as it stands, `:smile:` included; – when there is nothing to show."""
    return {"type": "plain_text", "text": truncate(clean(text).strip(), limit) or NOTHING, "emoji": False}


def mrkdwn(markup: str) -> TextObject:
    """A mrkdwn object from markup that is ready: everything foreign in it has been through `escape` or `code`.

    `verbatim` keeps Slack from making links and mentions out of bare addresses, channel names and the like.
    """
    return {"type": "mrkdwn", "text": markup if markup.strip() else NOTHING, "verbatim": True}


def bold(markup: str) -> str:
    """Ready markup in bold."""
    return f"*{markup}*"


def mention(user_id: str) -> str:
    """`<@U…>`: in a message that is new, it pings; in one that is edited or seen by one person, it is a name."""
    return f"<@{user_id}>" if _ID.fullmatch(user_id) else escape(user_id)


def group_mention(group_id: str) -> str:
    """`<!subteam^S…>`, a user group."""
    return f"<!subteam^{group_id}>" if _ID.fullmatch(group_id) else escape(group_id)


def channel_mention(channel_id: str) -> str:
    """`<#C…>`, a channel, as a link to it."""
    return f"<#{channel_id}>" if _ID.fullmatch(channel_id) else escape(channel_id)


def mentions(ids: Iterable[str], conjunction: str = "and", at_most: int = 8) -> str:
    """People and groups by id, as a list in a sentence. Ids of user groups begin with S."""
    names = [group_mention(one) if one.startswith("S") else mention(one) for one in ids]
    if len(names) > at_most:
        names = [*names[:at_most], f"{len(names) - at_most} more"]
    return f" {conjunction} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def local_time(when: datetime) -> str:
    """A moment in the reader's own zone and words ("today 14:05"), so that it stays true however long it stands there.

    `when` must be aware. Readers whose client can't do that see the UTC time.
    """
    if when.tzinfo is None:
        raise ValueError("a time without its zone")
    return f"<!date^{int(when.timestamp())}^{{date_short_pretty}} {{time}}|{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"


def provider_name(word: str) -> str:
    """AWS, Azure, GCP as people write them; a word that isn't known stays as it is (and is still foreign)."""
    return _PROVIDERS.get(word, word)


def type_name(word: str) -> str:
    """Dedicated, Hybrid; a word that isn't known stays as it is (and is still foreign)."""
    return _TYPES.get(word, word)


def seconds(count: float) -> str:
    """A span as a person would say it: 0.5 s, 30 s, 5 min."""
    return f"{count / 60:g} min" if count >= 60 and count % 60 == 0 else f"{count:g} s"


def _cut(pieces: Iterable[str], limit: int | None) -> str:
    """The pieces joined, at most `limit` long: as many whole ones as leave room for the … ."""
    whole = list(pieces)
    if limit is None or sum(map(length, whole)) <= limit:
        return "".join(whole)
    kept, room = [], limit - 1
    for piece in whole:
        room -= length(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + "…"
