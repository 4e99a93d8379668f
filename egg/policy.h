/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the egg decides once it has read everything: the order in which names are registered and children handed to the
 * supervisor, one step at a time, and whether a ward (registry, supervisor) that ended is started again. Pure.
 *
 *   REGISTER each name -> for each child: PREPARE -> BEGIN -> ADD ... ADD -> START -> CHILD_DONE -> READY
 *
 * A step whose request was abandoned, because its server ended, is made again after a pause; of a child all steps are,
 * from BEGIN on. spec/services/egg.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cavern/status.h>

enum {
    EGG_ADD_MAX = 4,   /* handles in one ADD */
    EGG_ATTEMPTS = 20, /* of one step */
    EGG_INTENSITY = 5, /* restarts of a ward within a period; one more, and the system ends */
    EGG_EFFECTS_MAX = 2,
};

#define EGG_PERIOD UINT64_C(10000000000) /* ns */
#define EGG_PAUSE UINT64_C(20000000)     /* before a step is made again */

enum egg_ward { EGG_REGISTRY, EGG_SUPERVISOR, EGG_WARDS };

enum egg_step {
    EGG_STEP_REGISTER,
    EGG_STEP_PREPARE,
    EGG_STEP_BEGIN,
    EGG_STEP_ADD,
    EGG_STEP_START,
    EGG_STEP_READY,
};

struct egg {
    enum egg_step step;
    unsigned names;
    unsigned children;
    unsigned index;   /* of the name or the child that the step is about */
    unsigned handles; /* that the child gets */
    unsigned added;   /* of them, in ADDs that were answered */
    unsigned attempt; /* how often the step, or BEGIN of the child, has been made already */
    uint32_t number;  /* of the child, as the supervisor answered */
    bool pausing;     /* the step is to be made again when egg_again comes */
    unsigned history_count[EGG_WARDS];
    uint64_t history[EGG_WARDS][EGG_INTENSITY]; /* times of restarts in this period, oldest first */
};

enum egg_effect_kind {
    EGG_REGISTER,   /* index */
    EGG_PREPARE,    /* index: make the child's handles, then egg_prepared */
    EGG_BEGIN,      /* index, attempt */
    EGG_ADD,        /* index, number, first handle, count */
    EGG_START,      /* index, number */
    EGG_NAME_DONE,  /* index, status: not registered if that is not OK */
    EGG_CHILD_DONE, /* index, status: its handles are not needed here any more */
    EGG_AGAIN,      /* call egg_again after EGG_PAUSE */
    EGG_READY,      /* all has been asked for */
};

struct egg_effect {
    enum egg_effect_kind kind;
    enum cavern_status status;
    unsigned index;
    unsigned first;
    unsigned count;
    unsigned attempt;
    uint32_t number;
};

struct egg_effects {
    unsigned count;
    struct egg_effect list[EGG_EFFECTS_MAX];
};

/* The effects of each call replace what is in `effects`. */
void egg_begin(struct egg *egg, unsigned names, unsigned children, struct egg_effects *effects);
void egg_prepared(struct egg *egg, enum cavern_status status, unsigned handles, struct egg_effects *effects);
/* The request of the present step has ended, or could not be sent. `value` is that of the reply. */
void egg_ended(struct egg *egg, enum cavern_status status, uint32_t value, struct egg_effects *effects);
void egg_again(struct egg *egg, struct egg_effects *effects);

/* A ward has ended: true if it is to be started again, at once. */
bool egg_ward_ended(struct egg *egg, enum egg_ward ward, uint64_t now);

bool egg_invariants(const struct egg *egg);
