/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the registry decides. Its state is plain data in one flat piece of memory, so that it can lie in a buffer that
 * outlives the process: names with the senders that serve them, clients, look-ups that wait, and watches. Handles are
 * numbers here; main.c carries the effects out. spec/services/registry.md.
 *
 * A client is known by the label of its sender. Labels up to REGISTRY_ADMINISTRATORS are minted by whoever holds the
 * registry's queue; the others come from `next_label`, which also numbers the senders that look-ups mint.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/protocol/registry.h>
#include <cavern/status.h>

enum {
    REGISTRY_CLIENTS_MAX = 128,
    REGISTRY_ENTRIES_MAX = 256,
    REGISTRY_WAITS_MAX = 64,
    REGISTRY_WATCHES_MAX = 64,
    REGISTRY_WAITS_PER_CLIENT = 8,
    REGISTRY_WATCHES_PER_CLIENT = 8,
    REGISTRY_PERMITTED_BYTES = sizeof(((struct registry_open *)0)->permitted),
    REGISTRY_EFFECTS_MAX = 2 + REGISTRY_WAITS_MAX + REGISTRY_WATCHES_MAX,
};

struct registry_client {
    uint64_t label;
    char scope[RPC_NAME_MAX];
    char permitted[REGISTRY_PERMITTED_BYTES];
};

struct registry_entry {
    char name[RPC_NAME_MAX];
    uint64_t client; /* label of the one that registered it */
    uint64_t sender; /* handle */
    uint64_t tag;    /* in bits 48-63 of the labels that its look-ups mint */
};

struct registry_wait {
    char name[RPC_NAME_MAX];
    uint64_t client;
    uint64_t request;
};

struct registry_watch {
    char prefix[RPC_NAME_MAX];
    uint64_t client;
    uint64_t sender; /* handle */
};

struct registry {
    uint64_t magic;
    uint64_t next_label;
    uint32_t client_count;
    uint32_t entry_count;
    uint32_t wait_count;
    uint32_t watch_count;
    struct registry_client clients[REGISTRY_CLIENTS_MAX];
    struct registry_entry entries[REGISTRY_ENTRIES_MAX]; /* ascending by name */
    struct registry_wait waits[REGISTRY_WAITS_MAX];      /* oldest first */
    struct registry_watch watches[REGISTRY_WATCHES_MAX];
};

struct registry_input {
    uint64_t label; /* of the sender that asks */
    uint32_t request;
    uint32_t size;
    const void *payload;
    uint64_t grant; /* handle to a sender that came along; 0: none */
};

enum registry_effect_kind {
    REGISTRY_EFFECT_REPLY,  /* request, status */
    REGISTRY_EFFECT_NAMES,  /* request: effects.names */
    REGISTRY_EFFECT_SENDER, /* request: a sender minted from `handle` with `label` */
    REGISTRY_EFFECT_CLIENT, /* request: a sender minted from the registry's queue with `label`; failed: registry_closed
                             */
    REGISTRY_EFFECT_DROP,   /* request */
    REGISTRY_EFFECT_CLOSE,  /* handle */
    REGISTRY_EFFECT_EVENT,  /* to `handle`: change, name; failed: registry_watch_lost */
};

struct registry_effect {
    enum registry_effect_kind kind;
    enum cavern_status status;
    enum registry_change change;
    uint32_t request;
    uint64_t handle;
    uint64_t label;
    char name[RPC_NAME_MAX];
};

struct registry_effects {
    unsigned count;
    struct registry_effect list[REGISTRY_EFFECTS_MAX];
    struct registry_names names;
};

/* True: goes on with a predecessor's state, but for the look-ups that waited, which were abandoned with it. Else the
 * state is made new; handles that a damaged one named are not known any more, nor are its clients, whose labels do not
 * come again: they go on with the time since the reset, `now` in ns. */
bool registry_start(struct registry *registry, uint64_t now);

/* A grant of this request is worth accepting. */
bool registry_wants_grant(const void *payload, uint32_t size);

/* The effects of each call replace what is in `effects`. */
void registry_request(struct registry *registry, const struct registry_input *input, struct registry_effects *effects);

/* No sender with this label is left. True: there is more to do than fits, call again when the effects are carried out.
 */
bool registry_closed(struct registry *registry, uint64_t label, struct registry_effects *effects);

/* The watcher behind this handle could not be told. */
void registry_watch_lost(struct registry *registry, uint64_t sender, struct registry_effects *effects);

bool registry_invariants(const struct registry *registry);
