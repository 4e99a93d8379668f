/* SPDX-License-Identifier: BSD-2-Clause */
/* The registry's client, over the sender "registry" of the start-up record. spec/services/registry.md. */
#pragma once

#include <cavern/handle.h>
#include <cavern/protocol/registry.h>
#include <cavern/status.h>

/* A sender of this process's own to what is registered. With a deadline other than CAVERN_POLL waits until it is.
 * NOT_FOUND, TIMEOUT. */
enum cavern_status cavern_registry_lookup(const char *name, uint64_t deadline, cavern_handle *sender) CAVERN_MUST_CHECK;

/* `sender` needs COPY and MINT; the caller keeps its handle. EXISTS, NOT_PERMITTED. */
enum cavern_status cavern_registry_register(const char *name, cavern_handle sender) CAVERN_MUST_CHECK;
enum cavern_status cavern_registry_unregister(const char *name) CAVERN_MUST_CHECK;

/* Up to REGISTRY_NAMES_MAX names with this prefix that come after `after` ("": the first). END: no more. */
enum cavern_status cavern_registry_list(const char *prefix, const char *after,
                                        struct registry_names *names) CAVERN_MUST_CHECK;

/* struct registry_event messages will go to `sender`, which needs COPY and SEND. */
enum cavern_status cavern_registry_watch(const char *prefix, cavern_handle sender) CAVERN_MUST_CHECK;
