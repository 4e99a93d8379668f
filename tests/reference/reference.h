/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference: what spec/ says of the system calls, as plainly as it can be written. Nothing of the kernel is used
 * but the headers of its ABI. One call at a time, run to its end with all that follows from it.
 *
 * A call first finds everything that is wrong with it: `ref.errors`, a bit for each status that may be reported. Where
 * there is none, it takes effect. What the documents leave open comes from outside: see the functions in struct
 * ref_world, and `drawn`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/inspect.h>
#include <cavern/machine.h>
#include <cavern/memory.h>
#include <cavern/message.h>
#include <cavern/process.h>
#include <cavern/status.h>
#include <cavern/syscalls.h>

struct ref_list {
    void **items;
    unsigned count, room;
};

struct ref_random {
    uint64_t s[4];
};

struct ref_object {
    enum cavern_type type;
    unsigned handles; /* in tables, and grants on their way */
    bool gone;        /* the last of them went */
};

enum ref_notice_state { REF_IDLE, REF_WAITING, REF_DELIVERED };

struct ref_notice {
    enum cavern_kind kind;
    enum ref_notice_state state;
    struct ref_object *source;
    struct ref_queue *queue; /* destination */
    struct ref_queue *at;    /* where it waits, or was delivered */
    uint64_t label;
    uint64_t count;              /* fired and not acknowledged */
    uint64_t told;               /* of these, told */
    struct ref_message *message; /* in the ring, not freed */
    uint64_t words[5];
    struct ref_interrupt *line; /* of an interrupt */
    struct ref_thread *faulted; /* of a fault */
};

struct ref_account {
    struct ref_object object;
    struct ref_account *parent;
    unsigned depth, top;
};

struct ref_buffer {
    struct ref_object object;
    uint64_t size;
    uint8_t *bytes;   /* NULL: of a device */
    uint64_t own;     /* 0: of a device */
    uint64_t *frames; /* device address of each page; 0: not known yet */
    bool sealed, contiguous, device;
    uint64_t base; /* physical, of a device */
};

struct ref_mapping {
    struct ref_buffer *buffer; /* NULL: ring and control page */
    uint64_t address, length, offset;
    unsigned protection;
};

enum { REF_HANDLES = 1024 };

struct ref_entry {
    struct ref_object *object; /* NULL: free */
    uint16_t rights;
    bool used_before;
    uint64_t generation; /* of the entry, or of the next one */
};

struct ref_table {
    struct ref_entry entries[REF_HANDLES];
    unsigned freed[REF_HANDLES], freed_count; /* last out first */
};

struct ref_process {
    struct ref_object object;
    struct ref_account *account;
    uint32_t id, last_thread;
    enum cavern_process_state state;
    uint64_t flags;
    uint64_t name[2];
    bool succeeded, forsaken; /* the latter: and its table is still to be closed */
    unsigned urgency;         /* priority of its end: the highest of its threads ever, or of who waits for it */
    unsigned ending;          /* how many had begun, or been hastened, before */
    struct ref_table *table;
    struct ref_list mappings, threads, queues;
    struct ref_notice exit;
    struct ref_thread *faulter; /* whose fault ended it, for its registers */
    struct ref_queue *fault_queue;
    uint64_t fault_label;
};

struct ref_thread {
    struct ref_object object;
    struct ref_process *process;
    uint32_t id;
    enum cavern_thread_state state;
    bool suspended;
    unsigned priority;
    uint64_t deadline;
    struct ref_queue *receiving;
    struct ref_request *calling;
    uint64_t answer, answer_bytes, places;
    struct ref_buffer *answer_buffer;
    uint64_t answer_offset;
    struct ref_notice exit, fault;
    /* What the call has returned: x0 to x8, of which those in `defined` are outputs; `fresh` until somebody has looked.
     */
    bool fresh;
    uint64_t in[9], out[9];
    unsigned defined;
    unsigned progress; /* registers in which the call keeps where it stands */
    /* As it left them, but x0 to x8 after a call, unless they have been written since. */
    struct cavern_registers registers;
    struct cavern_vector_registers vector;
    uint64_t tls;
    bool written;
};

struct ref_grant {
    struct ref_object *object;
    uint16_t rights;
    struct ref_process *from;
    bool waits; /* neither accepted nor dropped */
};

struct ref_lease {
    struct ref_buffer *buffer;
    uint64_t offset, length;
    unsigned rights;
};

struct ref_message {
    struct cavern_header header;
    uint64_t number;        /* in the order of sending */
    uint64_t position, end; /* blocks */
    uint8_t *payload;
    unsigned leases, grants;
    struct ref_lease lease[CAVERN_ATTACHMENTS_MAX];
    uint64_t lease_word[CAVERN_ATTACHMENTS_MAX];
    struct ref_grant grant[CAVERN_ATTACHMENTS_MAX];
    struct ref_sender *sender; /* to be credited when it is freed */
    struct ref_notice *notice; /* that it tells */
    struct ref_request *request;
    bool compared;
};

struct ref_request {
    bool pending;
    uint32_t id;
    struct ref_queue *server;
    struct ref_sender *sender;
    struct ref_process *client;
    struct ref_thread *caller;     /* of a call, else NULL */
    struct ref_queue *reply_queue; /* of others */
    uint64_t reserved, token, position;
    uint32_t trace;
    bool in_registers;
    unsigned leases;
    struct ref_lease lease[CAVERN_ATTACHMENTS_MAX];
};

struct ref_slot {
    uint16_t generation;
    struct ref_request *request;
};

struct ref_queue {
    struct ref_object object;
    void *real; /* the kernel's */
    uint64_t blocks, slots;
    struct ref_process *owner;
    uint64_t ring, control; /* addresses */
    uint64_t head, taken;   /* as the owner stored them */
    uint64_t seen_head, seen_taken;
    uint64_t tail, bound, retired, reserved;
    struct ref_list messages; /* not retired, in order */
    struct ref_slot *slot;
    uint64_t slots_used, *freed, freed_first, freed_count; /* first in, first out */
    struct ref_list waiting;                               /* notices without room */
    struct ref_list delivered;                             /* notices told, not acknowledged */
    struct ref_list spaces;                                /* senders that wait for room */
    struct ref_thread *receiver;
};

struct ref_sender {
    struct ref_object object;
    void *real; /* the kernel's */
    struct ref_queue *queue;
    uint64_t label;
    uint64_t message_limit, request_limit, messages, requests;
    bool tells_closed;
    struct ref_notice closed, space;
    bool asks; /* for space, and has not been told */
    uint64_t asks_blocks, asks_requests;
};

struct ref_signal {
    struct ref_object object;
    struct ref_notice notice;
};

struct ref_interrupt {
    struct ref_object object;
    unsigned first, lines; /* a line: 1 */
    bool range, masked;
    uint64_t fired;
    struct ref_notice notice;
};

struct ref_dma_mapping {
    struct ref_buffer *buffer;
    uint64_t address, length, offset;
    bool writes;
};

struct ref_dma {
    struct ref_object object;
    struct ref_list mappings;
};

struct ref_record {
    struct cavern_log_record header;
    uint8_t text[CAVERN_LOG_TEXT_MAX];
};

struct ref_machine {
    struct ref_object object;
    struct ref_notice notice;
};

/* To a register of a device. */
struct ref_access {
    uint64_t count, physical, width, value;
    bool write;
};

struct ref_range {
    uint64_t base, size;
};

struct ref_world {
    uint64_t now;
    struct ref_random draws; /* of addresses */
    uint32_t last_process;
    struct ref_process *root;
    struct ref_list processes, queues, senders, requests, buffers, interrupts, accounts, notices, dmas;
    struct ref_machine *machine;
    struct ref_list log;
    struct ref_range taken[2]; /* RAM, and the interrupt controller */
    struct ref_access access;  /* the last */
    int power;                 /* 1: was to go off, 2: to start anew */

    /* The call that is made. */
    const struct ref_thread *caller;
    unsigned errors;    /* bit per status: what is wrong with it */
    bool no_memory;     /* it fails for want of memory */
    bool unlike;        /* what it has written, or an operation of a submit, has come out otherwise */
    uint64_t lacks[16]; /* of the caller's memory: where each range that it has looked at first lacks something */
    unsigned lack_count;
    const uint64_t *fault; /* words of the fault that it came to; NULL: none */
    const uint64_t *drawn; /* x0–x8 as the kernel returned them, for what is open */

    /* What follows from it. */
    bool progress;                       /* somebody was told of room: others may follow */
    const struct ref_queue *swept;       /* all that was freed there is retired when the call has been made */
    bool postponed;                      /* a freed message is not retired yet, though it has been */
    bool hurried;                        /* none is postponed any more */
    bool polling;                        /* it is to receive, and has not looked into the ring yet */
    bool looking;                        /* who comes before a message that is to be delivered */
    struct ref_list dying;               /* whose last handle went: what follows from that is still to be done */
    unsigned dying_urgency, dying_since; /* as of a process that ends */
    unsigned endings;                    /* of processes, that have begun, or been hastened */
    uint64_t messages;                   /* sent, or tried to */

    /* What the kernel is asked. */
    uint64_t (*retired)(const struct ref_queue *queue); /* how far freed messages have been retired: any time will do */
    bool (*told)(const struct ref_sender *sender);      /* that there is space: a few may be told at once, or later */
    bool (*next)(const struct ref_queue *queue, struct cavern_header *header); /* in the ring, if there is more */
    bool (*comes_next)(const struct ref_notice *notice);                       /* there */
    bool (*fetch)(const struct ref_thread *thread, uint64_t address, uint64_t *words, uint64_t size);
    bool (*ends)(const struct ref_process *process); /* of a lie in a control page, which somebody has noticed */
    /* Whether the caller's account pays for the handle that a grant of the answer becomes. */
    bool (*pays)(const struct ref_thread *caller, const struct ref_message *answer, unsigned grant);
    void (*seen)(const struct ref_queue *queue, uint64_t *head, uint64_t *taken); /* as far as it has looked */
    bool (*logged)(uint64_t number, uint32_t *length, uint8_t *text);             /* on its own */
    uint64_t (*first_logged)(void);                                               /* that is still kept */

    /* The simulated devices. */
    uint64_t (*register_value)(uint64_t physical);
    bool (*register_fails)(uint64_t physical);
};

extern struct ref_world ref;

/* --- list.c: memory that lives until the next ref_start, and lists in it --- */
void *ref_new(size_t size);
void ref_push(struct ref_list *list, void *item);
bool ref_remove(struct ref_list *list, const void *item);
void ref_start(void);

/* --- table.c --- */
extern const uint16_t ref_rights[CAVERN_TYPE_COUNT];
struct ref_table *ref_table_new(void);
/* What a handle names in the process of `thread`; NULL: nothing. */
struct ref_object *ref_find(const struct ref_thread *thread, uint64_t handle, uint16_t *rights);
/* The same, of a type and with rights; else notes what is wrong. NULL: nothing of the type. */
void *ref_need(const struct ref_thread *thread, uint64_t handle, enum cavern_type type, uint16_t rights);
uint64_t ref_insert(struct ref_process *process, struct ref_object *object, uint16_t rights);
uint64_t ref_insert_at(struct ref_process *process, struct ref_object *object, uint16_t rights, uint64_t wanted);
struct ref_entry *ref_next_entry(const struct ref_process *process); /* of the next handle */
void ref_close(struct ref_process *process, unsigned index);
void ref_close_all(struct ref_process *process);
void ref_put(struct ref_object *object); /* a handle, or a grant, less */
void ref_bury(void);                     /* what follows when last handles have gone [PROC-END-7] */

/* --- memory.c --- */
struct ref_account *ref_account_new(struct ref_account *parent, unsigned top);
struct ref_buffer *ref_buffer_new(uint64_t size);
/* Somebody has a handle to it, or uses its memory. */
bool ref_buffer_exists(const struct ref_buffer *buffer);
/* Memory of a process, or NULL: [address, address + size) is not one mapping with `protection`. */
uint8_t *ref_memory(const struct ref_process *process, uint64_t address, uint64_t size, unsigned protection,
                    struct ref_buffer **buffer, uint64_t *offset);
/* Copies, over any number of mappings; false: some is not there. */
bool ref_read(const struct ref_process *process, uint64_t address, void *to, uint64_t size);
bool ref_write(const struct ref_process *process, uint64_t address, const void *from, uint64_t size);
bool ref_accessible(const struct ref_process *process, uint64_t address, uint64_t size, unsigned protection);
/* A call has failed as it came to the end of memory: as much of it stands there as the kernel has written. */
void ref_write_in_vain(const struct ref_thread *thread, uint64_t address, const void *from, uint64_t size);
/* No mapping could mend what is missing there: a ring, or device memory. [MEM-FAULT-5] */
bool ref_is_beyond_mending(const struct ref_process *process, uint64_t address);

/* --- place.c --- */
void ref_random_seed(struct ref_random *random, uint64_t seed);
uint64_t ref_random_next(struct ref_random *random);
uint64_t ref_random_below(struct ref_random *random, uint64_t n); /* n is not 0 */
/* 0: there is no place. */
uint64_t ref_draw_own(const struct ref_buffer *buffer);
uint64_t ref_draw_place(const struct ref_process *process, uint64_t length);

/* --- device.c --- */
bool ref_is_device(uint64_t base, uint64_t size);
struct ref_buffer *ref_device_new(uint64_t base, uint64_t size);
struct ref_interrupt *ref_line_object(uint64_t line); /* NULL: nobody has it */
struct ref_dma *ref_dma_new(void);

/* --- machine.c --- */
void ref_log_own(unsigned level); /* a record of the kernel's */

/* --- queue.c --- */
struct ref_queue *ref_queue_new(uint64_t blocks, uint64_t slots);
uint64_t ref_blocks(uint64_t size, unsigned attached);
/* Retires what has been retired. False: the owner has lied, and the queue counts as full. */
bool ref_look(struct ref_queue *queue);
bool ref_lies(const struct ref_queue *queue);
/* With all retired that has been freed. */
bool ref_could_fit(const struct ref_queue *queue, uint64_t blocks);
bool ref_fits(const struct ref_queue *queue, uint64_t blocks);
bool ref_freed(const struct ref_queue *queue, const struct ref_message *message);
bool ref_can_take_in_registers(const struct ref_queue *queue, uint64_t size, unsigned attached);
/* Delivers it, in registers or in the ring, for which there is room. */
void ref_deliver(struct ref_queue *queue, struct ref_message *message);
struct ref_sender *ref_first_in_line(const struct ref_queue *queue);
bool ref_told_of_room(const struct ref_queue *queue);
void ref_refill(struct ref_queue *queue); /* room has come */
void ref_bind(struct ref_queue *queue, struct ref_process *process, uint64_t place);
void ref_unbind(struct ref_queue *queue);
void ref_queue_gone(struct ref_queue *queue);

/* --- notice.c --- */
void ref_notice_init(struct ref_notice *notice, enum cavern_kind kind, struct ref_object *source);
void ref_notice_end(struct ref_notice *notice); /* as after ref_notice_init */
void ref_fire(struct ref_notice *notice);
void ref_tell(struct ref_notice *notice);
void ref_direct(struct ref_notice *notice, struct ref_queue *queue, uint64_t label); /* notify */
void ref_acknowledge(struct ref_notice *notice);
struct ref_message *ref_notice_message(struct ref_notice *notice);
void ref_sender_gone(struct ref_sender *sender);
void ref_drop_grants(struct ref_message *message);

/* --- request.c --- */
/* The queue that a handle with RECEIVE names, bound to the caller's process; else notes what is wrong. */
struct ref_queue *ref_own_queue(const struct ref_thread *thread, uint64_t handle);
struct ref_request *ref_pending(const struct ref_queue *queue, uint64_t id);
bool ref_slot_free(const struct ref_queue *queue, uint64_t slots);
struct ref_request *ref_request_new(struct ref_sender *sender, struct ref_thread *thread, const struct ref_message *m);
void ref_end_request(struct ref_request *request); /* frees slot and reservation; tells nobody */
void ref_abandon(struct ref_request *request);
void ref_cancel(struct ref_request *request, enum cavern_status status);
bool ref_answer_overlaps(const struct ref_thread *thread, const uint64_t x[16]); /* of a reply */
bool ref_reply_fits(const struct ref_request *request, const struct ref_message *reply);
void ref_end_with_reply(struct ref_request *request, struct ref_message *reply);

/* --- fault.c --- */
bool ref_is_handled(const struct ref_process *process);
void ref_fault(struct ref_thread *thread, const uint64_t words[5]);
void ref_fault_done(struct ref_thread *thread);
void ref_fault_lost(struct ref_thread *thread);

/* --- message.c --- */
bool ref_lease_overlaps(const struct ref_thread *thread, const uint64_t x[16]);

/* --- process.c --- */
struct ref_process *ref_process_new(struct ref_account *account, uint64_t flags);
struct ref_thread *ref_thread_new(struct ref_process *process, unsigned priority);
/* By thread_control and thread_registers; it may have ended. NULL: none, and what is wrong is noted. */
struct ref_thread *ref_thread_named(const struct ref_thread *thread, const uint64_t x[16]);
void ref_wake(struct ref_thread *thread, enum cavern_status status);
void ref_wake_with(struct ref_thread *thread, const struct ref_message *message);
void ref_thread_end(struct ref_thread *thread, enum cavern_reason reason, uint64_t code);
void ref_process_end(struct ref_process *process, enum cavern_reason reason, uint64_t code);
void ref_hasten(struct ref_process *process, const struct ref_thread *thread); /* its end, if it has begun */
void ref_finish_ending(struct ref_process *process);
void ref_process_unnamed(struct ref_process *process); /* its last handle went */
void ref_forsake(struct ref_process *process);         /* nobody is to succeed it */
void ref_die(struct ref_object *object);               /* what follows from that its last handle went is to be done */

/* --- calls --- */
static inline void ref_wrong(bool condition, enum cavern_status status)
{
    if (condition)
        ref.errors |= 1u << status;
}
static inline bool ref_failed(void)
{
    return ref.errors || ref.no_memory;
}
void ref_out(struct ref_thread *thread, unsigned x, uint64_t value);

typedef void ref_call_function(struct ref_thread *thread, const uint64_t x[16]);
ref_call_function ref_send, ref_call, ref_request, ref_reply, ref_drop, ref_cancel_call, ref_receive, ref_reply_receive,
    ref_space, ref_queue_freed, ref_lease_copy, ref_grant_accept, ref_queue_create, ref_queue_bind, ref_sender_mint,
    ref_handle_give, ref_handle_close, ref_account_split, ref_buffer_create, ref_buffer_seal, ref_map, ref_unmap,
    ref_process_create, ref_process_end_call, ref_process_copy, ref_thread_create, ref_thread_control, ref_notify,
    ref_submit, ref_inspect, ref_acknowledge_call, ref_signal_create, ref_signal_raise, ref_derive, ref_account_end,
    ref_thread_registers, ref_machine, ref_device_io, ref_dma_map, ref_dma_unmap;

/*
 * The call, made by a thread that is ready. `drawn` are the registers that the kernel returned. Then ref.errors says
 * which statuses it may fail with; where it is 0 the call has taken effect, unless `no_memory`.
 */
void ref_make(struct ref_thread *thread, enum cavern_call call, const uint64_t x[16], const uint64_t drawn[9],
              const uint64_t fault[5]);
bool ref_has_call(enum cavern_call call);
unsigned ref_progress(enum cavern_call call); /* a bit for each register in which it keeps where it stands */
void ref_serve(struct ref_thread *thread, enum cavern_call call, const uint64_t x[16]);
void ref_settle(void); /* what a call has started goes to its end */
bool ref_copy_overlaps(const struct ref_thread *thread, const uint64_t x[16]); /* a process_copy onto itself */
void ref_time(uint64_t now);                                                   /* deadlines pass */
void ref_line(unsigned line);                                                  /* a device raises its line */
/* What must always hold; NULL, or what does not. */
const char *ref_invariants(void);
