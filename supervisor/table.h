/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the policy: records, waiters, effects. Pure. */
#pragma once

#include <stddef.h>

#include "policy.h"

#define SUPERVISOR_MAGIC UINT64_C(0x3156524553505553)

bool name_valid(const char *name, size_t size); /* printable, not empty, without a space */

struct supervisor_effect *effect_add(struct supervisor_effects *effects, enum supervisor_effect_kind kind);
void reply_add(struct supervisor_effects *effects, uint32_t request, enum cavern_status status, uint32_t value);
void close_add(struct supervisor_effects *effects, uint64_t *handle); /* none: nothing; it is 0 afterwards */
void status_add(struct supervisor_effects *effects, enum supervisor_effect_kind kind, uint32_t request,
                const struct supervisor_record *child);
void report_add(struct supervisor_effects *effects, const struct supervisor_record *child, enum supervisor_event event,
                enum cavern_status status, uint64_t delay);

bool is_over(const struct supervisor_record *child);
bool has_process(const struct supervisor_record *child);
struct supervisor_child_status child_status(const struct supervisor_record *child);
struct supervisor_record *child_find(struct supervisor *supervisor, uint32_t number);
struct supervisor_record *child_named(struct supervisor *supervisor, const char *name);
struct supervisor_record *child_with_process(struct supervisor *supervisor, const char *decimal);
/* "pl011" stands for "pl011@9000000", if no other child begins with "pl011@". */
struct supervisor_record *child_abbreviated(struct supervisor *supervisor, const char *name);
/* The first with this number or a higher one. */
const struct supervisor_record *child_from(const struct supervisor *supervisor, uint32_t number);

void state_set(struct supervisor_record *child, enum supervisor_state state, uint64_t now);
void starting(struct supervisor_record *child, uint64_t now);
void forget(struct supervisor_record *child, struct supervisor_effects *effects);
/* It has ended for good: those who wait are told, and what it no longer needs goes. */
void settle(struct supervisor *supervisor, struct supervisor_record *child, struct supervisor_effects *effects);

bool waiter_add(struct supervisor *supervisor, uint32_t request, uint32_t child, uint32_t operation);
/* All who wait for this of the child; true if there was one. */
bool waiters_reply(struct supervisor *supervisor, const struct supervisor_record *child, uint32_t operation,
                   enum cavern_status status, struct supervisor_effects *effects);
