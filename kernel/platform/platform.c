/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which drivers this machine needs, and platform.h passed on to them. The only state: what has been chosen, and the
 * text that was written before a console was known.
 */
#include "platform/platform.h"

#include <string.h>

#include "object/machine.h"
#include "platform/controller.h"
#include "platform/machine_description.h"
#include "platform/pl011.h"
#include "platform/psci.h"
#include "platform/setup.h"

#define VIRT_UART 0x09000000 /* QEMU, hw/arm/virt.c */
#define EARLY_TEXT_MAX 2048
#define FIRST_DRIVER_LINE 32 /* below are software-generated and private lines */

static const struct interrupt_controller *const controllers[] = {&gicv2, &gicv3};
static const struct interrupt_controller *controller;
static unsigned timer_line;
static enum firmware_call firmware;
static enum { CONSOLE_UNDECIDED, CONSOLE_NONE, CONSOLE_PL011 } console;
static char early_text[EARLY_TEXT_MAX];
static size_t early_length;

bool device_is_compatible(const struct device_description *device, const char *name)
{
    const char *end = device->compatible + device->compatible_size;
    for (const char *p = device->compatible; p < end; p += strlen(p) + 1)
        if (!strcmp(p, name))
            return true;
    return false;
}

static void console_use(uint64_t physical)
{
    console = CONSOLE_PL011;
    pl011_init(physical);
    pl011_write(early_text, early_length);
    early_length = 0;
}

void platform_console_init(const struct machine_description *description)
{
    if (device_is_compatible(&description->console, "arm,pl011") && description->console.register_count)
        console_use(description->console.registers[0].base);
    else
        console = CONSOLE_NONE;
}

void platform_write(const char *text, size_t length)
{
    if (console == CONSOLE_PL011) {
        pl011_write(text, length);
        return;
    }
    if (length > EARLY_TEXT_MAX - early_length)
        length = EARLY_TEXT_MAX - early_length;
    memcpy(early_text + early_length, text, length);
    early_length += length;
}

void platform_power_init(const struct machine_description *description)
{
    firmware = description->firmware;
}

static void show_early_text(void)
{
    if (console == CONSOLE_UNDECIDED)
        console_use(VIRT_UART);
}

void platform_power_off(void)
{
    show_early_text();
    psci_power_off(firmware);
}

void platform_restart(void)
{
    show_early_text();
    psci_restart(firmware);
}

static bool drives(const struct interrupt_controller *driver, const struct device_description *device)
{
    for (const char *const *name = driver->compatible; *name; name++)
        if (device_is_compatible(device, *name))
            return true;
    return false;
}

void platform_interrupts_init(const struct machine_description *description)
{
    const struct device_description *device = &description->interrupt_controller;
    for (size_t i = 0; i < sizeof controllers / sizeof controllers[0]; i++)
        if (drives(controllers[i], device))
            controller = controllers[i];
    if (!controller)
        panic("interrupt controller: %s is not known", device->compatible);
    timer_line = description->timer_line;
    controller->init(description);
    controller->unmask(timer_line);
}

void platform_cpu_init(unsigned cpu)
{
    controller->init_cpu(cpu);
    controller->unmask(timer_line);
}

unsigned platform_cpus_max(void)
{
    return controller->cpus_max;
}

const char *platform_cpu_on(uint64_t id, uint64_t entry, uint64_t context)
{
    return psci_cpu_on(firmware, id, entry, context);
}

void platform_cpu_kick(unsigned cpu)
{
    controller->kick(cpu);
}

void platform_forget_kicks(void)
{
    controller->forget_kicks();
}

bool platform_line_is_kick(unsigned line)
{
    return line == CONTROLLER_KICK;
}

const char *platform_interrupts_name(void)
{
    return controller->name;
}

unsigned platform_lines(void)
{
    return controller->lines();
}

unsigned platform_first_line(void)
{
    return FIRST_DRIVER_LINE;
}

unsigned platform_line_claim(void)
{
    return controller->claim();
}

void platform_line_complete(unsigned line)
{
    controller->complete(line);
}

void platform_line_mask(unsigned line)
{
    controller->mask(line);
}

void platform_line_unmask(unsigned line)
{
    controller->unmask(line);
}

void platform_line_route(unsigned line, unsigned cpu)
{
    controller->route(line, cpu);
}

bool platform_line_trigger(unsigned line, unsigned trigger)
{
    return controller->trigger(line, trigger);
}
