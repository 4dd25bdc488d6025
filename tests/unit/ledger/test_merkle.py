"""The Merkle tree against RFC 6962's own definition."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from audit.ledger import merkle
from docs import verify_ledger


def defined(leaves: list[bytes]) -> bytes:
    """Compute the tree hash by the RFC's recursion: split at the largest power of two below the size."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + defined(leaves[:split]) + defined(leaves[split:])).digest()


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70))
def test_root_is_that_of_the_definition(leaves):
    assert merkle.root(leaves) == defined(leaves).hex() == verify_ledger.merkle_root(leaves)


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40, unique=True), st.data())
def test_root_changes_with_any_leaf_its_order_and_its_count(leaves, data):
    place = data.draw(st.integers(0, len(leaves) - 1))
    root = merkle.root(leaves)
    assert merkle.root([*leaves[:place], leaves[place] + b"!", *leaves[place + 1 :]]) != root
    assert merkle.root([*leaves[:place], *leaves[place + 1 :]]) != root
    assert merkle.root(leaves[::-1]) != root


def test_root_of_known_leaves_is_that_of_certificate_transparency():
    leaves = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    leaves.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
    assert merkle.root(leaves) == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_root_of_nothing_is_the_hash_of_nothing():
    assert merkle.root([]) == hashlib.sha256().hexdigest()
