/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: lines between people and programs, several clients over one byte stream. Each client has a sender of its
 * own. Input goes to the client that asked to read last and is not yet served. Ctrl-C goes to the watchers.
 * spec/services/console.md.
 */
#pragma once

#include <cavern/protocol/rpc.h>

enum console_operation {
    CONSOLE_WRITE = 1, /* console_text -> rpc_reply when the text has been taken */
    CONSOLE_READ,  /* rpc_request -> console_text: a line without its end. INTERRUPTED: Ctrl-C; END: Ctrl-D on an empty
                      line */
    CONSOLE_WATCH, /* rpc_request -> rpc_reply INTERRUPTED when Ctrl-C is next typed */
    CONSOLE_FLUSH, /* rpc_request -> rpc_reply when all that was written before has left the device's queue */
    CONSOLE_OPEN,  /* rpc_request -> rpc_reply with one grant: a sender for one more client */
};

#define CONSOLE_TEXT_MAX 1024

struct console_text {
    union {
        struct rpc_request request; /* value: bytes that follow */
        struct rpc_reply reply;     /* value: bytes that follow */
    };
    char text[CONSOLE_TEXT_MAX];
};
