/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/handles.h>

#include <cavern/stubs.h>

void cavern_handle_close(cavern_handle handle)
{
    if (handle)
        (void)!cavern_sys_handle_close(handle);
}

enum cavern_status cavern_handle_duplicate(cavern_handle handle, uint64_t rights, cavern_handle *duplicate)
{
    return cavern_sys_handle_give(CAVERN_SELF_PROCESS, handle, rights, 0, duplicate);
}

enum cavern_status cavern_sender_mint(cavern_handle source, uint64_t label, unsigned messages, unsigned requests,
                                      unsigned flags, cavern_handle *sender)
{
    uint64_t limits = messages | (uint64_t)requests << 32;
    return cavern_sys_sender_mint(source, label, limits, CAVERN_SELF_ACCOUNT, flags, sender);
}
