"""Who may read caught mail, and in which form."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from milepost_cli import dev_mail
from milepost_cli.mail_file import NAME
from milepost_cli.mails import STYLESHEET


def client(folder: Path, address: str = "127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(dev_mail.build(folder), client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with 1,200 mails."""
    mails = [
        {"from": "a", "to": ["b"], "subject": f"<i>{number}", "body": "ü", "at": "now"}
        for number in range(1200)
    ]
    (tmp_path / NAME).write_text("".join(f"{json.dumps(mail)}\n" for mail in mails))
    return tmp_path


async def test_json_has_all_mails_oldest_first(folder: Path) -> None:
    async with client(folder) as http:
        answer = await http.get("/dev/mail")
    mails: list[dict[str, Any]] = answer.json()["mails"]
    assert answer.headers["content-type"] == "application/json"
    assert [mail["subject"] for mail in mails] == [f"<i>{number}" for number in range(1200)]
    assert mails[0] == {"from": "a", "to": ["b"], "subject": "<i>0", "body": "ü", "at": "now"}


async def test_a_limit_gives_the_last_ones(folder: Path) -> None:
    async with client(folder) as http:
        mails = (await http.get("/dev/mail?limit=2")).json()["mails"]
    assert [mail["subject"] for mail in mails] == ["<i>1198", "<i>1199"]


@pytest.mark.parametrize("limit", ["", "0", "-1", "x", "1.5", "10000000", "²"])
async def test_what_is_no_limit_is_a_problem(tmp_path: Path, limit: str) -> None:
    async with client(tmp_path) as http:
        answer = await http.get("/dev/mail", params={"limit": limit})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["loc"] == ["query", "limit"]


async def test_there_is_a_page_without_mails(tmp_path: Path) -> None:
    async with client(tmp_path) as http:
        assert (await http.get("/dev/mail")).json() == {"mails": []}
        page = await http.get("/dev/mail", headers={"Accept": "text/html"})
    assert page.status_code == 200


async def test_html_has_the_last_thousand_and_nothing_inline(folder: Path) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with client(folder) as http:
        page = await http.get("/dev/mail", headers=browser)
        style = await http.get(STYLESHEET)
    assert page.text.count("<article>") == 1000
    assert "&lt;i&gt;1199" in page.text
    assert "&lt;i&gt;199" not in page.text
    assert "<i>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not {"<style", "<script", "style="} & {*page.text.split()}
    assert style.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8000", "mail.localhost"])
async def test_programs_of_this_machine_may_read(tmp_path: Path, address: str, host: str) -> None:
    async with client(tmp_path, address) as http:
        assert (await http.get("/dev/mail", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("10.0.0.1", {}),
        ("::ffff:10.0.0.1", {}),
        ("2001:db8::1", {}),
        ("", {}),
        ("127.0.0.1", {"Host": "rebound.example"}),
        ("127.0.0.1", {"Host": "localhost.example"}),
        ("127.0.0.1", {"X-Forwarded-For": "10.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=10.0.0.1"}),
        ("127.0.0.1", {"Via": "1.1 proxy"}),
    ],
)
async def test_for_everybody_else_there_is_no_such_page(
    folder: Path, address: str, headers: dict[str, str]
) -> None:
    async with client(folder, address) as http:
        for path in ("/dev/mail", STYLESHEET):
            answer = await http.get(path, headers=headers)
            assert answer.status_code == 404
            assert "subject" not in answer.text
