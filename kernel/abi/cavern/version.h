/* SPDX-License-Identifier: BSD-2-Clause */
/* Of the whole: kernel, libcavern and services are built together. */
#pragma once

#define CAVERN_VERSION "0.1"
