"""The release after this one, as it might be: this tree with changes that releases are allowed.

An event has a field more (`task.started`: `host`), another is written in a new version that comes
with an upcaster (`task.logged`: `line` instead of `text`), and scripts of workers have changed.
"""

from pathlib import Path

from copied_tree import copied

EVENTS = "libs/common/src/milepost/events.py"
CHANGES = [
    (EVENTS, "    worker: str\n", '    worker: str\n    host: str = ""\n'),
    (
        EVENTS,
        '    type = "task.logged"\n\n    text: str\n',
        '    type = "task.logged"\n    v: ClassVar[int] = 2\n\n    line: str\n',
    ),
    (
        "libs/common/src/milepost/codec.py",
        "UPCASTERS: dict[tuple[str, int], Upcaster] = {}",
        'UPCASTERS = {("task.logged", 1): lambda data: {"line": data["text"]}}',
    ),
    ("services/worker/src/milepost_worker/jobs.py", "TaskLogged(text=", "TaskLogged(line="),
    ("libs/log/src/milepost_log/lua/log.lua", "emit('logged',", "emit('logged/2',"),
    (
        "libs/log/src/milepost_log/lua/start.lua",
        "attempt, caller.says, trace",
        """attempt, string.sub(caller.says, 1, -2) .. ',"host":"new"}', trace""",
    ),
]
"""File, what it has, and what it has then: the first time that it has it."""


def next_version(folder: Path) -> list[Path]:
    """Make the release after this one in a folder; where its code is imported from."""
    sources = copied(folder)
    for name, before, after in CHANGES:
        file = folder / name
        text = file.read_text()
        assert before in text, f"{name} no longer has {before!r}: plant that change another way"
        file.write_text(text.replace(before, after, 1))
    return sources
