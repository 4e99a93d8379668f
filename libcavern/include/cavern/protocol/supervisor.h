/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Supervisors: spawn, watch, restart. A child is described (begin), given handles (add, four at a time), and started.
 * The supervisor holds its account and its queue over restarts. spec/services/supervisor.md.
 */
#pragma once

#include <cavern/process.h>
#include <cavern/protocol/rpc.h>

enum supervisor_operation {
    SUPERVISOR_BEGIN = 1, /* supervisor_child -> rpc_reply, value: child number. EXISTS */
    SUPERVISOR_ADD, /* supervisor_add, value: child; up to four grants -> rpc_reply. NOT_FOUND, BUSY: started already */
    SUPERVISOR_START, /* rpc_request, value: child -> rpc_reply, value: process id. What went wrong with the program */
    SUPERVISOR_STOP,  /* supervisor_name -> rpc_reply when it has ended; it is not restarted */
    SUPERVISOR_RESTART, /* supervisor_name -> rpc_reply, value: new process id */
    SUPERVISOR_KILL,    /* supervisor_name -> rpc_reply; as if it had crashed: its restart policy decides */
    SUPERVISOR_STATUS,  /* supervisor_name -> supervisor_status. NOT_FOUND */
    SUPERVISOR_LIST,    /* rpc_request, value: first child number wanted -> supervisor_statuses. END */
    SUPERVISOR_WAIT,    /* rpc_request, value: child -> supervisor_status when it has ended for good */
};

/* When to start it again, in Erlang/OTP's words. */
enum supervisor_restart {
    SUPERVISOR_PERMANENT = 1, /* always */
    SUPERVISOR_TRANSIENT,     /* when it ended badly: not with code 0 of its own will */
    SUPERVISOR_TEMPORARY,     /* never; forgotten once its end has been told to a waiter */
};

enum supervisor_class { SUPERVISOR_DRIVER = 1, SUPERVISOR_SERVICE, SUPERVISOR_PROGRAM };

/* Bytes of a child's account, and its priority, where nothing is said, by class. */
enum {
    SUPERVISOR_DRIVER_MEMORY = 2 << 20,
    SUPERVISOR_SERVICE_MEMORY = 4 << 20,
    SUPERVISOR_PROGRAM_MEMORY = 4 << 20,
    SUPERVISOR_DRIVER_PRIORITY = 20,
    SUPERVISOR_SERVICE_PRIORITY = 16,
    SUPERVISOR_PROGRAM_PRIORITY = 8,
};

enum {
    SUPERVISOR_ADMINISTRATORS = 15, /* labels of senders that may change things, from 1 on; others may look */
    SUPERVISOR_HANDLES_MAX = 16,    /* added to one child */
};

struct supervisor_child {
    struct rpc_request request;
    char name[32];       /* unique among the children */
    char program[96];    /* path of the program: /volume/init/… */
    char permitted[128]; /* names that it may register: registry_open.permitted */
    uint8_t restart;     /* enum supervisor_restart */
    uint8_t class;       /* enum supervisor_class */
    uint8_t priority;    /* 0: the supervisor's choice */
    uint8_t arguments;   /* strings that follow */
    uint32_t length;     /* bytes of them, each ended by 0, without the program's name; at most 1024 */
    uint64_t memory;     /* bytes of its account; 0: as above */
    uint32_t blocks;     /* of its queue; 0: none */
    uint32_t slots;      /* requests pending in its queue */
    uint32_t stack;      /* bytes of its first thread's stack; 0: libcavern's choice */
    uint32_t pad;
};

struct supervisor_add {
    struct rpc_request request;
    struct {
        char name[24]; /* in the start-up record */
        uint64_t values[3];
    } handles[4]; /* as many as there are grants */
};

struct supervisor_name {
    struct rpc_request request;
    char name[32]; /* of the child, or its process id in decimal */
};

enum supervisor_state {
    SUPERVISOR_STATE_NEW,
    SUPERVISOR_STATE_STARTING,
    SUPERVISOR_STATE_RUNNING,
    SUPERVISOR_STATE_STOPPING,
    SUPERVISOR_STATE_WAITING, /* to be restarted, backing off */
    SUPERVISOR_STATE_STOPPED,
    SUPERVISOR_STATE_FAILED, /* restarted too often, or can't be started */
};

struct supervisor_child_status {
    char name[32];
    uint32_t child;
    uint32_t process; /* id; 0: none */
    uint8_t state;    /* enum supervisor_state */
    uint8_t restart;
    uint8_t class;
    uint8_t pad;
    uint32_t restarts;
    uint64_t since;         /* ns: when it entered this state */
    uint64_t exit_words[5]; /* of the last end */
};

struct supervisor_status {
    struct rpc_reply reply;
    struct supervisor_child_status child;
};

#define SUPERVISOR_STATUSES_MAX 16

struct supervisor_statuses {
    struct rpc_reply reply; /* value: how many */
    uint32_t next;          /* first child number for what follows */
    uint32_t pad;
    struct supervisor_child_status children[SUPERVISOR_STATUSES_MAX];
};
