"""Documents as people and attackers send them."""

import zlib


def pdf(*pages: bytes, count: int = 1) -> bytes:
    """Return a PDF whose pages draw the text ``pages``, the whole set ``count`` times over."""
    return assemble([b"BT /F1 12 Tf 20 700 Td (%s) Tj ET" % text for text in pages], count)


def bomb(megabytes: int) -> bytes:
    """Return a small PDF whose one page unpacks to ``megabytes``."""
    return assemble([b" " * (megabytes * 1024 * 1024)])


def assemble(contents: list[bytes], count: int = 1) -> bytes:
    first = 4
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join([kids] * count), len(contents) * count),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, content in enumerate(contents):
        packed = zlib.compress(content, 9)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (first + 2 * number + 1)
        )
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed))
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + end
