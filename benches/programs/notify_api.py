"""The notify API as an application, for servers other than ours."""

from milepost.settings import Settings
from milepost_notify.main import build

app = build(Settings.load(), project=False)
