/* SPDX-License-Identifier: BSD-2-Clause */
/* What a call or a request came to. Rows: status.def. */
#pragma once

enum cavern_status {
#define STATUS(name, number, text) CAVERN_##name = number,
#include <cavern/status.def>
#undef STATUS
};

#define CAVERN_MUST_CHECK __attribute__((warn_unused_result))
