/* SPDX-License-Identifier: BSD-2-Clause */
/* In here places are counted from 1: the parent of place i is place i / 2, its children are 2i and 2i + 1. */
#include <cavern/timer.h>

#include <cavern/message.h>

static struct cavern_timer *at(struct cavern_timers *timers, unsigned place)
{
    return &timers->timers[place - 1];
}

static bool comes_before(const struct cavern_timer *a, const struct cavern_timer *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->order < b->order;
}

/* Puts `timer` where it belongs between `place`, which is free, and the top. */
static void move_up(struct cavern_timers *timers, unsigned place, struct cavern_timer timer)
{
    for (; place > 1 && comes_before(&timer, at(timers, place / 2)); place /= 2)
        *at(timers, place) = *at(timers, place / 2);
    *at(timers, place) = timer;
}

static unsigned earlier_child(struct cavern_timers *timers, unsigned place)
{
    unsigned child = 2 * place;
    return child < timers->count && comes_before(at(timers, child + 1), at(timers, child)) ? child + 1 : child;
}

/* Lets the free place sink to the bottom, and returns it. */
static unsigned sink(struct cavern_timers *timers, unsigned place)
{
    while (2 * place <= timers->count) {
        unsigned child = earlier_child(timers, place);
        *at(timers, place) = *at(timers, child);
        place = child;
    }
    return place;
}

static void take_out(struct cavern_timers *timers, unsigned place)
{
    unsigned bottom = sink(timers, place);
    struct cavern_timer last = *at(timers, timers->count--);
    if (bottom <= timers->count)
        move_up(timers, bottom, last);
}

/* 0: there is none. */
static unsigned find(struct cavern_timers *timers, uint64_t id)
{
    unsigned place = timers->count;
    while (place && at(timers, place)->id != id)
        place--;
    return place;
}

void cavern_timers_cancel(struct cavern_timers *timers, uint64_t id)
{
    unsigned place = find(timers, id);
    if (place)
        take_out(timers, place);
}

bool cavern_timers_set(struct cavern_timers *timers, uint64_t id, uint64_t deadline)
{
    cavern_timers_cancel(timers, id);
    if (timers->count == CAVERN_TIMERS_MAX)
        return false;
    move_up(timers, ++timers->count, (struct cavern_timer){id, deadline, timers->set++});
    return true;
}

uint64_t cavern_timers_next(const struct cavern_timers *timers)
{
    return timers->count ? timers->timers[0].deadline : CAVERN_FOREVER;
}

bool cavern_timers_take(struct cavern_timers *timers, uint64_t now, uint64_t *id)
{
    if (!timers->count || timers->timers[0].deadline > now)
        return false;
    *id = timers->timers[0].id;
    take_out(timers, 1);
    return true;
}

bool cavern_timers_invariants(const struct cavern_timers *timers)
{
    bool good = timers->count <= CAVERN_TIMERS_MAX;
    for (unsigned place = 2; good && place <= timers->count; place++)
        good = comes_before(&timers->timers[place / 2 - 1], &timers->timers[place - 1]);
    return good;
}
