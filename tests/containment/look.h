/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the system looks like from a service: processes, accounts, free memory, and what the services say. Looked at
 * before the first attempt and compared after each. All say NULL when all is well, else what is not. The processes that
 * ask for attempts, and those of attempts, are not looked at. spec/containment.md.
 */
#pragma once

#include <cavern/handle.h>
#include <cavern/status.h>

/* The services: `own` is asked, `lent` is the attempts'. */
struct look_service {
    const char *name; /* of the attempts' handle */
    const char *path;
    cavern_handle own, lent;
};

enum { LOOK_SERVICES = 6 };
extern struct look_service look_services[LOOK_SERVICES];

enum cavern_status look_open(void) CAVERN_MUST_CHECK;
/* What all is compared with from now on. */
const char *look_remember(void);
/* Every service answers. */
const char *look_ask(void);
/* Nothing has changed. */
const char *look_compare(void);
