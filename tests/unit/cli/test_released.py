"""Who builds on the last release builds on this one."""

from milepost_cli import released


def test_nothing_that_was_released_is_broken_unless_it_is_meant():
    meant = released.meant()
    broken = [str(change) for change in released.changes() if change.breaking]
    unmeant = [line for line in broken if line not in meant]
    assert not unmeant, (
        f"breaks who builds on {released.last().name}:\n"
        + "\n".join(unmeant)
        + "\nAdd beside what is there instead, or say why in "
        + f"docs/api/{released.MEANT.name}: see docs/releasing.md"
    )
    assert sorted(meant) == sorted({*broken} & meant.keys()), "no longer breaks"
    assert all(meant.values()), "each has its reason, behind #"


def test_the_last_release_is_kept_whole():
    kept = {path.name for path in released.last().iterdir()}
    assert kept == {
        "submit.openapi.json", "notify.openapi.json", "log.asyncapi.json", "golden_events.json",
        "pacts",
    }  # fmt: skip
