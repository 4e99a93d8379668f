/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling the log. Lines go to the log service where the process has a sender to it ("log"); where it has none, or that
 * log is gone, to the kernel's log if it has the machine with LOG, else to the log that the registry knows now. Never
 * waits for the log: what it has no room for, or where there is none, is counted, and told when that is over.
 * spec/services/log.md.
 */
#pragma once

#include <stdarg.h>

#include <cavern/handle.h>
#include <cavern/machine.h>
#include <cavern/protocol/log.h>
#include <cavern/status.h>

/* level: enum cavern_log_level. The text is cut at CAVERN_LOG_TEXT_MAX; it has no line end. */
void cavern_log(enum cavern_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cavern_log_va(enum cavern_log_level level, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Says what failed and why, on the log, when `status` is not OK; returns it. */
enum cavern_status cavern_log_failure(enum cavern_status status, const char *what);
