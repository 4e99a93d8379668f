/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who goes on at each point of a run. A run is its decisions: at all other points the CPU goes on, or if it can't, the
 * next that can. So a run is repeated from its few decisions, and made simpler by leaving some out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DECISIONS_MAX 4096
#define DECISION_TIME 31 /* time goes on to the next deadline, and the CPU too */
#define DECISION_HOLD 30 /* the store that the CPU is about to make is seen late by others, and the CPU goes on */
#define CHOICES_MAX 8192

struct decision {
    uint32_t point; /* counted from 1 on */
    uint32_t to;    /* CPU, or DECISION_... */
};

struct schedule {
    uint64_t seed;                 /* of what the programs draw, and of decisions that are drawn */
    uint32_t points;               /* of the run that was made last */
    uint32_t choices[CHOICES_MAX]; /* there: at each of the first points, a bit for each other decision */
    uint32_t drawn;                /* 0: none is drawn; else one at about every so many points */
    uint32_t count;
    struct decision decisions[DECISIONS_MAX];
};

/* A run begins: its decisions are those of the schedule, or drawn, and then added to it. */
void schedule_begin(struct schedule *schedule);
/*
 * At a point: which CPU goes on, or what else is decided. `able`: a bit for each that may be decided, of a CPU at
 * least. `own`: the CPU that is at the point, and goes on if it is able and nothing else has been decided.
 */
unsigned schedule_next(unsigned own, uint32_t able);
