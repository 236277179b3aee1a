#define _GNU_SOURCE
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RECEIVE = 256 * 1024, LOOKED_INTO = 64 * 1024, EVENTS = 512 };

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void complain(const char *format, va_list arguments)
{
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    exit(1);
}

void give_up(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    exit(2);
}

static void append(struct bytes *to, const uint8_t *data, size_t size)
{
    if (to->size + size > to->capacity) {
        to->capacity = (to->size + size) * 2;
        to->data = realloc(to->data, to->capacity);
        if (!to->data)
            fail("out of memory");
    }
    memcpy(to->data + to->size, data, size);
    to->size += size;
}

static void watch(struct client *client, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    if (epoll_ctl(load.epoll, operation, client->fd, &event))
        fail("epoll_ctl: %s", strerror(errno));
}

void client_connect(struct client *client)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(load.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (client->fd < 0)
        fail("socket: %s", strerror(errno));
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        fail("connect: %s", strerror(errno));
    client->state = CONNECTING;
    client->step = 0;
    client->skip = client->held.size = client->waiting.size = 0;
    client->wants_write = 1;
    watch(client, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

void client_drop(struct client *client)
{
    /* A reset: it leaves no port waiting, and it is how most clients vanish. */
    struct linger at_once = {.l_onoff = 1};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(client->fd);
    if (client->state == READY)
        load.ready--;
    client->state = CLOSED;
}

static void write_waiting(struct client *client)
{
    struct bytes *waiting = &client->waiting;
    if (waiting->size) {
        ssize_t sent = send(client->fd, waiting->data, waiting->size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            fail("client %u: send: %s", client->index, strerror(errno));
        if (sent > 0) {
            waiting->size -= (size_t)sent;
            memmove(waiting->data, waiting->data + sent, waiting->size);
        }
    }
    int wants = waiting->size > 0;
    if (wants != client->wants_write) {
        client->wants_write = wants;
        watch(client, EPOLL_CTL_MOD, EPOLLIN | (wants ? EPOLLOUT : 0));
    }
}

void client_send(struct client *client, const uint8_t *data, size_t size)
{
    append(&client->waiting, data, size);
    if (!client->is_receiving && client->waiting.size == size) /* nothing is before it */
        write_waiting(client);
}

static void upgrade(struct client *client)
{
    char request[1024];
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s\r\n",
                        load.path, load.port,
                        load.extensions ? "Sec-WebSocket-Extensions: " : "",
                        load.extensions ? load.extensions : "", load.extensions ? "\r\n" : "");
    client->state = UPGRADING;
    client_send(client, (uint8_t *)request, (size_t)size);
}

/* Send the steps of the script that wait for nothing more. */
static void follow_script(struct client *client)
{
    for (; client->step < load.steps; client->step++) {
        const struct step *step = &load.script[client->step];
        if (step->expect)
            return;
        char text[1024];
        uint8_t frame[sizeof text + HEADER_MAX];
        const char *room = strstr(step->send, "%r");
        int size = room ? snprintf(text, sizeof text, "%.*s%u%s", (int)(room - step->send),
                                   step->send, client->room, room + 2)
                        : snprintf(text, sizeof text, "%s", step->send);
        client_send(client, frame, write_frame(frame, TEXT, text, (size_t)size));
    }
    client->state = READY;
    load.ready++;
}

static void on_frame(struct client *client, const struct frame *frame, const uint8_t *payload)
{
    if (frame->size > client->biggest)
        client->biggest = frame->size;
    if (frame->opcode == PING) {
        uint8_t pong[125 + HEADER_MAX];
        load.pings++;
        client_send(client, pong, write_frame(pong, PONG, payload, frame->size));
    } else if (frame->opcode == CLOSE) {
        unsigned code = frame->size < 2 ? 1005 : (unsigned)payload[0] << 8 | payload[1];
        fail("client %u was closed with %u %.*s", client->index, code,
             frame->size > 2 ? (int)frame->size - 2 : 0, payload + 2);
    } else if (client->state == READY) {
        load.on_text(client, frame, payload);
    } else if (payload) {
        const char *expected = load.script[client->step].expect;
        if (memmem(payload, frame->size, expected, strlen(expected))) {
            client->step++;
            follow_script(client);
        }
    }
}

/* Take the frames in `data`; returns how many bytes they were. */
static size_t take_frames(struct client *client, const uint8_t *data, size_t size)
{
    size_t at = 0;
    struct frame frame;
    while (client->state >= OPENING && read_header(data + at, size - at, &frame)) {
        size_t here = size - at - frame.header;
        if (frame.size > here && frame.size > LOOKED_INTO) {
            client->skip = frame.size - here;
            on_frame(client, &frame, NULL);
            return size;
        }
        if (frame.size > here)
            break;
        at += frame.header + frame.size;
        on_frame(client, &frame, data + at - frame.size);
    }
    return at;
}

static size_t take_answer(struct client *client, const uint8_t *data, size_t size)
{
    const uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    if (size < 12 || memcmp(data, "HTTP/1.1 101", 12))
        fail("client %u was refused: %.*s", client->index, (int)(end - data), data);
    if (load.extensions && !memmem(data, (size_t)(end - data), "permessage-deflate", 18))
        fail("the hub agreed to no compression");
    client->state = OPENING;
    follow_script(client);
    size_t at = (size_t)(end + 4 - data);
    return at + take_frames(client, data + at, size - at);
}

static void receive(struct client *client)
{
    static uint8_t buffer[RECEIVE];
    ssize_t got = recv(client->fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        fail("client %u: %s", client->index, got ? strerror(errno) : "the hub hung up");
    load.bytes += (uint64_t)got;
    client->is_receiving = 1; /* what it has to say to all of this leaves in one call */
    const uint8_t *data = buffer;
    size_t size = (size_t)got;
    if (client->skip) {
        size_t skipped = client->skip < size ? client->skip : size;
        client->skip -= skipped;
        data += skipped;
        size -= skipped;
    }
    struct bytes *held = &client->held;
    if (held->size) {
        append(held, data, size);
        data = held->data;
        size = held->size;
    }
    size_t taken = client->state == UPGRADING ? take_answer(client, data, size)
                                              : take_frames(client, data, size);
    size_t left = size - taken;
    if (data == held->data && held->size) {
        memmove(held->data, held->data + taken, left);
        held->size = left;
    } else if (left) {
        append(held, data + taken, left);
    }
    client->is_receiving = 0;
    if (client->waiting.size)
        write_waiting(client);
}

void load_poll(uint64_t timeout)
{
    struct epoll_event events[EVENTS];
    struct timespec limit = {(time_t)(timeout / 1000000000u), (long)(timeout % 1000000000u)};
    int count = epoll_pwait2(load.epoll, events, EVENTS, &limit, NULL);
    for (int i = 0; i < count; i++) {
        struct client *client = events[i].data.ptr;
        if (client->state == CONNECTING && events[i].events & EPOLLOUT) {
            int error = 0;
            socklen_t size = sizeof error;
            getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
            if (error)
                fail("client %u: connect: %s", client->index, strerror(error));
            upgrade(client);
        } else if (events[i].events & EPOLLOUT) {
            write_waiting(client);
        }
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            receive(client);
    }
}

void load_connect(uint32_t at_once, double seconds)
{
    uint64_t deadline = now_ns() + (uint64_t)(seconds * 1e9);
    uint32_t begun = 0;
    while (load.ready < load.count) {
        while (begun < load.count && begun - load.ready < at_once)
            client_connect(&load.clients[begun++]);
        load_poll(100000000);
        if (now_ns() > deadline)
            give_up("after %g s only %u of %u clients were ready", seconds, load.ready,
                    load.count);
    }
}
