/* A histogram of latencies, after HdrHistogram: 64 buckets to each power of two, so a percentile
 * read from it is at most 1.6 % too high, from one nanosecond to hours. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum { SUB_BITS = 6, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS) * SUB };

struct histogram {
    uint64_t counts[BUCKETS];
    uint64_t total;
    uint64_t max;
};

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
    unsigned bucket = (unsigned)ns;
    if (ns >= SUB) {
        unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - SUB_BITS;
        bucket = (shift + 1) * SUB + (unsigned)((ns >> shift) - SUB);
    }
    h->counts[bucket]++;
    h->total++;
    if (ns > h->max)
        h->max = ns;
}

/* The latency, in nanoseconds, that a share of `part` (0 to 1) did not exceed. */
static inline uint64_t histogram_at(const struct histogram *h, double part)
{
    uint64_t wanted = (uint64_t)(part * (double)h->total + 0.5), seen = 0;
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
        seen += h->counts[bucket];
        if (h->counts[bucket] && seen >= wanted) {
            unsigned shift = bucket / SUB;
            uint64_t top = shift ? ((uint64_t)(bucket % SUB + SUB + 1) << (shift - 1)) - 1 : bucket;
            return top < h->max ? top : h->max;
        }
    }
    return h->max;
}

#endif
