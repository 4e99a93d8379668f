/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C library's locks, under the names at which it looks for them (sys/lock.h). All in one file: the library's own,
 * which do nothing, stand in one too, and either come whole or not at all.
 */
#include <stdlib.h>
#include <sys/lock.h>

#include <cavern/mutex.h>

struct __lock {
    struct cavern_mutex mutex;
    unsigned depth; /* the holder's, where it may lock again */
};

struct __lock __lock___libc_recursive_mutex;

void __retarget_lock_init(_LOCK_T *lock)
{
    *lock = calloc(1, sizeof(**lock));
    if (!*lock)
        abort();
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    __retarget_lock_init(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    cavern_mutex_lock(&lock->mutex);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    if (!cavern_mutex_held(&lock->mutex))
        cavern_mutex_lock(&lock->mutex);
    lock->depth++;
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
    return cavern_mutex_try_lock(&lock->mutex);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    if (!cavern_mutex_held(&lock->mutex) && !cavern_mutex_try_lock(&lock->mutex))
        return 0;
    lock->depth++;
    return 1;
}

void __retarget_lock_release(_LOCK_T lock)
{
    cavern_mutex_unlock(&lock->mutex);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    if (!--lock->depth)
        cavern_mutex_unlock(&lock->mutex);
}
