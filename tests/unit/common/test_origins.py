"""Origins as browsers write them, and what is none."""

import pytest

from milepost.errors import ConfigurationError
from milepost.origins import normal_origin
from milepost.settings import Settings


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://app.example", "https://app.example"),
        ("HTTPS://App.Example/", "https://app.example"),
        ("https://app.example:443", "https://app.example"),
        ("http://app.example:80", "http://app.example"),
        ("http://app.example:443", "http://app.example:443"),
        ("http://127.0.0.1:5173", "http://127.0.0.1:5173"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_written_as_browsers_do(written: str, origin: str) -> None:
    assert normal_origin(written) == origin


@pytest.mark.parametrize(
    "text",
    ["", "null", "app.example", "//app.example", "https://", "https://app.example/page",
     "https://*.example", "ftp://app.example", "https://a@app.example", "https://app.example:x",
     "https://app.example\n", "https://app.example https://b.example"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no origin"):
        normal_origin(text)


def test_the_setting_is_read_strictly() -> None:
    listed = Settings.load(cors_origins="https://A.example, http://b.example:8080")
    assert listed.cors_origins == ("https://a.example", "http://b.example:8080")
    assert Settings.load(cors_origins="*").cors_origins == ("*",)
    for wrong in ("*,https://a.example", "https://a.example/page", "null"):
        with pytest.raises(ConfigurationError, match="MILEPOST_CORS_ORIGINS"):
            Settings.load(cors_origins=wrong)
