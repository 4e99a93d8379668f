/* SPDX-License-Identifier: BSD-2-Clause */
/* The drivers of the RAM disk and what their manifests say. Pure. */
#pragma once

#include "devices.h"
#include "volume.h"

/* Fills `drivers` from the files in drivers/ and returns how many there are. One that is no program, or has no manifest
 * or a bad one, is left out, and said. The manifests point into the archive. */
unsigned drivers_read(const struct volume *volume, const void *archive,
                      struct device_driver drivers[DEVICE_DRIVERS_MAX], struct problems *problems);
