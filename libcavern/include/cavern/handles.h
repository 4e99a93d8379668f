/* SPDX-License-Identifier: BSD-2-Clause */
/* Small things to do with handles. */
#pragma once

#include <stdint.h>

#include <cavern/handle.h>
#include <cavern/status.h>

/* Closing what is no handle any more is harmless; 0 too. */
void cavern_handle_close(cavern_handle handle);

/* A second, independent handle of this process, with at most `rights`. */
enum cavern_status cavern_handle_duplicate(cavern_handle handle, uint64_t rights,
                                           cavern_handle *duplicate) CAVERN_MUST_CHECK;

/* A sender from a queue or a sender, on the own account. `messages` not yet freed, `requests` pending, at most;
 * flags: CAVERN_MINT_CLOSED. */
enum cavern_status cavern_sender_mint(cavern_handle source, uint64_t label, unsigned messages, unsigned requests,
                                      unsigned flags, cavern_handle *sender) CAVERN_MUST_CHECK;
