/* The load for piehub's benchmarks: many WebSocket clients in one thread, on epoll.
 *
 *     load PORT CLIENTS ROOMS MODE [name=value ...]
 *
 * prints one line of JSON. Clients are dealt to rooms in turn; what they say to get in is an opening
 * script (`expect=` and `send=`, in order), so that every kind of hub can be driven. A message is
 * `message=` with %m in it, for which a mark "#sender.number#" is put; every message is counted, and
 * its mark checked, so one that is lost, doubled or out of order ends the run with an error.
 *
 *     open     connect everyone, and stop
 *     hold     the same, and stay for `seconds`, answering pings
 *     again    the same, then drop everyone at once, and connect everyone at once
 *     closed   each sender has `window` messages on their way, and sends the next when one is back
 *     pingpong in a room of two, each answers what the other said
 *     paced    `rate` messages a second, whatever comes back; latency counts from when a message
 *              should have been sent, so a hub that stalls the sender does not hide it
 *
 * With `extensions=permessage-deflate` compression is offered. What comes compressed is counted, and
 * not looked into; so there is `barrier=`, a message short enough to come plain, which is said first.
 *
 * It prints "measuring" and "measured" when it begins and ends to. It ends with status 1 when the hub
 * did something wrong, and with 2 when clients were not in after `patience` seconds.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client.h"
#include "histogram.h"

enum { MARK = 19, SENDER = 1, NUMBER = 8, STEPS = 8 };
enum mode { OPEN, HOLD, AGAIN, CLOSED_LOOP, PINGPONG, PACED };

static const char *const MODES[] = {"open", "hold", "again", "closed", "pingpong", "paced"};

static const char PRESENCE[] = "ClientPresenceChanged";

struct load load;

static struct step script[STEPS];
static const char *message, *barrier;
static enum mode mode;
static uint32_t window = 1, at_once = 64;
static int all_send;
static double seconds = 1, warm_up = 0.2, rate;
static double patience = 300; /* seconds for clients to get in, or messages to arrive */
static struct histogram latencies;

static uint8_t *frame; /* the message, masked anew for each mark */
static char *text;
static size_t text_size, mark_at;

static int is_sending, is_measuring, is_barrier;
static uint64_t *sent;  /* by client */
static uint64_t *total; /* by room */
static uint64_t delivered, checked, paced_from, passed;
static double interval;

static uint32_t room_size(uint32_t room)
{
    return load.count / load.rooms + (room < load.count % load.rooms);
}

static void say(struct client *client, uint64_t number)
{
    char mark[MARK + 1];
    snprintf(mark, sizeof mark, "#%06u.%010lu#", client->index, (unsigned long)number);
    memcpy(text + mark_at, mark, MARK);
    client_send(client, frame, write_frame(frame, TEXT, text, text_size));
}

static void say_next(struct client *client)
{
    total[client->room]++;
    say(client, sent[client->index]++);
}

static const uint8_t *find_mark(const uint8_t *payload, size_t size)
{
    static size_t guess; /* a hub puts it in the same place each time */
    if (guess + MARK <= size && payload[guess] == '#' && payload[guess + MARK - 1] == '#')
        return payload + guess;
    const uint8_t *found = memchr(payload, '#', size);
    if (!found || found + MARK > payload + size)
        return NULL;
    guess = (size_t)(found - payload);
    return found;
}

static uint64_t digits(const uint8_t *at, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value = value * 10 + (uint64_t)(at[i] - '0');
    return value;
}

static int shown(const struct frame *f)
{
    return f->size < 200 ? (int)f->size : 200;
}

static void on_text(struct client *client, const struct frame *f, const uint8_t *payload)
{
    if (!is_sending) { /* presence, until the barrier is through */
        if (is_barrier && payload && !f->compressed && find_mark(payload, f->size))
            passed++;
        return;
    }
    if (f->compressed) { /* not looked into: it is taken for the next one of the only sender */
        client->next[0]++;
        client->received++;
        delivered++;
        if (is_measuring >= 0 && client->index < load.rooms)
            say_next(client);
        return;
    }
    const uint8_t *mark = payload ? find_mark(payload, f->size) : NULL;
    if (!mark) {
        /* A hub may tell late who came. What is too long to look into is no message of ours; were it
         * one, it would be missed. */
        if (!payload || memmem(payload, f->size, PRESENCE, sizeof PRESENCE - 1))
            return;
        fail("client %u got something else: %.*s", client->index, shown(f), payload);
    }
    uint32_t sender = (uint32_t)digits(mark + SENDER, 6);
    uint64_t number = digits(mark + NUMBER, 10);
    uint32_t *next = &client->next[all_send || mode == PINGPONG ? sender / load.rooms : 0];
    if (sender % load.rooms != client->room || number != *next)
        fail("client %u got message %lu of client %u, and should have got %u", client->index,
             (unsigned long)number, sender, *next);
    ++*next;
    client->received++;
    delivered++;
    /* What is around the mark came as it went, looked at by sample. */
    if ((client->received & 63) == 1) {
        size_t before = mark_at < 8 ? mark_at : 8, after = text_size - mark_at - MARK - 2;
        if (memcmp(mark - before, text + mark_at - before, before) ||
            (size_t)(payload + f->size - mark - MARK) < after ||
            memcmp(mark + MARK, text + mark_at + MARK, after))
            fail("client %u got a message that was changed: %.*s", client->index, shown(f), payload);
        checked++;
    }
    if (mode == PACED) {
        uint64_t meant = paced_from + (uint64_t)(interval * (double)(number * load.rooms + sender));
        if (is_measuring)
            histogram_add(&latencies, now_ns() - meant);
    } else if (is_measuring < 0) {
        return; /* time is up: only what is under way is awaited */
    } else if (mode == PINGPONG ? sender != client->index : sender == client->index) {
        say_next(client);
    }
}

/* Everyone who is in has heard all that came before what is said now. */
static void pass_barrier(void)
{
    uint64_t deadline = now_ns() + (uint64_t)(patience * 1e9);
    is_barrier = 1;
    for (uint32_t room = 0; room < load.rooms; room++)
        say(&load.clients[room], 0);
    while (passed < load.count) {
        load_poll(100000000);
        if (now_ns() > deadline)
            give_up("only %lu of %u clients heard the first message", (unsigned long)passed,
                    load.count);
    }
}

static double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void run_until(uint64_t end)
{
    if (mode != PACED) {
        for (uint64_t now; (now = now_ns()) < end;)
            load_poll(mode == HOLD ? end - now : 0);
        return;
    }
    static uint64_t said;
    for (uint64_t now; (now = now_ns()) < end;) {
        uint64_t due = paced_from + (uint64_t)(interval * (double)said);
        if (due <= now) {
            say_next(&load.clients[said++ % load.rooms]);
            load_poll(0);
        } else {
            /* Near the time it looks without waiting: a timer would be late. */
            uint64_t left = (due < end ? due : end) - now;
            load_poll(left > 100000 ? left - 60000 : 0);
        }
    }
}

static void await_arrivals(void)
{
    uint64_t deadline = now_ns() + (uint64_t)(patience * 1e9), due = 0, got = 0;
    for (uint32_t room = 0; room < load.rooms; room++)
        due += total[room] * room_size(room);
    while (got < due) {
        load_poll(100000000);
        got = 0;
        for (uint32_t i = 0; i < load.count; i++)
            got += load.clients[i].received;
        if (now_ns() > deadline)
            fail("%lu of %lu deliveries never came", (unsigned long)(due - got),
                 (unsigned long)due);
    }
}

static void print_latencies(void)
{
    static const struct {
        const char *name;
        double part;
    } parts[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p999", .999}};
    printf(", \"latency_us\": {");
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        printf("\"%s\": %.1f, ", parts[i].name,
               (double)histogram_at(&latencies, parts[i].part) / 1e3);
    printf("\"max\": %.1f}", (double)latencies.max / 1e3);
}

/* Whoever started this reads, at these moments, what the server has used. */
static void announce(const char *moment)
{
    puts(moment);
    fflush(stdout);
}

static void exchange(void)
{
    is_sending = 1;
    paced_from = now_ns();
    if (mode == PACED)
        interval = 1e9 / rate;
    else
        for (uint32_t i = 0; i < (all_send ? load.count : load.rooms); i++)
            for (uint32_t n = 0; n < window; n++)
                say_next(&load.clients[i]);
    run_until(paced_from + (uint64_t)(warm_up * 1e9));
    uint64_t began = now_ns(), deliveries = delivered, bytes = load.bytes;
    double cpu = cpu_seconds();
    announce("measuring");
    is_measuring = 1;
    run_until(began + (uint64_t)(seconds * 1e9));
    is_measuring = -1;
    double took = (double)(now_ns() - began) / 1e9;
    announce("measured");
    printf("{\"deliveries\": %.0f, \"bytes\": %.0f, \"load_cpu\": %.3f",
           (double)(delivered - deliveries) / took, (double)(load.bytes - bytes) / took,
           (cpu_seconds() - cpu) / took);
    if (mode == PACED)
        print_latencies();
    await_arrivals();
    printf(", \"checked\": %lu}\n", (unsigned long)checked);
}

static void prepare_message(const char *message)
{
    const char *at = strstr(message, "%m");
    if (!at)
        fail("the message needs a %%m");
    mark_at = (size_t)(at - message);
    text_size = strlen(message) - 2 + MARK;
    text = malloc(text_size + 1);
    frame = malloc(text_size + HEADER_MAX);
    memcpy(text, message, mark_at);
    strcpy(text + mark_at + MARK, at + 2);
}

static void open_all(void)
{
    if (mode == OPEN)
        announce("measuring");
    uint64_t began = now_ns();
    load_connect(at_once, patience);
    double ready = (double)(now_ns() - began) / 1e9;
    if (message) {
        pass_barrier();
        if (barrier)
            prepare_message(message);
    }
    double opened = (double)(now_ns() - began) / 1e9;
    if (mode >= CLOSED_LOOP) {
        exchange();
        return;
    }
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < load.count; i++)
        if (load.clients[i].biggest < least)
            least = load.clients[i].biggest;
    if (mode != OPEN)
        announce("measuring");
    if (mode == HOLD)
        run_until(now_ns() + (uint64_t)(seconds * 1e9));
    double back = 0;
    if (mode == AGAIN) {
        for (uint32_t i = 0; i < load.count; i++)
            client_drop(&load.clients[i]);
        began = now_ns();
        load_connect(load.count, patience);
        back = (double)(now_ns() - began) / 1e9;
    }
    announce("measured");
    printf("{\"ready_seconds\": %.4f, \"opened_seconds\": %.4f, \"back_seconds\": %.4f, "
           "\"bytes\": %lu, \"pings\": %lu, \"longest_frame_of_each\": %lu, \"load_cpu\": %.3f}\n",
           ready, opened, back, (unsigned long)load.bytes, (unsigned long)load.pings,
           (unsigned long)least, cpu_seconds());
}

static const char *value_of(const char *argument, const char *name)
{
    size_t size = strlen(name);
    return strncmp(argument, name, size) || argument[size] != '=' ? NULL : argument + size + 1;
}

static void read_options(int count, char **arguments)
{
    for (int i = 0; i < count; i++) {
        const char *value;
        if ((value = value_of(arguments[i], "expect")) && load.steps < STEPS)
            script[load.steps++].expect = value;
        else if ((value = value_of(arguments[i], "send")) && load.steps < STEPS)
            script[load.steps++].send = value;
        else if ((value = value_of(arguments[i], "message")))
            message = value;
        else if ((value = value_of(arguments[i], "barrier")))
            barrier = value;
        else if ((value = value_of(arguments[i], "path")))
            load.path = value;
        else if ((value = value_of(arguments[i], "extensions")))
            load.extensions = value;
        else if ((value = value_of(arguments[i], "window")))
            window = (uint32_t)atoi(value);
        else if ((value = value_of(arguments[i], "at_once")))
            at_once = (uint32_t)atoi(value);
        else if ((value = value_of(arguments[i], "all_send")))
            all_send = atoi(value);
        else if ((value = value_of(arguments[i], "seconds")))
            seconds = atof(value);
        else if ((value = value_of(arguments[i], "warm_up")))
            warm_up = atof(value);
        else if ((value = value_of(arguments[i], "patience")))
            patience = atof(value);
        else if ((value = value_of(arguments[i], "rate")))
            rate = atof(value);
        else
            fail("what is %s?", arguments[i]);
    }
    if (mode >= CLOSED_LOOP && (!message || (mode == PACED && rate <= 0)))
        fail("%s takes message=, paced rate= too", MODES[mode]);
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count < 5)
        fail("usage: load PORT CLIENTS ROOMS MODE [name=value ...]");
    load.port = (uint16_t)atoi(arguments[1]);
    load.count = (uint32_t)atoi(arguments[2]);
    load.rooms = (uint32_t)atoi(arguments[3]);
    load.path = "/";
    load.script = script;
    load.on_text = on_text;
    while (mode < PACED && strcmp(arguments[4], MODES[mode]))
        mode++;
    if (strcmp(arguments[4], MODES[mode]))
        fail("unknown mode %s", arguments[4]);
    read_options(count - 5, arguments + 5);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    load.epoll = epoll_create1(0);
    load.clients = calloc(load.count, sizeof *load.clients);
    sent = calloc(load.count, sizeof *sent);
    total = calloc(load.rooms, sizeof *total);
    for (uint32_t i = 0; i < load.count; i++) {
        struct client *client = &load.clients[i];
        client->index = i;
        client->room = i % load.rooms;
        client->next = calloc(all_send || mode == PINGPONG ? room_size(client->room) : 1,
                              sizeof *client->next);
    }
    if (message)
        prepare_message(barrier ? barrier : message);
    open_all();
    for (uint32_t i = 0; i < load.count; i++)
        client_drop(&load.clients[i]);
    return 0;
}
