/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/timer.h>

#include <string.h>

#include <cavern/message.h>

void cavern_timers_cancel(struct cavern_timers *timers, uint64_t id)
{
    for (unsigned i = 0; i < timers->count; i++) {
        if (timers->timers[i].id != id)
            continue;
        timers->count--;
        memmove(&timers->timers[i], &timers->timers[i + 1], (timers->count - i) * sizeof(*timers->timers));
        return;
    }
}

bool cavern_timers_set(struct cavern_timers *timers, uint64_t id, uint64_t deadline)
{
    cavern_timers_cancel(timers, id);
    if (timers->count == CAVERN_TIMERS_MAX)
        return false;
    unsigned at = timers->count++;
    for (; at && timers->timers[at - 1].deadline > deadline; at--)
        timers->timers[at] = timers->timers[at - 1];
    timers->timers[at] = (struct cavern_timer){id, deadline};
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
    cavern_timers_cancel(timers, *id);
    return true;
}
