"""Verifies an exported ledger with nothing but Python: no Countersign, no database, no package.

    python verify_ledger.py EXPORT --public-key KEY [--public-key OLDER_KEY] [--seal EARLIER_SEALS]

KEY (base64) comes from whoever you trust for it, never with the export. EARLIER_SEALS is a file of seals that were kept
elsewhere before the export was made, one JSON object a line: they show what was replaced since. Digests are over
canonical JSON (RFC 8785), which the standard library writes too where there are no fractions. Trees are RFC 6962's,
signatures RFC 8032's (Ed25519).
"""

import argparse
import base64
import bisect
import json
import sys
from hashlib import sha256, sha512
from operator import itemgetter

# ruff: noqa: T201, B905, SIM905
EVENT = "id workspace at actor verb subject_type subject_id body".split()
SEAL = "kind format id workspace number epoch first last events merkle_root previous at key_id".split()
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
place = itemgetter("epoch", "txid", "sequence")
D, BASE = -121665 * pow(121666, -1, P) % P, (4 * pow(5, -1, P) % P).to_bytes(32, "little")


def ordered(value):
    if isinstance(value, float):
        raise ValueError("a fraction, which no ledger holds")
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    return [ordered(part) for part in value] if isinstance(value, list) else value


def content(row, fields):
    return json.dumps(ordered({f: row[f] for f in fields}), ensure_ascii=False, separators=(",", ":")).encode()


def merkle_root(leaves):
    level = [sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        carried = level[-1:] if len(level) % 2 else []
        level = [sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2])] + carried
    return level[0].hex() if level else ""


def add(one, other):
    (x, y), (u, v) = one, other
    k = D * x * u * y * v
    return ((x * v + u * y) * pow(1 + k, -1, P) % P, (y * v + x * u) * pow(1 - k, -1, P) % P)


def times(scalar, point):
    total = (0, 1)
    while scalar:
        total = add(total, point) if scalar & 1 else total
        point, scalar = add(point, point), scalar >> 1
    return total


def decode(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if len(data) != 32 or y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    return (x if x & 1 == sign else P - x, y)


def is_signed(key, signature, message):
    try:
        raw = base64.b64decode(signature, validate=True)
        public, commitment, s = decode(key), decode(raw[:32]), int.from_bytes(raw[32:], "little")
    except ValueError:
        return False
    challenge = int.from_bytes(sha512(raw[:32] + key + message).digest(), "little") % L
    return len(raw) == 64 and s < L and times(s, decode(BASE)) == add(commitment, times(challenge, public))


def check_chain(seals, keys):
    number, previous, last = 0, "0" * 64, (0, 0, 0)
    for seal in seals:
        name, first, final = f"seal {seal['number']}", (seal["epoch"], *seal["first"]), (seal["epoch"], *seal["last"])
        if seal["number"] != number + 1:
            yield f"seals {number + 1} to {seal['number'] - 1} are missing: removed"
        elif seal["previous"] != previous:
            yield f"{name} does not continue seal {number}: one of them was replaced"
        if seal["digest"] != sha256(content(seal, SEAL)).hexdigest():
            yield f"{name} was edited: its digest is not that of its content"
        if not is_signed(keys.get(seal["key_id"], b""), seal["signature"], content(seal, SEAL)):
            yield f"{name} carries a wrong signature, or one of a key that was not given ({seal['key_id']})"
        if not last < first <= final:
            yield f"{name} covers a stretch that does not follow the one before it"
        number, previous, last = seal["number"], seal["digest"], final


def check_events(events, seals):
    for event in events:
        if event["digest"] != sha256(content(event, EVENT)).hexdigest():
            yield f"event {event['id']} ({event['verb']}) was edited: its digest is not that of its content"
    places, done = [place(event) for event in events], 0
    for seal in seals:
        start = bisect.bisect_left(places, (seal["epoch"], *seal["first"]), done)
        stop = bisect.bisect_right(places, (seal["epoch"], *seal["last"]), start)
        yield from (f"event {event['id']} stands outside every seal: moved or inserted" for event in events[done:start])
        leaves = ["/".join(map(str, (*place(event), event["digest"]))).encode() for event in events[start:stop]]
        if len(leaves) != seal["events"]:
            yield f"seal {seal['number']} covers {seal['events']} events, and {len(leaves)} are there: removed or moved"
        elif merkle_root(leaves) != seal["merkle_root"]:
            yield f"seal {seal['number']} does not match its events: edited, replaced or reordered"
        done = stop
    print(f"  {done} events under {len(seals)} seals, {len(events) - done} events not yet sealed")


def check(rows, earlier, keys):
    for workspace in sorted({row["workspace"] for row in rows + earlier}):
        print(f"workspace {workspace}")
        mine = [row for row in rows if row["workspace"] == workspace]
        seals = sorted((row for row in mine if row["kind"] == "seal"), key=lambda seal: seal["number"])
        yield from check_chain(seals, keys)
        yield from check_events(sorted((row for row in mine if row["kind"] == "event"), key=place), seals)
        held = {seal["number"]: content(seal, SEAL) for seal in seals}
        for seal in earlier:
            if seal["workspace"] == workspace and held.get(seal["number"]) != content(seal, SEAL):
                yield f"seal {seal['number']} that was kept earlier is gone or another: truncated or rewritten"


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def main():
    parser = argparse.ArgumentParser(description="Verify an exported ledger.")
    parser.add_argument("export")
    parser.add_argument("--public-key", action="append", required=True)
    parser.add_argument("--seal", help="seals kept elsewhere, one JSON object a line")
    options = parser.parse_args()
    try:
        keys = {sha256(key).hexdigest()[:16]: key for key in map(base64.b64decode, options.public_key)}
        rows, earlier = read(options.export), read(options.seal) if options.seal else []
        problems = list(check(rows, earlier, keys)) if rows or earlier else ["the export is empty"]
    except (OSError, LookupError, TypeError, ValueError) as error:
        sys.exit(f"This cannot be read as an exported ledger: {error!r}")
    print(*(f"PROBLEM: {problem}" for problem in problems), sep="\n")
    sys.exit("The ledger is not sound." if problems else print("Nothing is wrong."))


if __name__ == "__main__":
    main()
