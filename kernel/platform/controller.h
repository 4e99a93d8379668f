/* SPDX-License-Identifier: BSD-2-Clause */
/* What platform.c wants from a driver of an interrupt controller; see platform.h for what the calls do. */
#pragma once

#include <stdbool.h>

struct machine_description;

#define CONTROLLER_KICK 0 /* a line of each CPU's own that software makes fire */

struct interrupt_controller {
    const char *name;
    const char *const *compatible; /* ended by NULL */
    void (*init)(const struct machine_description *description);
    unsigned cpus_max;
    void (*init_cpu)(unsigned cpu); /* of another CPU, on that CPU */
    void (*kick)(unsigned cpu);     /* by line CONTROLLER_KICK */
    void (*forget_kicks)(void);
    void (*route)(unsigned line, unsigned cpu);
    unsigned (*lines)(void);
    unsigned (*claim)(void);
    void (*complete)(unsigned line);
    void (*mask)(unsigned line);
    void (*unmask)(unsigned line);
    bool (*trigger)(unsigned line, unsigned trigger);
};

extern const struct interrupt_controller gicv2, gicv3;
