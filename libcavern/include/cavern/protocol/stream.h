/* SPDX-License-Identifier: BSD-2-Clause */
/* Byte streams: what a UART driver serves. The last reader to ask gets the bytes. spec/services/uart.md. */
#pragma once

#include <cavern/protocol/rpc.h>

enum stream_operation {
    /* stream_data -> rpc_reply when all bytes are in the device or its queue; this is the backpressure. */
    STREAM_WRITE = 1,
    /* rpc_request; value: most bytes wanted -> stream_data with at least one byte, when there is one. BUSY: another has
       asked since. */
    STREAM_READ,
    /* rpc_request -> rpc_reply when all that was written before has left the device. */
    STREAM_FLUSH,
};

#define STREAM_BYTES_MAX 1024

struct stream_data {
    union {
        struct rpc_request request; /* value: bytes that follow */
        struct rpc_reply reply;     /* value: bytes that follow */
    };
    uint8_t bytes[STREAM_BYTES_MAX];
};
