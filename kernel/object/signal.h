/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: payload-free sources that a holder raises; arrive as notices, coalesced. */
#pragma once

#include "object/notice.h"
#include "object/object.h"

struct account;

struct signal {
    struct object object;
    struct notice notice;
};

struct signal *signal_create(struct account *account); /* NULL: no memory */
bool signal_destroy(struct object *object);
