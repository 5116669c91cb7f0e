"""Slack's limits, by name. Lengths are characters, counts are elements, sizes are bytes of UTF-8 JSON.

Source: docs.slack.dev, reference/block-kit, reference/views and reference/methods/chat.postMessage.
"""

# Surfaces
MESSAGE_BLOCKS = 50
MODAL_BLOCKS = 100
HOME_BLOCKS = 100
MESSAGE_TEXT = 40_000
MESSAGE_TABLES = 1
MARKDOWN_TEXT = 12_000  # all the markdown blocks of one message together
VIEW_BYTES = 250_000
VIEW_TITLE = 24  # also the labels of Submit and Close
PRIVATE_METADATA = 3000
IDENTIFIER = 255  # block_id, action_id, callback_id, external_id

# Text
TEXT = 3000  # any text object without a stricter limit of its own
SECTION_TEXT = 3000
SECTION_FIELDS = 10
SECTION_FIELD_TEXT = 2000
HEADER_TEXT = 150
CONTEXT_ELEMENTS = 10
ALERT_TEXT = 200
ALT_TEXT = 2000
IMAGE_TITLE = 2000
URL = 3000

# Inputs
INPUT_LABEL = 2000  # also the hint
PLACEHOLDER = 150
INPUT_TEXT = 3000  # what a plain_text_input can hold
FILES = 10

# Choices
OPTIONS = 100
OPTION_GROUPS = 100
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTION_DESCRIPTION = 75
OPTION_GROUP_LABEL = 75
TICK_OPTIONS = 10  # checkboxes and radio buttons
OVERFLOW_OPTIONS = 5

# Buttons
ACTIONS_ELEMENTS = 25
CONTEXT_ACTIONS_ELEMENTS = 5
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30

# Larger blocks
TABLE_ROWS = 100
TABLE_COLUMNS = 20
DATA_TABLE_ROWS = 201
PLAN_TASKS = 50
CARD_TITLE = 150
CARD_BODY = 200
CARD_ACTIONS = 3
CONTAINER_BLOCKS = 10
CHART_TITLE = 50
VIDEO_TITLE = 200
