"""The doctor asks for exactly the rights that docs/redis-commands.md gives."""

from milepost_cli.checkout import ROOT
from milepost_cli.doctor import needed_commands
from redis_users import rule

PAGE = ROOT / "docs" / "redis-commands.md"


def granted() -> set[str]:
    return {word[1:] for word in rule() if word.startswith("+")}


def asked(*, cluster: bool) -> set[str]:
    return {name for name, _ in needed_commands.calls("mp", cluster=cluster)}


def test_what_is_asked_for_is_what_the_page_gives() -> None:
    assert granted() - {"multi", "exec"} - asked(cluster=False) == set()
    assert asked(cluster=False) - granted() == set()
    assert granted() > needed_commands.OPTIONAL


def test_the_embedded_server_s_user_is_the_one_of_the_page() -> None:
    assert set(needed_commands.rights("mp").split()) == set(rule()[3:])


def test_on_a_cluster_it_is_what_the_page_adds() -> None:
    added = asked(cluster=True) - asked(cluster=False)
    assert added == needed_commands.CLUSTER
    assert all(f"+{name}" in PAGE.read_text() for name in added)
