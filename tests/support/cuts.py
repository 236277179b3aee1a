"""One stream to our reader, in chunks."""

from piehub.wire.frames import WireError
from piehub.wire.reader import Reader


def read(chunks, *, most_bytes, most_fragments, inflates, then=lambda reader: None):
    """What comes with each chunk: messages, and the close code of a failure.

    then: is shown the reader after each chunk that it takes.
    """
    reader = Reader(max_message_bytes=most_bytes, max_fragments=most_fragments, inflates=inflates)
    came = []
    for chunk in chunks:
        came.append([])
        try:
            came[-1] += iter(reader.feed(chunk))
        except WireError as error:
            came[-1].append(error.code)
        else:
            then(reader)
    return came


def byte_by_byte(stream):
    return [stream[at : at + 1] for at in range(len(stream))]


def agree(came, expected, *, inflates):
    """Whether what came from two cuts of a stream is the same.

    But for the code of a compressed message with two faults: what comes out of a chunk is counted
    before it is read, so of a text that is too long and no UTF-8 either, the whole stream may name
    the one fault and its single bytes the other.
    """
    if came == expected:
        return True
    codes = {*came[-1:], *expected[-1:]}
    return inflates and came[:-1] == expected[:-1] and codes <= {1007, 1008, 1009}
