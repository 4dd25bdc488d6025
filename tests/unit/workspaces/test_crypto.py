"""Envelopes: opened by their own key in their own place, and by nothing else."""

import base64

import pytest

from workspaces.crypto import Unreadable, decrypt, encrypt

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()


def test_envelope_opens_in_its_own_place_only():
    envelope = encrypt(b"secret", context="connection:1")
    assert b"secret" not in envelope
    assert decrypt(envelope, context="connection:1") == b"secret"
    with pytest.raises(Unreadable, match="belongs to something else"):
        decrypt(envelope, context="connection:2")


def test_the_same_secret_never_looks_the_same():
    assert encrypt(b"secret", context="x") != encrypt(b"secret", context="x")


def test_a_new_key_in_front_wraps_and_the_old_one_still_opens(settings):
    settings.ENCRYPTION_KEYS = [OLD]
    before = encrypt(b"secret", context="x")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    after = encrypt(b"secret", context="x")
    assert decrypt(before, context="x") == decrypt(after, context="x") == b"secret"
    settings.ENCRYPTION_KEYS = [NEW]
    assert decrypt(after, context="x") == b"secret"
    with pytest.raises(Unreadable, match=r"key 'old' is not configured; add it to ENCRYPTION_KEYS again"):
        decrypt(before, context="x")


def test_another_key_of_the_same_name_opens_nothing(settings):
    envelope = encrypt(b"secret", context="x")
    name = settings.ENCRYPTION_KEYS[0].partition(":")[0]
    settings.ENCRYPTION_KEYS = [f"{name}:{NEW.partition(':')[2]}"]
    with pytest.raises(Unreadable, match="altered"):
        decrypt(envelope, context="x")


def test_every_byte_of_an_envelope_counts():
    envelope = encrypt(b"secret", context="x")
    for place in range(len(envelope)):
        altered = bytearray(envelope)
        altered[place] ^= 0x81
        for broken in (bytes(altered), envelope[:place]):
            with pytest.raises(Unreadable):
                decrypt(broken, context="x")


@pytest.mark.parametrize("envelope", [b"", b"\x00", b"secret"])
def test_what_is_no_envelope_is_refused(envelope):
    with pytest.raises(Unreadable, match="no envelope of ours"):
        decrypt(envelope, context="x")


def test_without_a_key_nothing_is_kept(settings):
    settings.ENCRYPTION_KEYS = []
    with pytest.raises(Unreadable, match="set ENCRYPTION_KEYS"):
        encrypt(b"secret", context="x")
