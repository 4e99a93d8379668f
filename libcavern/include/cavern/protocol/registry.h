/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry: names (/service/…, /device/…, /volume/…) to senders. Each client has a sender of its own, minted with
 * `closed`: when the last handle to it goes, its registrations and watches go too (a kept handle table holds it, so a
 * provider with a successor stays). spec/services/registry.md.
 */
#pragma once

#include <cavern/protocol/rpc.h>

enum registry_operation {
    /* registry_name; one grant: a sender [mint]; value: a tag of the provider's, at most REGISTRY_TAG_MAX, for bits
     * 48-63 of the labels that look-ups of this name mint. The same client again: replaces. EXISTS, NOT_PERMITTED. */
    REGISTRY_REGISTER = 1,
    /* registry_name. NOT_FOUND, NOT_PERMITTED. */
    REGISTRY_UNREGISTER,
    /* registry_name; value: REGISTRY_WAIT or 0. Reply brings one grant: a sender minted for this look-up. NOT_FOUND. */
    REGISTRY_LOOKUP,
    /* registry_list: names that start with the prefix, in order, after `after`. Reply: registry_names. END: no more. */
    REGISTRY_LIST,
    /* registry_name (a prefix); one grant: a sender [send] to which registry_event messages go. */
    REGISTRY_WATCH,
    /* registry_open; only on an administrator's sender. Reply brings one grant: a sender for one new client. */
    REGISTRY_OPEN,
};

#define REGISTRY_WAIT 1 /* the reply waits until the name is registered */
#define REGISTRY_TAG_MAX 0xffff

/* Labels 1 to this one are administrators': minted by who holds the registry's queue, never by the registry. */
#define REGISTRY_ADMINISTRATORS 15

struct registry_name {
    struct rpc_request request;
    char name[RPC_NAME_MAX];
};

struct registry_list {
    struct rpc_request request;
    char prefix[RPC_NAME_MAX];
    char after[RPC_NAME_MAX]; /* "" for the first */
};

#define REGISTRY_NAMES_MAX 16

struct registry_names {
    struct rpc_reply reply; /* value: how many */
    char names[REGISTRY_NAMES_MAX][RPC_NAME_MAX];
};

/* `scope` is put before every name that the client says, "" for none; it may register names that match `permitted`,
 * each a name or a prefix ending in '*', separated by ' '. */
struct registry_open {
    struct rpc_request request;
    char scope[RPC_NAME_MAX];
    char permitted[128];
};

enum registry_change { REGISTRY_ADDED = 1, REGISTRY_REMOVED };

struct registry_event {         /* one-way message */
    struct rpc_request request; /* operation REGISTRY_WATCH, value: enum registry_change */
    char name[RPC_NAME_MAX];
};
