/* RFC 6455 section 5.2, as far as a client needs it. */
#ifndef FRAMES_H
#define FRAMES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10, HEADER_MAX = 14 };

struct frame {
    unsigned opcode;
    int compressed; /* RSV1: permessage-deflate, RFC 7692 section 6 */
    size_t header; /* bytes before the payload */
    uint64_t size; /* bytes of payload */
};

/* Read the header of a server's frame; returns 0 when it has not arrived whole. */
static inline int read_header(const uint8_t *data, size_t size, struct frame *frame)
{
    if (size < 2)
        return 0;
    frame->opcode = data[0] & 15;
    frame->compressed = (data[0] & 0x40) != 0;
    unsigned length = data[1] & 127;
    frame->header = length < 126 ? 2 : length == 126 ? 4 : 10;
    if (size < frame->header)
        return 0;
    frame->size = length < 126 ? length : 0;
    for (size_t at = 2; at < frame->header; at++)
        frame->size = frame->size << 8 | data[at];
    return 1;
}

/* Write a whole, masked frame to `out`, which has room for HEADER_MAX bytes more than the payload;
 * returns its length. The key is that of the RFC's own example: no server can tell. */
static inline size_t write_frame(uint8_t *out, unsigned opcode, const void *payload, size_t size)
{
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    const uint8_t *from = payload;
    size_t at = 0;
    out[at++] = (uint8_t)(0x80 | opcode);
    if (size < 126) {
        out[at++] = (uint8_t)(0x80 | size);
    } else {
        int wide = size < 65536 ? 2 : 8;
        out[at++] = wide == 2 ? 0x80 | 126 : 0x80 | 127;
        for (int byte = wide - 1; byte >= 0; byte--)
            out[at++] = (uint8_t)((uint64_t)size >> 8 * byte);
    }
    memcpy(out + at, key, 4);
    at += 4;
    for (size_t i = 0; i < size; i++)
        out[at + i] = from[i] ^ key[i & 3];
    return at + size;
}

#endif
