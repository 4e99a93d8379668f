/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#define CAVERN_VERSION "0.1"
