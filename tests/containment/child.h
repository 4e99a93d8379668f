/* SPDX-License-Identifier: BSD-2-Clause */
/* An attempt as the supervisor's child. It has what each program has, a client of the registry's among it. */
#pragma once

#include <cavern/handle.h>
#include <cavern/status.h>

/* Returns when it has ended, with the words of its end. `report` [copy] is given to it. */
enum cavern_status child_run(unsigned index, unsigned variant, uint64_t seed, cavern_handle report,
                             uint64_t words[5]) CAVERN_MUST_CHECK;
