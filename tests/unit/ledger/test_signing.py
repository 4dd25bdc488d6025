"""Keys and signatures, also against the pure-Python check of the script that verifies alone."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.checks import Error, Warning
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from audit.ledger import signing
from audit.ledger.checks import ledger_settings
from audit.ledger.errors import SigningKeyMissing
from docs import verify_ledger


def test_without_a_key_the_error_says_how_to_make_one(settings):
    settings.LEDGER_SIGNING_KEY = ""
    with pytest.raises(SigningKeyMissing, match="--new-key"):
        signing.signer()


@pytest.mark.parametrize("text", ["not base64!", base64.b64encode(b"short").decode()])
def test_a_key_of_another_form_is_refused(settings, text):
    settings.LEDGER_SIGNING_KEY = text
    with pytest.raises(SigningKeyMissing, match="32 bytes"):
        signing.signer()


def test_older_public_keys_stay_known(settings):
    old = signing.signer()
    settings.LEDGER_PUBLIC_KEYS = [old.public_key]
    settings.LEDGER_SIGNING_KEY = signing.new_seed()
    assert set(signing.public_keys()) == {old.key_id, signing.signer().key_id}
    assert signing.is_signed(signing.public_keys()[old.key_id], old.sign(b"x"), b"x")


@hypothesis_settings(max_examples=15, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=40), flip=st.integers(0, 511))
def test_the_script_agrees_with_the_library_on_signatures(seed, message, flip):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, raw = private.public_key().public_bytes_raw(), private.sign(message)
    forged = (int.from_bytes(raw, "little") ^ 1 << flip).to_bytes(64, "little")
    assert verify_ledger.is_signed(public, base64.b64encode(raw).decode(), message)
    assert not verify_ledger.is_signed(public, base64.b64encode(forged).decode(), message)
    assert not verify_ledger.is_signed(public, base64.b64encode(raw).decode(), message + b"!")
    assert not signing.is_signed(private.public_key(), base64.b64encode(forged).decode(), message)


@pytest.mark.parametrize("signature", ["", "%%%", base64.b64encode(bytes(63)).decode(), "ä"])
def test_a_signature_of_another_form_is_wrong(signature):
    key = signing.signer()
    assert not verify_ledger.is_signed(base64.b64decode(key.public_key), signature, b"x")
    assert not signing.is_signed(key.private_key.public_key(), signature, b"x")


@pytest.mark.parametrize(
    "setting", [{"LEDGER_SIGNING_KEY": ""}, {"LEDGER_SIGNING_KEY": "x"}, {"LEDGER_PUBLIC_KEYS": ["x"]}]
)
def test_checks_report_an_unusable_key_in_production(settings, setting):
    settings.DEBUG, settings.TESTING = False, False
    for name, value in setting.items():
        setattr(settings, name, value)
    assert [type(found) for found in ledger_settings()] == [Error]


def test_checks_accept_a_missing_key_in_debug(settings):
    settings.DEBUG, settings.LEDGER_SIGNING_KEY, settings.LEDGER_WITNESS_FILE = True, "", ""
    assert ledger_settings() == []


def test_checks_warn_of_a_missing_witness_in_production(settings):
    settings.DEBUG, settings.TESTING, settings.LEDGER_WITNESS_FILE = False, False, ""
    assert [type(found) for found in ledger_settings()] == [Warning]
