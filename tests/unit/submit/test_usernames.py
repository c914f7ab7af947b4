"""Usernames and passwords, without a database."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import InvalidValue
from milepost_submit.common_passwords import is_common
from milepost_submit.passwords import MEMORY_KIB, NOBODY, PARALLELISM, TIME_COST, Passwords
from milepost_submit.sign_in_limit import block_of
from milepost_submit.usernames import check_password, check_username, fold_username, skeleton


@given(st.text(min_size=1))
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold_username(fold_username(text)) == fold_username(text)


@given(st.text(min_size=1))
def test_spellings_and_forms_of_a_username_fold_alike(text: str) -> None:
    folded = fold_username(text)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert fold_username(unicodedata.normalize(form, text)) == folded
    assert fold_username(text.casefold()) == folded


@given(st.text(min_size=1))
def test_a_username_is_kept_in_nfc_or_refused(text: str) -> None:
    try:
        name = check_username(text)
    except InvalidValue:
        return
    assert name == unicodedata.normalize("NFC", text) == name.strip()
    assert 1 <= len(name) <= 64
    assert check_username(name) == name


@pytest.mark.parametrize("length", [0, 11, 1025])
def test_a_password_has_12_to_1024_characters(length: int) -> None:
    with pytest.raises(InvalidValue):
        check_password("x" * length)
    assert check_password("x" * 12)
    assert check_password("x" * 1024)


@pytest.mark.parametrize(
    ("password", "common"),
    [
        ("password1234", True),
        ("PassWord1234", True),
        ("PasswordPass", True),
        ("annaannaanna", True),
        ("password１２３４", True),  # as a wide keyboard types it
        ("milepostmilepost", True),
        ("correct horse battery", False),
        ("abcabdabcabd", False),
        ("한국어한국어한국어한국어", False),
    ],
)
def test_what_everybody_tries_first_is_no_password(password: str, common: bool) -> None:
    assert is_common(password, "Anna") is common


def test_the_username_itself_is_no_password() -> None:
    assert is_common("LongUserName99", "longusername99")


@given(st.text(min_size=12))
def test_any_password_is_common_or_not(password: str) -> None:
    assert is_common(password, "ann") in (True, False)


@given(st.text(min_size=1))
def test_any_username_has_a_look_that_case_and_composition_do_not_change(text: str) -> None:
    try:
        name = check_username(text)
    except InvalidValue:
        return
    assert skeleton(unicodedata.normalize("NFD", name)) == skeleton(name) != ""


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_an_address_is_as_much_as_one_customer_has(address: str, block: str) -> None:
    assert block_of(address) == block


async def test_a_password_fits_its_hash_alone_and_nobodys_fits_none() -> None:
    passwords = Passwords()
    hashed = await passwords.hash("correct horse battery")
    assert await passwords.verify(hashed, "correct horse battery")
    assert not await passwords.verify(hashed, "wrong horse battery")
    assert not await passwords.verify(None, "correct horse battery")
    assert not await passwords.verify("not a hash", "correct horse battery")


async def test_nobodys_hash_costs_what_everybodys_costs() -> None:
    parameters = f"$argon2id$v=19$m={MEMORY_KIB},t={TIME_COST},p={PARALLELISM}$"
    assert NOBODY.startswith(parameters)
    assert (await Passwords().hash("x" * 12)).startswith(parameters)
    assert len(NOBODY) == len(await Passwords().hash("x" * 12))
