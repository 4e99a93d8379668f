/* SPDX-License-Identifier: BSD-2-Clause */
/* How a thread sleeps and is woken: on its seat, by a message. spec/threads.md, How a thread sleeps. */
#include "park.h"

#include <cavern/handles.h>
#include <cavern/message.h>
#include <cavern/send.h>

#include "internal.h"

#define WAKES_MAX 32 /* that wait in a parking queue: one, and late ones for those who sat there before */

struct parker first_parker;
static struct seat first_seat;

static struct parker *freed; /* pushed without a lock, taken all at once */

void cavern_thread_first(void)
{
    ((struct thread_pointer *)__builtin_thread_pointer())->parker = &first_parker;
    parker_init(&first_parker, (struct wake){CAVERN_NO_HANDLE, 0});
}

struct parker *parker_self(void)
{
    return ((const struct thread_pointer *)__builtin_thread_pointer())->parker;
}

/* --- seats --- */

enum cavern_status seat_furnish(struct seat *seat)
{
    enum cavern_status status = cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &seat->queue);
    if (status)
        return status;
    status = cavern_sender_mint(seat->queue.handle, 0, WAKES_MAX, 0, 0, &seat->wake.sender);
    if (status == CAVERN_OK)
        return CAVERN_OK;
    cavern_handle_close(seat->queue.handle);
    seat->queue.handle = CAVERN_NO_HANDLE;
    return status;
}

void seat_clear(struct seat *seat)
{
    struct cavern_queue *queue = &seat->queue;
    struct cavern_message message;
    /* Its last thread may have been ended while it took a message: what the control page says is true. */
    cavern_queue_attach(queue, queue->handle, (uintptr_t)queue->ring, (uintptr_t)queue->control, queue->bound);
    while (cavern_queue_take(queue, &message))
        cavern_queue_release(queue, &message);
    seat->wake.ticket++;
}

struct seat *seat_own(void)
{
    struct parker *self = parker_self();
    if (!self->seat && seat_furnish(&first_seat) == CAVERN_OK) {
        self->seat = &first_seat;
        self->wake = first_seat.wake;
    }
    return self->seat;
}

/* --- sleeping and waking --- */

enum cavern_status parker_sleep(struct parker *parker, uint64_t deadline)
{
    struct seat *seat = seat_own();
    struct cavern_message message;
    enum cavern_status status = CAVERN_NO_MEMORY;
    while (seat && (status = cavern_queue_receive(&seat->queue, deadline, &message)) == CAVERN_OK) {
        const uint64_t *ticket = message.payload;
        bool mine = message.header.kind == CAVERN_KIND_MESSAGE && *ticket == parker->wake.ticket;
        cavern_queue_release(&seat->queue, &message);
        if (mine)
            break;
    }
    return status;
}

void parker_wake(struct wake wake)
{
    (void)!cavern_send(wake.sender, &(struct cavern_outgoing){.payload = &wake.ticket, .size = sizeof(wake.ticket)});
}

void parker_free(struct parker *parker)
{
    parker->next = __atomic_load_n(&freed, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&freed, &parker->next, parker, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
}

struct parker *parkers_freed(void)
{
    return __atomic_exchange_n(&freed, NULL, __ATOMIC_ACQUIRE);
}
