/* SPDX-License-Identifier: BSD-2-Clause */
#include "schedule.h"

#define TIME_ONE_IN 16 /* of what is drawn */
#define HOLD_ONE_IN 3  /* of what is drawn for a store */
#define CPUS(able) ((able) & ~(1u << DECISION_TIME | 1u << DECISION_HOLD))

static struct schedule *current;
static unsigned done;   /* of current's decisions */
static uint64_t random; /* not core/random.h, which is looked at for races: all CPUs draw from this */

/* SplitMix64 */
static uint64_t random_below(uint64_t n)
{
    uint64_t mixed = random += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (mixed ^ mixed >> 31) % n;
}

void schedule_begin(struct schedule *schedule)
{
    current = schedule;
    current->points = 0;
    done = 0;
    if (current->drawn)
        current->count = 0;
    random = ~current->seed;
}

static unsigned by_default(unsigned own, uint32_t able)
{
    if (able >> own & 1)
        return own;
    uint32_t cpus = CPUS(able), above = cpus & ~((2u << own) - 1);
    return (unsigned)__builtin_ctz(above ? above : cpus);
}

static unsigned any_of(uint32_t able)
{
    for (uint64_t skip = random_below((unsigned)__builtin_popcount(able)); skip--;)
        able &= able - 1;
    return (unsigned)__builtin_ctz(able);
}

static bool drawn(uint32_t able, unsigned decision, unsigned one_in)
{
    return able >> decision & 1 && random_below(one_in) == 0;
}

/* Time passes but seldom: else every deadline would before anything is done. */
static unsigned draw(unsigned own, uint32_t able, unsigned otherwise)
{
    bool must = !(able >> own & 1);
    if (current->count == DECISIONS_MAX || (!must && random_below(current->drawn)))
        return otherwise;
    unsigned to = drawn(able, DECISION_TIME, TIME_ONE_IN)   ? DECISION_TIME
                  : drawn(able, DECISION_HOLD, HOLD_ONE_IN) ? DECISION_HOLD
                                                            : any_of(CPUS(able));
    if (to != otherwise)
        current->decisions[current->count++] = (struct decision){current->points, to};
    return to;
}

unsigned schedule_next(unsigned own, uint32_t able)
{
    unsigned otherwise = by_default(own, able);
    if (current->points < CHOICES_MAX)
        current->choices[current->points] = able & ~(1u << otherwise);
    current->points++;
    if (current->drawn)
        return draw(own, able, otherwise);
    if (done == current->count || current->decisions[done].point != current->points)
        return otherwise;
    uint32_t to = current->decisions[done++].to;
    return able >> to & 1 ? to : otherwise;
}
