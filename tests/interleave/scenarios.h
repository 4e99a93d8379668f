/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs do side by side; each of these makes those of one run. */
#pragma once

#include "user.h"

#define SMALL CAVERN_INFO(8, 0, 0, 0, 0)
#define HALF_RING CAVERN_INFO(31 * 64 + 40, 0, 0, 0, 0) /* of a ring of 64 blocks */

enum { MOST = 4 };

/* What the programs of a run count together; 0 at its start. */
extern struct counts {
    uint64_t letters[MOST]; /* by the label of their sender: that have come */
    uint64_t calls[MOST];
    uint64_t raised;
    uint64_t signals;
    uint64_t closed;
    uint8_t endings[16]; /* by token */
    uint64_t steps;      /* of who is to be stopped */
    uint64_t sum;
} counts;

/* message_scenarios.c */
void few_letters(void);
void letters(void);
void little_room(void);
void room(void);
void room_that_is_told(void);
void signals(void);
void little_signal(void);
void requests(void);
void additions(void);
void all_are_added(void);
/* The number that a letter or a request begins with. */
uint64_t first_word(const struct cavern_message *message);
/* Of so many writers to one reader. */
void write_letters(unsigned writers, unsigned letters);

/* call_scenarios.c */
void one_call(void);
void few_calls(void);
void calls(void);
void pairs(void);
void deadlines(void);
void twins(void);
void closing(void);
void closing_beside(void);
void closed_once(void);
void stops(void);
void stops_of_callers(void);
void deaths(void);
