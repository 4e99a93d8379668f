/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver of ARM's PrimeCell UART (PL011). Register facts: ARM DDI 0183G, chapter 3. The baud rate stays as the
 * firmware has left it. Arguments: the device's name in the registry.
 */
#include "policy.h"

#include <stdlib.h>

#include <cavern/buffer.h>
#include <cavern/interrupt.h>
#include <cavern/log.h>
#include <cavern/service.h>
#include <cavern/start.h>
#include <cavern/time.h>

#include "formats/manifest.h"

CAVERN_MANIFEST(MANIFEST_DRIVER("pl011") MANIFEST_CLASS("uart") MANIFEST_COMPATIBLE("arm,pl011"));

/* Offsets, table 3-1. */
struct pl011 {
    uint32_t dr; /* 3.3.1: data in 0-7; of what was received, errors in 8-11 */
    uint32_t rsr;
    uint32_t pad0[4];
    uint32_t fr; /* 3.3.3 */
    uint32_t pad1[2];
    uint32_t ibrd, fbrd;
    uint32_t lcr_h; /* 3.3.7 */
    uint32_t cr;    /* 3.3.8 */
    uint32_t ifls;  /* 3.3.9 */
    uint32_t imsc;  /* 3.3.10 */
    uint32_t ris, mis;
    uint32_t icr; /* 3.3.13 */
};

_Static_assert(offsetof(struct pl011, fr) == 0x18 && offsetof(struct pl011, icr) == 0x44, "PL011 registers");

enum {
    DR_OVERRUN = 1 << 11,
    FR_BUSY = 1 << 3,
    FR_RXFE = 1 << 4, /* receive FIFO empty */
    FR_TXFF = 1 << 5, /* transmit FIFO full */
    LCR_H_FEN = 1 << 4,
    LCR_H_WLEN_8 = 3 << 5,
    CR_UARTEN = 1 << 0,
    CR_TXE = 1 << 8,
    CR_RXE = 1 << 9,
    IFLS_HALF = 2 << 3 | 0, /* transmit at half, receive at an eighth */
    INT_RX = 1 << 4,
    INT_TX = 1 << 5,
    INT_RT = 1 << 6, /* characters wait in the FIFO, and the line is idle */
    INT_ALL = 0x7ff,
};

#define IDLE_POLL CAVERN_MILLISECOND /* between two looks at a device that still sends */

enum { TIMER_IDLE = 1 };

static volatile struct pl011 *device;
static cavern_handle interrupt;
static struct uart uart;

static void reset(void)
{
    device->cr = 0;
    device->lcr_h = 0; /* empties the FIFOs */
    device->imsc = 0;
    device->icr = INT_ALL;
    device->ifls = IFLS_HALF;
    device->lcr_h = LCR_H_FEN | LCR_H_WLEN_8;
    device->cr = CR_UARTEN | CR_TXE | CR_RXE;
}

static void give_input(struct cavern_service *service, const struct uart_effect *effect)
{
    struct cavern_outgoing out = {
        .payload = &effect->data,
        .size = (uint32_t)offsetof(struct stream_data, bytes) + effect->data.reply.value,
    };
    enum cavern_status status = cavern_reply(&service->queue, effect->request, &out);
    if (status)
        uart_return_input(&uart, effect->data.reply.value);
    if (status && status != CAVERN_CANCELLED)
        cavern_reply_status(service, effect->request, status, 0);
}

static void carry_out(struct cavern_service *service, const struct uart_effect *effect)
{
    if (effect->kind == UART_EFFECT_REPLY)
        cavern_reply_status(service, effect->request, effect->status, effect->value);
    else if (effect->kind == UART_EFFECT_DATA)
        give_input(service, effect);
}

static void move_bytes(void)
{
    uint8_t byte;
    while (!(device->fr & FR_TXFF) && uart_take_output(&uart, &byte))
        device->dr = byte;
    while (uart_has_room(&uart) && !(device->fr & FR_RXFE)) {
        uint32_t data = device->dr;
        uart_put_input(&uart, (uint8_t)data, data & DR_OVERRUN);
        if (data & DR_OVERRUN)
            cavern_log(CAVERN_LOG_WARNING, "characters lost: %lu times", (unsigned long)uart.overruns);
    }
}

/* Moves what can be moved, answers who can be answered, and listens for what comes next. */
static void advance(struct cavern_service *service)
{
    static struct uart_effect effect;
    move_bytes();
    for (;;) {
        uart_next_effect(&uart, !(device->fr & FR_BUSY), &effect);
        if (effect.kind == UART_EFFECT_NONE)
            break;
        carry_out(service, &effect);
        move_bytes();
    }
    if (uart_awaits_idle(&uart))
        cavern_timer_set(service, TIMER_IDLE, cavern_after(IDLE_POLL));
    device->imsc = (uart_has_output(&uart) ? INT_TX : 0) | (uart_has_room(&uart) ? INT_RX | INT_RT : 0);
}

static void on_request(struct cavern_service *service, const struct cavern_message *message)
{
    static struct uart_effect effect;
    uart_request(&uart, message->header.request, message->payload, message->header.size, &effect);
    carry_out(service, &effect);
    advance(service);
}

static void on_notice(struct cavern_service *service, const struct cavern_message *message)
{
    if (message->header.kind != CAVERN_KIND_INTERRUPT)
        return;
    device->icr = INT_TX | INT_RX | INT_RT;
    advance(service);
    if (cavern_log_failure(cavern_interrupt_acknowledge(interrupt), "acknowledge"))
        cavern_service_stop(service, EXIT_FAILURE);
}

static void on_timer(struct cavern_service *service, uint64_t id)
{
    (void)id;
    advance(service);
}

static enum cavern_status open_device(struct cavern_service *service)
{
    void *registers;
    interrupt = cavern_startup_get("irq0");
    enum cavern_status status = cavern_buffer_map(cavern_startup_get("reg0"), 0, CAVERN_PAGE_SIZE,
                                                  CAVERN_PROT_READ | CAVERN_PROT_WRITE, &registers);
    if (status)
        return status;
    device = registers;
    reset();
    return cavern_interrupt_notify(interrupt, service->queue.handle, 0, 0);
}

int main(int argc, char **argv)
{
    static struct cavern_service service = {.on_request = on_request, .on_notice = on_notice, .on_timer = on_timer};
    enum cavern_status status = argc > 1 ? cavern_service_open(&service) : CAVERN_BAD_ARGUMENT;
    if (!status)
        status = open_device(&service);
    if (!status)
        status = cavern_service_publish(&service, argv[1], 0);
    if (cavern_log_failure(status, "start"))
        return EXIT_FAILURE;
    advance(&service);
    return cavern_service_run(&service);
}
