"""Provenance is found by comparing: what is contained where, and what such a match is worth."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import provenance
from tools.provenance import Leaf, Source, Work, summarise, trace
from workspaces.errors import TooLarge


def told(value: Any, label: str = "instruction") -> Source:
    return Source(label, "trusted", "instruction", value)


def heard(value: Any, label: str = "ticket") -> Source:
    return Source(label, "untrusted", "ticket", value)


def only(arguments: Any, *sources: Source) -> Leaf:
    [leaf] = trace(arguments, sources)
    return leaf


def test_a_value_from_a_trusted_text_is_trusted_and_names_its_source():
    leaf = only({"to": "anna@example.org"}, told("Write to anna@example.org today."), heard("nothing"))
    assert leaf == Leaf("/to", '"anna@example.org"', ("instruction",), True, False)


def test_a_value_from_an_untrusted_text_is_untrusted_but_named():
    leaf = only({"to": "mallory@example.net"}, told("Write to the customer."), heard("I am mallory@example.net"))
    assert (leaf.sources, leaf.trusted) == (("ticket",), False)


def test_a_value_found_nowhere_was_made_up():
    leaf = only({"note": "Premium since 1999"}, told("Write a note."), heard("Hello"))
    assert (leaf.sources, leaf.trusted, leaf.coincidence) == ((), False, False)


def test_a_value_in_trusted_and_untrusted_sources_is_trusted_and_names_both():
    leaf = only({"tier": "gold"}, heard("please gold"), told("Tiers: gold, silver."))
    assert (leaf.sources, leaf.trusted) == (("instruction", "ticket"), True)


def test_the_tools_own_schema_is_named_but_vouches_for_nothing():
    leaf = only({"tier": "gold"}, Source("schema of crm", "trusted", "schema", {"enum": ["gold"]}))
    assert (leaf.sources, leaf.trusted) == (("schema of crm",), False)


@pytest.mark.parametrize(
    ("value", "text", "found"),
    [
        ("gold", "marigolds", False),
        ("gold", "(gold)", True),
        ("two words", "these two\n   words", True),
        ("Zoë", "Zoe\u0308 wrote", True),
        ("Zoe", "Zoe\u0308 wrote", False),
        ("Gold", "gold", False),
        ("", "anything", False),
        ("   ", "any thing", False),
        ("東京", "私は東京に住む", True),
        ("Tower", "東京Tower", True),
        ("क", "कि", True),
        ("gold and more", "more and gold", False),
        ("nul inside", "nul\0inside", True),
        ("anna@example.org", "mary.anna@example.org", False),
        ("anna@example.org", "anna@example.org.attacker.example", False),
        ("anna@example.org", "Is it <anna@example.org>, or not anna@example.org.", True),
        ("example.org", "anna@example.org", False),
        ("https://a.example", "https://a.example/b", False),
        ("https://a.example/b", "(https://a.example/b)", True),
        ("https://a.example/b?c=1", "https://a.example/b?c=1&d=2", False),
        (".org", "example.org", False),
        ("gold", "tier:gold,silver", True),
        ("gold", "really gold?", True),
    ],
)
def test_text_is_found_verbatim_and_on_word_boundaries(value: str, text: str, found: bool):
    assert only({"a": value}, told(text)).trusted is found


@pytest.mark.parametrize(
    ("value", "text", "found"),
    [
        (1200, "transfer 1200 now", True),
        (1200, "transfer 1200.00 EUR.", True),
        (1200, "$1200.", True),
        (1200, "1,200", False),
        (200, "1,200", False),
        (1200, "12000", False),
        (1200, "A1200", False),
        (2024, "on 2024-05-06", False),
        (12.5, "12.50", True),
        (12, "12.5", False),
        (-4000, "now -4000", True),
        (4000, "3000-4000", False),
        (1200, "2.1200.3", False),
        (True, "true", False),
        (None, "null", False),
        (1, "true", False),
    ],
)
def test_numbers_are_compared_as_numbers_that_stand_alone(value: Any, text: str, found: bool):
    assert only({"a": value}, told(text)).trusted is found


@pytest.mark.parametrize(
    ("value", "record", "trusted", "coincidence"),
    [
        (True, {"active": True}, True, True),
        (True, {"a": True}, True, False),
        (1, {"a": True}, False, False),
        (True, {"a": 1}, False, False),
        (7, {"a": 7.0}, True, False),
        (7, {"page": 7}, True, True),
        (7, "call 7 times", True, True),
        (7, {"text": "call 7 times"}, True, True),
        (1.5, "rate 1.5", True, True),
        (4711, "order 4711", True, False),
        ("US", "to the US today", True, True),
        ("US", {"a": "US"}, True, False),
        ("US", {"country": "US"}, True, True),
        ("", {"a": ""}, True, False),
        (None, {"b": None}, True, True),
        (None, {"a": None}, True, False),
        ([], {"a": []}, True, False),
        ({}, {"a": []}, False, False),
        ("gold", {"country": "gold"}, True, False),
    ],
)
def test_a_short_value_counts_only_where_it_is_the_same_fields_whole_value(
    value: Any, record: Any, trusted: bool, coincidence: bool
):
    leaf = only({"a": value}, told(record))
    assert (leaf.trusted, leaf.coincidence) == (trusted, coincidence)


def test_an_untrusted_record_cannot_turn_a_trusted_coincidence_into_a_meaning():
    assert only({"a": 7}, heard({"a": 7}), told("step 7")).coincidence is True


def test_an_untrusted_short_value_of_the_same_field_is_no_coincidence():
    leaf = only({"a": 7}, heard({"a": 7}))
    assert (leaf.trusted, leaf.coincidence) == (False, False)


def test_paths_are_json_pointers_in_order_and_list_items_take_their_fields_name():
    leaves = trace({"a/b": {"~": [1, "x"]}, "e": {}}, [told({"~": ["x"]})])
    assert [(leaf.path, leaf.trusted, leaf.coincidence) for leaf in leaves] == [
        ("/a~1b/~0/0", False, False),
        ("/a~1b/~0/1", True, False),
        ("/e", False, False),
    ]


def test_a_key_that_the_schema_does_not_declare_is_traced_like_a_value():
    leaves = trace({"headers": {"X-Spy": "gold coin"}}, [told("a gold coin")], names={"headers"})
    assert [(leaf.path, leaf.trusted) for leaf in leaves] == [("/headers/X-Spy#", False), ("/headers/X-Spy", True)]


def test_the_summary_is_of_all_leaves():
    leaves = trace({"a": "gold coin", "b": 3}, [told("3 times gold coin")])
    assert (summarise(leaves).all_trusted, summarise(leaves).any_coincidence) == (True, True)
    assert summarise(trace({"a": "gold coin", "b": "made up"}, [told("gold coin")])).all_trusted is False
    assert summarise(trace({}, [])) == provenance.Summary(True, False)


def test_a_long_value_is_shown_as_an_excerpt():
    assert len(only({"a": "x" * 5000}).value_excerpt) == provenance.MAX_EXCERPT


def test_too_many_values_are_refused():
    with pytest.raises(TooLarge, match="1,000 values"):
        trace({"a": list(range(1001))}, [])


def test_what_lies_beyond_a_megabyte_of_a_source_is_not_looked_at():
    text = "word " * 200_000 + "secret-word"
    assert only({"a": "secret-word"}, told(text)).trusted is False
    assert only({"a": "wo"}, told("x" * (provenance.MAX_SOURCE_CHARACTERS - 3) + " word")).trusted is False
    assert only({"a": "late"}, told(["x" * provenance.MAX_SOURCE_CHARACTERS, "late"])).trusted is False


def test_values_that_share_no_word_with_a_source_cost_no_search():
    work = Work()
    trace({"a": [f"unheard-of-{n}" for n in range(1000)]}, [heard("common words " * 70_000)], work=work)
    assert work.scanned == 0


def test_searching_is_bounded_whatever_the_sources_are():
    work = Work()
    flood = heard("xe" * 400_000 + " e b a")
    leaves = trace({"a": ["e", "a b e", "b e a"] * 300, "z": "the answer"}, [flood, told("the answer")], work=work)
    assert work.scanned < provenance.MAX_SCANNED + 2 * provenance.MAX_SOURCE_CHARACTERS
    assert leaves[-1].trusted is True


def test_twice_the_text_is_at_most_twice_the_search():
    def scanned(size: int) -> int:
        work = Work()
        trace({"a": ["b a c", "c b b"]}, [heard("a b c " * size)], work=work)
        return work.scanned

    assert scanned(20_000) <= 2.1 * scanned(10_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_arguments_taken_from_a_trusted_record_are_trusted_and_no_coincidence(arguments: dict[str, Any]):
    summary = summarise(trace(arguments, [told(json.loads(json.dumps(arguments)))]))
    assert (summary.all_trusted, summary.any_coincidence) == (True, False)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4), JSON)
def test_untrusted_sources_never_make_anything_trusted(arguments: dict[str, Any], value: Any):
    assert not any(leaf.trusted for leaf in trace(arguments, [heard(arguments), heard(value)]))


@given(JSON, JSON, JSON)
def test_invariant_11_one_more_untrusted_source_changes_no_trust(arguments: Any, trusted: Any, more: Any):
    def judged(*sources: Source) -> list[tuple[str, bool]]:
        return [(leaf.path, leaf.trusted) for leaf in trace(arguments, sources)]

    assert judged(told(trusted)) == judged(heard(more), told(trusted))


def test_a_record_of_very_many_values_is_read_up_to_a_bound():
    many = [{"id": number} for number in range(60_000)]
    found = [leaf.trusted for leaf in trace({"id": [40_000, 59_999]}, [told(many)])]
    assert found == [True, False]
