/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles: the only authority. Bits 0-23 index, 24-63 generation; 0 is never valid. spec/abi.md. */
#pragma once

#include <stdint.h>

typedef uint64_t cavern_handle;

#define CAVERN_NO_HANDLE ((cavern_handle)0)
#define CAVERN_HANDLE_INDEX_BITS 24

/* Present in every process. */
#define CAVERN_SELF_PROCESS ((cavern_handle)0x1000001)
#define CAVERN_SELF_ACCOUNT ((cavern_handle)0x1000002)
#define CAVERN_SELF_THREAD ((cavern_handle)0x1000003)

enum cavern_type {
    CAVERN_TYPE_NONE,
    CAVERN_TYPE_ACCOUNT,
    CAVERN_TYPE_PROCESS,
    CAVERN_TYPE_THREAD,
    CAVERN_TYPE_QUEUE,
    CAVERN_TYPE_SENDER,
    CAVERN_TYPE_BUFFER,
    CAVERN_TYPE_INTERRUPT,
    CAVERN_TYPE_SIGNAL,
    CAVERN_TYPE_DMA,
    CAVERN_TYPE_MACHINE,
    CAVERN_TYPE_COUNT,
};

/* Rights, 16 bits. */
#define CAVERN_RIGHT_COPY 0x0001    /* duplicate, grant, give */
#define CAVERN_RIGHT_INSPECT 0x0002 /* read what the object and what is below it are */
#define CAVERN_RIGHT_MANAGE 0x0004
#define CAVERN_RIGHT_SEND 0x0008    /* sender */
#define CAVERN_RIGHT_REQUEST 0x0010 /* sender */
#define CAVERN_RIGHT_RECEIVE 0x0020 /* queue */
#define CAVERN_RIGHT_MINT 0x0040    /* queue, sender */
#define CAVERN_RIGHT_CHARGE 0x0080  /* account */
#define CAVERN_RIGHT_DERIVE 0x0100  /* device buffer, interrupt range, dma */
#define CAVERN_RIGHT_READ 0x0200    /* buffer */
#define CAVERN_RIGHT_WRITE 0x0400   /* buffer */
#define CAVERN_RIGHT_EXECUTE 0x0800 /* buffer */
#define CAVERN_RIGHT_MEMORY 0x1000  /* process: read and write its memory */
#define CAVERN_RIGHT_RAISE 0x2000   /* signal */
#define CAVERN_RIGHT_POWER 0x4000   /* machine */
#define CAVERN_RIGHT_LOG 0x8000     /* machine */
#define CAVERN_RIGHTS_ALL 0xffff
