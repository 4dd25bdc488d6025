"""From rows of the peers' benchmark to figures: medians, and nothing made of what did not finish."""

import pytest

from bench.peers.figures import figures_of


def row(peer, number, **more):
    return {"peer": peer, "w": "crash", "runs": 500, "round": number, **more}


def ended(lost, doubled, seconds):
    return {"lost": lost, "duplicated_side_effects": doubled, "seconds_from_kill_to_last_completion": seconds}


def test_figures_are_medians_of_the_rounds_with_the_peers_beside():
    rows = [row("countersign", at, **ended(0, 0, seconds)) for at, seconds in enumerate((9.0, 3.0, 4.0))]
    rows += [row("langgraph", 0, **ended(0, 5, 2.4)), row("absurd", 0, error="it broke")]
    found = {line["figure"]: line for line in figures_of(rows)}
    seconds = found["CRASH, 500 runs: from the kill to the last run's end"]
    assert (seconds["value"], seconds["beside"]) == (4, {"langgraph": 2.4})
    assert found["CRASH, 500 runs: doubled effects"]["beside"] == {"langgraph": 5}
    assert "CRASH, 500 runs: from the workers' return to it" not in found  # nobody said it


def test_what_we_did_not_finish_is_no_figure():
    rows = [row("countersign", 0, error="over 300 s"), row("langgraph", 0, **ended(0, 0, 1.0))]
    with pytest.raises(RuntimeError, match="did not finish crash: over 300 s"):
        figures_of(rows)
