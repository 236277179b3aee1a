/* One WebSocket client of the load: connects, upgrades, follows the opening script, takes frames. */
#ifndef CLIENT_H
#define CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "frames.h"

/* What every client does after the upgrade: wait for a message that holds `expect`, then send
 * `send` (in which %r stands for the client's room); either may be missing. */
struct step {
    const char *expect;
    const char *send;
};

enum state { CLOSED, CONNECTING, UPGRADING, OPENING, READY };

struct bytes {
    uint8_t *data;
    size_t size, capacity;
};

struct client {
    int fd;
    uint32_t index, room;
    enum state state;
    unsigned step;
    int wants_write, is_receiving;
    struct bytes held;    /* the start of a frame that has not arrived whole */
    struct bytes waiting; /* what the kernel has not taken yet */
    uint64_t skip;        /* bytes still to come of a frame too long to look into */
    uint64_t biggest;     /* the longest frame so far */
    uint64_t received;    /* messages of this run */
    uint32_t *next;       /* for each sender in the room, the number that its next message has */
};

struct load {
    int epoll;
    uint16_t port;
    const char *path;
    const char *extensions; /* offered in the handshake; NULL is none */
    const struct step *script;
    unsigned steps;
    struct client *clients;
    uint32_t count, rooms;
    uint32_t ready, closed;
    uint64_t bytes; /* received */
    uint64_t pings;
    /* Called with each text frame once a client is ready; `payload` is NULL for a skipped one. */
    void (*on_text)(struct client *, const struct frame *, const uint8_t *payload);
};

extern struct load load;

uint64_t now_ns(void);
/* Say what is wrong and end: `fail` with status 1, `give_up` with 2, because a time is over. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void give_up(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

void client_connect(struct client *client);
void client_send(struct client *client, const uint8_t *data, size_t size);
void client_drop(struct client *client);

/* Wait up to `timeout` ns (0 looks once) for what the sockets have, and deal with it. */
void load_poll(uint64_t timeout);

/* Connect all clients, at most `at_once` under way at a time, until they are ready. */
void load_connect(uint32_t at_once, double seconds);

#endif
