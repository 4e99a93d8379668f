/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the generator share: dice, what an actor has, and the shapes that arguments mostly have. */
#pragma once

#include "operation.h"

/* Of the variables of an actor the first few have a fixed use. */
enum { OWN_MEMORY, OWN_QUEUE, OWN_RING, OWN_CONTROL, OWN_PROCESS, PEER_PROCESS, OWN_FREE = PEER_PROCESS + ACTORS };
enum { MEMORY = 8 * CAVERN_PAGE_SIZE, BODY = 6 * CAVERN_PAGE_SIZE, OPERATIONS = MEMORY - 8 * 128 };

/* --- draw.c --- */
unsigned below(unsigned n);
bool one_in(unsigned n);
uint64_t any_word(void);
struct term constant(uint64_t value);
struct term held(uint16_t which, uint64_t plus);
uint16_t variable(unsigned actor, unsigned which);
/* A value that an actor knows, by the variable that holds it, where there is one. */
struct term known(unsigned actor, uint64_t value);
/* A variable of the actor for something new: in turn, but none that holds a handle in use, if it can be avoided. */
uint16_t fresh_variable(unsigned actor);
/* Operations that come before all that is drawn. */
void prepare(const struct operation *operation);
unsigned prepared_operations(void);
void take_prepared(struct operation *operation);
unsigned actor_of(const struct ref_process *process); /* ACTORS: none */
/* Index of one of the actor's handles, of a type (NONE: any); 0: it has none. */
unsigned some_entry(unsigned actor, enum cavern_type type);
struct term handle(unsigned actor, enum cavern_type type); /* mostly of the type */
struct ref_object *object_of(unsigned actor, const struct term *term);

/* --- shape_message.c, shape_object.c: arguments for the call of an operation; what must come before is prepared --- */
typedef void shape_function(struct operation *operation);
shape_function shape_send, shape_request, shape_call, shape_receive, shape_reply, shape_queue, shape_cancel,
    shape_space, shape_lease_copy, shape_grant_accept, shape_queue_create, shape_queue_bind, shape_mint, shape_give,
    shape_close, shape_notify, shape_signal, shape_derive, shape_buffer, shape_map, shape_end, shape_copy,
    shape_thread_create, shape_thread_control, shape_split, shape_inspect, shape_account_end, shape_registers,
    shape_machine, shape_device_io, shape_derive_device, shape_derive_dma, shape_dma_map, shape_dma_unmap;

/* --- spawn.c: all that a parent does for a new process, prepared --- */
void prepare_process(unsigned actor);
void prepare_queue(unsigned actor, struct term process);
